"""What surrounds the code: version, change log, hooks, and what runs on a public host."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

from tests.support.serving import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
CI = (ROOT / ".github/workflows/ci.yml").read_text()
HOOKS = (ROOT / ".pre-commit-config.yaml").read_text()


def test_the_newest_entry_of_the_change_log_is_this_version() -> None:
    """The version in `pyproject.toml` is the one that the change log begins with."""
    versions = re.findall(r"^## (\S+), (?:unreleased|\d{4}-\d\d-\d\d)$", CHANGELOG, re.MULTILINE)
    assert versions == re.findall(r"^## (.*?)(?:,.*)?$", CHANGELOG, re.MULTILINE)
    assert versions[0] == PROJECT["version"]


def test_the_installed_version_is_this_one() -> None:
    """`locker --version` and the OpenAPI document take the version from `pyproject.toml`."""
    assert distribution("locker").version == PROJECT["version"]


def test_the_package_for_other_applications_has_this_version() -> None:
    """What is in one repository is released together."""
    package = tomllib.loads((ROOT / "quart-locker/pyproject.toml").read_text())["project"]
    assert package["version"] == PROJECT["version"]


def test_whoever_imports_it_gets_its_types() -> None:
    """Each top-level package has the `py.typed` that makes its annotations count for others."""
    for package in PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        assert (ROOT / package / "py.typed").is_file(), package


def test_a_public_host_runs_the_same() -> None:
    """The workflow runs `.ci/run`, under every Python that the classifiers name."""
    assert re.search(r"^ +- run: \.ci/run$", CI, re.MULTILINE)
    (matrix,) = re.findall(r"^ +python: (\[.*\])$", CI, re.MULTILINE)
    named = [name.rpartition(" :: ")[2] for name in PROJECT["classifiers"] if ":: 3." in name]
    assert json.loads(matrix) == named
    tried = re.search(r"^for version in (.+); do$", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    assert tried
    assert sorted(tried[1].split()) == sorted(named)


def test_actions_are_pinned() -> None:
    """An action is named by its commit, as a tag may be moved."""
    uses = re.findall(r"uses: (\S+)", CI)
    assert uses
    assert [each for each in uses if not re.search(r"@[0-9a-f]{40}$", each)] == []


def test_hooks_use_what_is_locked() -> None:
    """What git runs before a commit is a program of the project's own environment."""
    programs = re.findall(r"entry: (\S+)", HOOKS)
    assert programs
    assert [each for each in programs if not each.startswith(".venv/bin/")] == []
    there = Path(sys.executable).parent
    assert [each for each in programs if not (there / Path(each).name).exists()] == []


def test_templates_name_targets_that_exist() -> None:
    """What workflows, templates and the container for development ask of make is there."""
    makefile = (ROOT / "Makefile").read_text()
    for folder in (".github", ".devcontainer"):
        for path in (ROOT / folder).rglob("*.*"):
            for line in re.findall(r"(?:`|\")make ([a-z -]+)", path.read_text()):
                for target in line.split():
                    assert re.search(rf"^{target}:", makefile, re.MULTILINE), (path, target)
