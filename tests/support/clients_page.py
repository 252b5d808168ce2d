"""The code on the page about clients, as it stands there."""

from __future__ import annotations

import re
from types import SimpleNamespace

from tests.support.serving import ROOT

PAGE = ROOT / "docs/clients.md"


def code(heading: str, language: str) -> str:
    """Return what a section has in a language, one piece after the other."""
    section = PAGE.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    pieces = re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert pieces, heading
    return "\n".join(pieces)


def functions(heading: str) -> SimpleNamespace:
    """Run a section's Python; returns what it defines."""
    names: dict[str, object] = {}
    exec(compile(code(heading, "python"), str(PAGE), "exec"), names)  # noqa: S102 - our own page
    return SimpleNamespace(**names)
