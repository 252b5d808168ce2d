"""What an import did, or would do: everything that it added, changed, took away, kept or left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from .rows import BadRow
from .shopify import Note

SHOWN = 10
"""How many of a kind are named; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Move:
    """A variant that came to another product."""

    sku: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Renaming:
    """A variant that got another SKU, in the same place of its product."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class StockDifference:
    """A stock that isn't the file's; None is for not tracked."""

    sku: str
    stored: int | None
    file: int | None

    def __str__(self) -> str:
        return f"{self.sku} {_stock(self.stored)} -> {_stock(self.file)}"


@dataclass(slots=True)
class ImportReport:
    """What an import did, or would do.

    ``added``, ``updated`` and ``unchanged`` are products, ``variants`` and ``images`` those taken
    in. ``withdrawn`` variants are no longer sold; ``kept`` ones still are, though the file doesn't
    name them any more, as one of its bad rows may have meant them, or as another product names
    them. ``stocks`` are those that differ; whether they were set is ``stocks_set``.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    variants: int = 0
    variants_added: int = 0
    variants_changed: int = 0
    images: int = 0
    images_left_out: int = 0
    withdrawn: list[str] = field(default_factory=list)
    moved: list[Move] = field(default_factory=list)
    renamed: list[Renaming] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    stocks: list[StockDifference] = field(default_factory=list)
    stocks_set: bool = False
    unused_columns: tuple[str, ...] = ()
    notes: list[Note] = field(default_factory=list)
    bad_rows: list[BadRow] = field(default_factory=list)
    written: bool = field(default=False, compare=False)

    @property
    def products(self) -> int:
        """Products taken in."""
        return self.added + self.updated + self.unchanged

    def note(self, note: Note) -> None:
        """Put a note in, with the pictures that it counts."""
        self.notes.append(note)
        self.images_left_out += note.pictures

    def include(self, other: ImportReport) -> None:
        """Add the counts of another part of the file, and what it has lists of."""
        for each in fields(self):
            value = getattr(other, each.name)
            if isinstance(value, bool | tuple):
                continue
            if isinstance(value, int):
                setattr(self, each.name, getattr(self, each.name) + value)
            else:
                getattr(self, each.name).extend(value)

    def sort(self) -> None:
        """Bring bad rows and notes into the order of the file."""
        self.bad_rows.sort(key=lambda row: row.line)
        self.notes.sort(key=lambda note: note.line)

    def listed(self) -> dict[str, Any]:
        """Return all of it, for programs: each bad row and note with its line."""
        return {"products": self.products, **asdict(self)}

    def complaints(self) -> Iterator[str]:
        """Say in a line each which rows are bad, and what else is to be known of rows."""
        yield from _grouped(self.bad_rows)
        yield from _grouped(self.notes)

    def summary(self) -> Iterator[str]:
        """Say in a line each what was done, and what wasn't."""
        yield (
            f"Products: {self.products} ({self.added} new, {self.updated} changed,"
            f" {self.unchanged} as before). Variants: {self.variants} ({self.variants_added} new,"
            f" {self.variants_changed} changed, {len(self.withdrawn)} withdrawn,"
            f" {len(self.moved)} moved, {len(self.kept)} kept). Pictures: {self.images}"
            f" ({self.images_left_out} left out). Bad rows: {len(self.bad_rows)}."
        )
        named = (
            ("No longer sold, as the file doesn't name them", self.withdrawn),
            ("Still sold, though the file doesn't name them there", self.kept),
            ("Moved", [f"{each.sku} from {each.before} to {each.after}" for each in self.moved]),
            ("With another SKU", [f"{each.before} -> {each.after}" for each in self.renamed]),
            (
                "Stock set" if self.stocks_set else "Stock left as it is; the file's with --stock",
                [
                    f"{each.sku} {_stock(each.stored)} -> {_stock(each.file)}"
                    for each in self.stocks
                ],
            ),
            ("Columns not used", self.unused_columns),
        )
        for title, items in named:
            if items:
                yield f"{title}: {_some(items)}."
        if not self.written:
            yield "Nothing was written."


def _stock(stock: int | None) -> str:
    return "not tracked" if stock is None else str(stock)


def _some(items: Sequence[str]) -> str:
    rest = len(items) - SHOWN
    return ", ".join(items[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _grouped(rows: Iterable[BadRow | Note]) -> Iterator[str]:
    groups: dict[str, list[BadRow | Note]] = {}
    for row in rows:
        groups.setdefault(row.reason, []).append(row)
    for reason, group in groups.items():
        lines = _ranges([row.line for row in group])
        details = _some(list(dict.fromkeys(row.detail for row in group if row.detail)))
        yield (
            f"line{'s' if len(group) > 1 else ''} {_some(lines)}: {reason}"
            f"{f' ({details})' if details else ''}"
        )


def _ranges(lines: Sequence[int]) -> list[str]:
    """Return "4 to 9" for lines that follow each other."""
    ranges: list[list[int]] = []
    for line in lines:
        if ranges and line - ranges[-1][-1] <= 1:
            ranges[-1][1:] = [line]
        else:
            ranges.append([line])
    return [" to ".join(map(str, ends)) for ends in ranges]
