"""The rows of a CSV file with a header, each with its line number, the unreadable ones too."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from .columns import Columns, find_columns
from .dialect import Dialect
from .model import ImportRefused

ROW_LENGTH = 1_048_576
"""Characters of a row, all its lines together; bounds the memory that a broken file takes."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out: the line of the file it starts in, why, and of what it is so."""

    line: int
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row's cells by column; a column that the file lacks is blank."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


class _Lines:
    """The file's lines, which can be handed out again from a row's second line on."""

    def __init__(self, source: TextIO, newline: str) -> None:
        self._source = source
        self._newline = newline
        self._row: list[str] = []
        self._length = 0
        self._again: deque[str] = deque()
        self._complete = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._source.readline(ROW_LENGTH + 1)
        if not line:
            raise StopIteration
        self._row.append(line)
        self._length += len(line)
        self._complete += line.endswith(self._newline)
        if self._length > ROW_LENGTH:
            raise csv.Error("row is too long")
        return line

    def begin_row(self) -> int:
        """Return the number of the line that comes next."""
        self._row.clear()
        self._length = 0
        return self._complete + 1

    def retry_row(self) -> None:
        """Hand out the lines of this row again, all but the first.

        A quote that is opened and never closed makes the rows after it look like one cell;
        without this they would be lost with it.
        """
        lines = self._row[1:]
        self._again.extendleft(reversed(lines))
        self._complete -= sum(line.endswith(self._newline) for line in lines)


def read_rows(source: TextIO, dialect: Dialect) -> tuple[Columns, Iterator[Row | BadRow]]:
    """Read a CSV file; returns its columns and its rows without those that are blank.

    A row's last cells may be missing, they are blank then. Raises `ImportRefused` for a header
    by which no row can be understood.
    """
    rows = _split(source, dialect)
    if dialect.declared:
        next(rows)
    header = next(rows, BadRow(1, "the file is empty"))
    if isinstance(header, BadRow):
        raise ImportRefused(f"line {header.line}: {header.reason}")
    _, cells = header
    columns = find_columns([cells[0].removeprefix("\ufeff"), *cells[1:]])
    return columns, (_name(row, columns, len(cells)) for row in rows)


def _split(source: TextIO, dialect: Dialect) -> Iterator[tuple[int, list[str]] | BadRow]:
    lines = _Lines(source, dialect.newline)
    reader = csv.reader(lines, delimiter=dialect.delimiter, strict=True)
    while True:
        line = lines.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines.retry_row()
            yield BadRow(line, *_unreadable(error))
        else:
            if any(map(str.strip, cells)):
                yield line, cells


def _unreadable(error: csv.Error) -> tuple[str, str]:
    if "new-line character" in str(error):
        return "a line ends within a cell that has no quotes around it", ""
    return "not readable as CSV, is a quote left open?", str(error)


def _name(row: tuple[int, list[str]] | BadRow, columns: Columns, width: int) -> Row | BadRow:
    if isinstance(row, BadRow):
        return row
    line, cells = row
    if any(map(str.strip, cells[width:])):
        return BadRow(line, f"more cells than the header's {width}", str(len(cells)))
    if any("\0" in cell for cell in cells):
        return BadRow(line, "a NUL character")
    return Row(
        line,
        {name: cells[place] for name, place in columns.index.items() if place < len(cells)},
    )
