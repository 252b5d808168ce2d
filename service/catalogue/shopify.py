"""Shopify's product CSV: a product is the rows with one handle, wherever they stand.

The first says what the product is; each may carry a variant, a picture, or both. What the file
has no column for, it doesn't speak of: `Entry` and `VariantRow` hold only what it says.

**A bad row changes nothing.** Its variant is left out, the other rows of its product are taken. A
product whose first row doesn't say what it is, is left out as a whole. What a bad row names is
known as long as its SKU or its options can be read; only where they can't, any variant of the
product may have been meant: `Entry.whole` is false then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any, TypeAlias

from . import cells
from .cells import BadCell
from .columns import OPTION_NAMES, OPTION_VALUES, Columns
from .model import ALT_LENGTH, HANDLE_LENGTH, IMAGES, SKU_LENGTH, VARIANTS, Image
from .rows import BadRow, Row

_CARRIES_A_VARIANT = ("Variant SKU", "Variant Price", "Variant Inventory Qty", *OPTION_VALUES)
_ONLY_VALUES = ("Default Title",)
_ONLY_OPTION = ("Title",)
"""How Shopify writes that a product has no options."""

Values: TypeAlias = tuple[str, ...]
Name: TypeAlias = tuple[str, Values | None]
"""A SKU, blank for none, and option values: by which of them a variant is known."""


@dataclass(frozen=True, slots=True)
class Note:
    """What the file's owner should know of a row that was taken; ``pictures`` were left out."""

    line: int
    reason: str
    detail: str = ""
    pictures: int = 0


@dataclass(frozen=True, slots=True)
class VariantRow:
    """What the file says of a variant, by the fields of `Variant`.

    ``sku`` is blank where it gives none, ``values`` is None where it has no options. ``uncounted``
    is whether it says that stock is tracked, and not how much there is.
    """

    line: int
    sku: str
    values: Values | None
    said: dict[str, Any]
    uncounted: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """What the file says of a product, by the fields of `Facts`, and of its variants.

    ``named`` are the variants of its bad rows; ``whole`` is whether these are all that it may
    have named beside ``rows``.
    """

    handle: str
    line: int
    said: dict[str, Any]
    rows: tuple[VariantRow, ...]
    named: tuple[Name, ...]
    whole: bool


@dataclass(slots=True)
class _Draft:
    """A product while its rows are read; nothing is known of one whose first row is bad."""

    handle: str
    line: int
    said: dict[str, Any] | None = None
    option_names: tuple[str, ...] = ()
    places: dict[Values, int] = field(default_factory=dict)
    rows: list[VariantRow] = field(default_factory=list)
    images: list[tuple[int, Image]] = field(default_factory=list)
    named: list[Name] = field(default_factory=list)
    whole: bool = True


_FACTS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "Title": ("title", cells.text),
    "Vendor": ("vendor", cells.text),
    "Type": ("type", cells.text),
    "Body (HTML)": ("description", cells.description),
    "Tags": ("tags", cells.tags),
    "Published": ("online", cells.online),
    "Status": ("status", cells.status),
}
"""What each column says of a product, by the fields of `Facts`, and how it is read."""


