"""What commands print: for programs one JSON object a line, for people tables and colours."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import click
import msgspec
from babel.numbers import get_currency_precision

F = TypeVar("F", bound=Callable[..., Any])

NARROWEST = 8
"""Characters that a table's last column keeps in a terminal however narrow."""


def json_option(command: F) -> F:
    """Add ``--json``, which the command gets as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")(command)


def echo_json(value: Mapping[str, object]) -> None:
    """Print an object in a line of its own."""
    click.echo(msgspec.json.encode(value).decode())


def paint(text: str, colour: str) -> str:
    """Return the text in a colour, unless NO_COLOR is set (no-color.org).

    Where no terminal reads it, `click.echo` takes the colour out again.
    """
    return text if os.environ.get("NO_COLOR") else click.style(text, fg=colour)


def moment(at: datetime | None) -> str:
    """Return a time as people read it."""
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


def format_amount(minor: int, currency: str) -> str:
    """Return an amount as people read it, without its currency."""
    return f"{Decimal(minor).scaleb(-get_currency_precision(currency)):,f}"


def printable(text: str) -> str:
    """Return a text that came from outside without what would steer the terminal."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def echo_table(titles: Sequence[str], rows: Sequence[Sequence[str]], none: str) -> None:
    """Print rows under each other, on a terminal with titles and no wider than it is.

    Where there are none, ``none`` says so on standard error.
    """
    if not rows:
        click.echo(none, err=True)
        return
    terminal = sys.stdout.isatty()
    cells = [[printable(cell) for cell in row] for row in rows]
    lines = [list(titles), *cells] if terminal else cells
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    if terminal:
        room = shutil.get_terminal_size().columns - sum(widths[:-1]) - 2 * (len(widths) - 1)
        widths[-1] = min(widths[-1], max(room, NARROWEST))
    for line in lines:
        fitted = [_fit(cell, width) for cell, width in zip(line, widths, strict=True)]
        text = "  ".join(fitted).rstrip()
        plain = not terminal or line is not lines[0] or os.environ.get("NO_COLOR")
        click.echo(text if plain else click.style(text, bold=True))


def _fit(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else f"{text[: width - 1]}…"
