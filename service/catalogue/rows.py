"""The rows of a CSV file with a header, each with its line number, the unreadable ones too."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

ROW_LENGTH = 1_048_576
"""Characters of a row, all its lines together; bounds the memory that a broken file takes."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out: the line of the file it starts in, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row's cells by column; a column that the file lacks is blank."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


class _Lines:
    """The file's lines, which can be handed out again from a row's second line on."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._row: list[str] = []
        self._length = 0
        self._again: deque[str] = deque()
        self._complete = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        if not line:
            raise StopIteration
        self._row.append(line)
        self._length += len(line)
        self._complete += line.endswith("\n")
        if self._length > ROW_LENGTH:
            raise csv.Error("row is too long")
        return line

    def _read(self) -> str:
        # Bytes that are not UTF-8 become lone surrogates, and spoil only the row they are in.
        return self._source.readline(ROW_LENGTH + 1).decode("utf-8", "surrogateescape")

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
        self._complete -= sum(line.endswith("\n") for line in lines)


def read_rows(
    source: BinaryIO, *, required: Sequence[str], known: Sequence[str]
) -> Iterator[Row | BadRow]:
    """Read a CSV file in UTF-8, with or without a BOM, and leave out rows that are blank.

    Yields only the ``known`` columns. A header that lacks a ``required`` one is a bad row,
    and ends the file: no row can be understood without it.
    """
    rows = _split(source)
    header = next(rows, BadRow(1, "the file is empty"))
    if isinstance(header, BadRow):
        yield header
        return
    line, cells = header
    names = [name.strip() for name in [cells[0].removeprefix("\ufeff"), *cells[1:]]]
    missing = [name for name in required if name not in names]
    twice = [name for name in known if names.count(name) > 1]
    if problem := _unreadable(cells):
        yield BadRow(line, problem)
    elif missing:
        yield BadRow(line, f"not a product CSV: no column {', '.join(missing)}")
    elif twice:
        yield BadRow(line, f"more than one column {', '.join(twice)}")
    else:
        columns = [(name, names.index(name)) for name in known if name in names]
        for row in rows:
            yield row if isinstance(row, BadRow) else _name(row, columns, len(names))


def _split(source: BinaryIO) -> Iterator[tuple[int, list[str]] | BadRow]:
    lines = _Lines(source)
    reader = csv.reader(lines, strict=True)
    while True:
        line = lines.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines.retry_row()
            yield BadRow(line, f"not readable as CSV, is a quote left open? ({error})")
        else:
            if any(map(str.strip, cells)):
                yield line, cells


def _name(row: tuple[int, list[str]], columns: list[tuple[str, int]], width: int) -> Row | BadRow:
    line, cells = row
    if len(cells) != width:
        return BadRow(line, f"{len(cells)} cells where the header has {width}")
    if problem := _unreadable(cells):
        return BadRow(line, problem)
    return Row(line, {name: cells[index] for name, index in columns})


def _unreadable(cells: list[str]) -> str | None:
    content = "".join(cells)
    if "\0" in content:
        return "a NUL character"
    if not content.isascii():
        try:
            content.encode()
        except UnicodeEncodeError:
            return "not UTF-8"
    return None
