"""docs/security.md says what holds each requirement."""

from __future__ import annotations

import re

from tests.support.serving import ROOT

PAGE = (ROOT / "docs/security.md").read_text()
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_every_requirement_names_a_test_that_exists() -> None:
    """Each row of a table with tests names one or more, and each of them is there."""
    met = PAGE.split("## What is not met")[0]
    rows = [line for line in met.splitlines() if re.match(r"\| [A-Z]", line)]
    rows = [row for row in rows if not row.startswith("| Source |")]
    assert len(rows) > 40
    for row in rows:
        named = NAMED.findall(row)
        assert named, row
        for path, name in named:
            source = (ROOT / path).read_text()
            assert re.search(rf"^(async )?def {name}\(", source, re.MULTILINE), (path, name)


def test_every_requirement_has_its_source_and_what_is_not_met_a_reason() -> None:
    """A number of ASVS or a section of NIST or an RFC; a reason in a sentence or more."""
    rows = [line.split(" | ") for line in PAGE.splitlines() if re.match(r"\| [A-Z]", line)]
    rows = [row for row in rows if row[0] != "| Source"]
    for row in rows:
        assert re.match(r"\| (ASVS|NIST|RFC|UTS) [0-9]", row[0]), row
    not_met = PAGE.split("## What is not met")[1].splitlines()
    reasons = [line.split(" | ")[-1] for line in not_met if re.match(r"\| [A-Z]", line)]
    assert all(len(reason) > 20 for reason in reasons[1:])
