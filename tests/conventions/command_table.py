"""The README's table of commands, made from the command line, by `written`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from service.cli import main
from tests.support.serving import ROOT

PAGE = ROOT / "README.md"
HEADING = "## Commands\n\n"


def render() -> str:
    """Return the page with the table as it should be."""
    before, _, rest = PAGE.read_text().partition(HEADING)
    after = rest[rest.index("\nEach has `--help`") :]
    rows = [f"| `{name}` | {text} |" for name, text in _commands(main, "locker")]
    return before + HEADING + "\n".join(["| | |", "|---|---|", *rows, ""]) + after


def _commands(group: click.Group, name: str) -> Iterator[tuple[str, str]]:
    for word, command in sorted(group.commands.items()):
        whole = f"{name} {word}"
        if isinstance(command, click.Group):
            yield from _commands(command, whole)
        else:
            arguments = [each.human_readable_name for each in command.params
                         if isinstance(each, click.Argument)]  # fmt: skip
            yield " ".join([whole, *arguments]), _first_sentence(command.help or "")


def _first_sentence(text: str) -> str:
    return " ".join(text.split("\n\n", maxsplit=1)[0].split())