class Reader:
    def __init__(self, columns: Columns, currency: str, *, comma: bool) -> None:
        self._columns = columns
        self._currency = currency
        self._comma = comma
        self._notes: list[Note] = []

    def read(
        self, rows: Iterator[Row | BadRow], groups: dict[str, int]
    ) -> Iterator[Entry | BadRow | Note]:
        """Read the rows; ``groups`` has how often a handle that comes again comes in all."""
        draft: _Draft | None = None
        apart: dict[str, _Draft] = {}
        doubtful = False
        for row in map(self._with_handle, rows):
            if isinstance(row, BadRow):
                # The row may belong to the product before it or to the one after it.
                yield row
                doubtful = True
                if draft:
                    draft.whole = False
                continue
            if draft is None or draft.handle != row["Handle"]:
                if draft and draft.handle not in apart:
                    yield from self._finish(draft)
                draft = apart.get(row["Handle"]) or _Draft(row["Handle"], row.line)
                if row["Handle"] in groups:
                    apart[draft.handle] = draft
                    groups[draft.handle] -= 1
                    if not groups[draft.handle]:
                        # These are the product's last rows: it is finished like any other.
                        del apart[draft.handle], groups[draft.handle]
            draft.whole = draft.whole and not doubtful
            doubtful = False
            try:
                self._take(row, draft)
            except BadCell as error:
                yield BadRow(row.line, error.reason, error.detail)
                self._note_named(row, draft)
            yield from self._notes
            self._notes.clear()
        for left in {id(each): each for each in (*apart.values(), draft) if each}.values():
            yield from self._finish(left)

    def _with_handle(self, row: Row | BadRow) -> Row | BadRow:
        if isinstance(row, BadRow):
            return row
        name = self._name("Handle")
        try:
            handle = cells.identifier(name, row["Handle"], HANDLE_LENGTH)
        except BadCell as error:
            return BadRow(row.line, error.reason, error.detail)
        if not handle:
            return BadRow(row.line, f"{name} is blank")
        return Row(row.line, {**row.cells, "Handle": handle})

    def _name(self, column: str) -> str:
        return self._columns.names.get(column, column)

    def _take(self, row: Row, draft: _Draft) -> None:
        first = row.line == draft.line
        if first:
            draft.said = self._describe(row, draft)
        if draft.said is None:
            raise BadCell("left out with its product", f"see line {draft.line}")
        variant = any(row[name].strip() for name in _CARRIES_A_VARIANT)
        if self._columns.variants and (first or variant):
            self._add_variant(row, draft)
        elif not first and not row["Image Src"].strip():
            raise BadCell("neither a variant nor a picture")
        self._add_picture(row, draft)

    def _describe(self, row: Row, draft: _Draft) -> dict[str, Any]:
        """Return what the row says of the product; a stock list only says whose the stock is."""
        draft.option_names = tuple(cells.text(self._name(each), row[each]) for each in OPTION_NAMES)
        given = [name for name in draft.option_names if name]
        if len(set(given)) < len(given):
            raise BadCell("two options have the same name")
        said: dict[str, Any] = {}
        for column, (fact, read) in {} if self._columns.stock_list else _FACTS.items():
            if column in self._columns:
                said[fact] = read(self._name(column), row[column])
        if said.get("title") == "":
            raise BadCell(f"{self._name('Title')} is blank in the first row of a product")
        if found := said.get("description"):
            said["description"] = found.html
            if found.left_out:
                reason = "pictures, frames or videos in a description left out"
                self._notes.append(Note(row.line, reason, str(found.left_out), found.left_out))
        return said

    def _add_variant(self, row: Row, draft: _Draft) -> None:
        sku = cells.identifier(self._name("Variant SKU"), row["Variant SKU"], SKU_LENGTH)
        values = self._values(row, draft)
        place = values if values is not None or sku else ()
        if place is not None and place in draft.places:
            raise BadCell("the same options as another row", f"line {draft.places[place]}")
        if len(draft.rows) == VARIANTS:
            raise BadCell(f"more than {VARIANTS} variants of one product")
        variant = VariantRow(
            row.line,
            sku,
            values,
            self._say(row, draft, values),
            uncounted=bool(row["Variant Inventory Tracker"].strip())
            and "Variant Inventory Qty" not in self._columns,
        )
        if place is not None:
            draft.places[place] = row.line
        draft.rows.append(variant)

    def _say(self, row: Row, draft: _Draft, values: Values | None) -> dict[str, Any]:
        said: dict[str, Any] = {}
        if values is not None and "Option1 Name" in self._columns:
            names = [name for name in draft.option_names if name]
            said["options"] = tuple(zip(names, values, strict=True)) if values else ()
        if "Variant Price" in self._columns:
            said["price"] = self._price(row, "Variant Price")
            said["currency"] = self._currency
        if "Variant Compare At Price" in self._columns:
            before = row["Variant Compare At Price"].strip()
            said["compare_at_price"] = (
                self._price(row, "Variant Compare At Price") if before else None
            )
        tracker = None
        if "Variant Inventory Tracker" in self._columns:
            tracker = row["Variant Inventory Tracker"].strip()
        # A blank in a stock list is no count, and doesn't mean that the stock isn't tracked.
        blank = self._columns.stock_list and not row["Variant Inventory Qty"].strip()
        if tracker == "" or ("Variant Inventory Qty" in self._columns and not blank):
            name = self._name("Variant Inventory Qty")
            said["stock"] = cells.stock(name, row["Variant Inventory Qty"], tracker)
        if "Variant Inventory Policy" in self._columns:
            name = self._name("Variant Inventory Policy")
            said["oversell"] = cells.oversell(name, row["Variant Inventory Policy"])
        if "Variant Image" in self._columns:
            source = self._picture(row, "Variant Image")
            said["image"] = Image(source, "") if source else None
        return said

    def _price(self, row: Row, column: str) -> int:
        return cells.price(self._name(column), row[column], self._currency, comma=self._comma)

    def _values(self, row: Row, draft: _Draft) -> Values | None:
        """Return the option values; None where the file has no column for them."""
        if "Option1 Value" not in self._columns:
            return None
        given = [(column, cells.text(self._name(column), row[column])) for column in OPTION_VALUES]
        if "Option1 Name" not in self._columns:
            values = tuple(value for _, value in given if value)
            return () if values == _ONLY_VALUES else values
        for (column, value), name in zip(given, draft.option_names, strict=True):
            if value and not name:
                raise BadCell(f"{self._name(column)} belongs to an option without a name")
            if name and not value:
                raise BadCell(f"{self._name(column)} is blank, the product's {name}")
        values = tuple(value for _, value in given if value)
        names = tuple(name for name in draft.option_names if name)
        return () if (names, values) == (_ONLY_OPTION, _ONLY_VALUES) else values

    def _add_picture(self, row: Row, draft: _Draft) -> None:
        source = self._picture(row, "Image Src")
        if not source:
            return
        try:
            place = cells.position(self._name("Image Position"), row["Image Position"])
            alt = cells.text(self._name("Image Alt Text"), row["Image Alt Text"], ALT_LENGTH)
            if len(draft.images) == IMAGES:
                raise BadCell(f"more than {IMAGES} pictures of one product")  # noqa: TRY301 - one way out for all three
        except BadCell as error:
            self._leave_out(row, error)
        else:
            draft.images.append((place, Image(source, alt)))

    def _picture(self, row: Row, column: str) -> str:
        """Return the picture's address; one that can't be shown costs nothing but itself."""
        try:
            return cells.picture(self._name(column), row[column])
        except BadCell as error:
            self._leave_out(row, error)
            return ""

    def _leave_out(self, row: Row, error: BadCell) -> None:
        self._notes.append(Note(row.line, f"picture left out: {error.reason}", error.detail, 1))

    def _note_named(self, row: Row, draft: _Draft) -> None:
        """Remember which variant a bad row names, as far as it can be told."""
        sku, values = "", None
        with suppress(BadCell):
            sku = cells.identifier("", row["Variant SKU"], SKU_LENGTH)
        with suppress(BadCell):
            values = self._values(row, draft)
        if sku or values is not None:
            draft.named.append((sku, values))
        elif any(row[name].strip() for name in _CARRIES_A_VARIANT):
            draft.whole = False

    def _finish(self, draft: _Draft) -> Iterator[Entry]:
        if draft.said is None:
            return
        said, rows = draft.said, draft.rows
        images = [image for _, image in sorted(draft.images, key=itemgetter(0))]
        if "Image Src" in self._columns:
            said["images"] = tuple(images)
            # A variant's own picture is one of the product's, which has the words for it.
            known = {image.src: image for image in images}
            rows = [
                replace(each, said={**each.said, "image": known.get(own.src, own)})
                if (own := each.said.get("image"))
                else each
                for each in rows
            ]
        yield Entry(draft.handle, draft.line, said, tuple(rows), tuple(draft.named), draft.whole)
