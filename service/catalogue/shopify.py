"""Shopify's product CSV: a product is one or more rows after each other with one handle.

The first row says what the product is; each row may carry a variant, a picture, or both.

**A bad row changes nothing.** Its variant and picture are left out, the other rows of its
product are taken. A product whose first row doesn't say what it is, or that has no good
variant, is left out as a whole. And because the bad row may have been any variant, a product
with one keeps those variants that the file doesn't name: `Entry.whole` is false then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import BinaryIO, TypeAlias

from . import cells
from .cells import BadCell
from .model import IMAGES, SKU_LENGTH, VARIANTS, Image, Product, Variant
from .rows import BadRow, Row, read_rows

_OPTION_NAMES = ("Option1 Name", "Option2 Name", "Option3 Name")
_OPTION_VALUES = ("Option1 Value", "Option2 Value", "Option3 Value")
_VARIANT = ("Variant SKU", "Variant Price", *_OPTION_VALUES)
"""A row with any of these, like the first of a product, is a variant's."""
_REQUIRED = ("Handle", "Title", "Variant Price")
_KNOWN = (
    *_REQUIRED,
    *_OPTION_NAMES,
    *_OPTION_VALUES,
    "Body (HTML)",
    "Vendor",
    "Type",
    "Tags",
    "Published",
    "Status",
    "Variant SKU",
    "Variant Inventory Tracker",
    "Variant Inventory Qty",
    "Variant Inventory Policy",
    "Variant Compare At Price",
    "Image Src",
    "Image Position",
    "Image Alt Text",
    "Variant Image",
)
Options: TypeAlias = tuple[tuple[str, str], ...]

_ONLY_OPTION = (("Title", "Default Title"),)
"""How Shopify writes that a product has no options."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A product of the file, and whether none of its rows was bad."""

    product: Product
    whole: bool


@dataclass(slots=True)
class _Draft:
    """A product while its rows are read; nothing is known of one whose first row is bad."""

    handle: str
    line: int
    whole: bool
    product: Product | None = None
    option_names: tuple[str, ...] = ()
    options: dict[Options, int] = field(default_factory=dict)
    variants: list[Variant] = field(default_factory=list)
    images: list[tuple[int, Image]] = field(default_factory=list)
    picture_rows: list[int] = field(default_factory=list)


def read_products(source: BinaryIO, currency: str) -> Iterator[Entry | BadRow]:
    """Read the file row by row. All that grows with it is the index of handles and SKUs."""
    return _Reader(currency).read(source)


class _Reader:
    def __init__(self, currency: str) -> None:
        self._currency = currency
        self._handles: dict[str, int] = {}
        self._skus: dict[str, int] = {}

    def read(self, source: BinaryIO) -> Iterator[Entry | BadRow]:
        draft: _Draft | None = None
        doubtful = False
        for row in map(_with_handle, read_rows(source, required=_REQUIRED, known=_KNOWN)):
            if isinstance(row, BadRow):
                # Whose it was can't be told: the product's before it or the one's after it.
                yield row
                doubtful = True
                if draft:
                    draft.whole = False
                continue
            if draft is None or draft.handle != row["Handle"]:
                yield from _finish(draft)
                draft = _Draft(row["Handle"], row.line, whole=not doubtful)
            doubtful = False
            try:
                self._take(row, draft)
            except BadCell as error:
                yield BadRow(row.line, str(error))
                draft.whole = False
        yield from _finish(draft)

    def _take(self, row: Row, draft: _Draft) -> None:
        if row.line == draft.line:
            self._describe(row, draft)
        if draft.product is None:
            raise BadCell(f"left out with its product, see line {draft.line}")
        picture = cells.image(row["Image Src"], row["Image Position"], row["Image Alt Text"])
        if picture and len(draft.images) == IMAGES:
            raise BadCell(f"more than {IMAGES} pictures of one product")
        if row.line == draft.line or any(row[name].strip() for name in _VARIANT):
            variant = self._variant(row, draft)
            draft.options[variant.options] = self._skus[variant.sku] = row.line
            draft.variants.append(variant)
        elif picture:
            draft.picture_rows.append(row.line)
        else:
            raise BadCell("neither a variant nor a picture")
        if picture:
            draft.images.append(picture)

    def _describe(self, row: Row, draft: _Draft) -> None:
        line = self._handles.setdefault(draft.handle, row.line)
        if line != row.line:
            raise BadCell(f"Handle {draft.handle} was used before, in line {line}")
        title = cells.text("Title", row["Title"])
        if not title:
            raise BadCell("Title is blank in the first row of a product")
        draft.option_names = tuple(cells.text(name, row[name]) for name in _OPTION_NAMES)
        given = [name for name in draft.option_names if name]
        if len(set(given)) < len(given):
            raise BadCell("two options have the same name")
        draft.product = Product(
            handle=draft.handle,
            title=title,
            description=cells.description(row["Body (HTML)"]),
            vendor=cells.text("Vendor", row["Vendor"]),
            type=cells.text("Type", row["Type"]),
            tags=cells.tags(row["Tags"]),
            images=(),
            variants=(),
            published=cells.published(row["Published"], row["Status"]),
        )

    def _variant(self, row: Row, draft: _Draft) -> Variant:
        options = _options(row, draft.option_names)
        if options in draft.options:
            raise BadCell(f"the same options as in line {draft.options[options]}")
        sku = cells.identifier("Variant SKU", row["Variant SKU"], SKU_LENGTH)
        sku = sku or cells.derived_sku(draft.handle, tuple(value for _, value in options))
        if sku in self._skus:
            raise BadCell(f"Variant SKU {sku} is already that of line {self._skus[sku]}")
        if len(draft.variants) == VARIANTS:
            raise BadCell(f"more than {VARIANTS} variants of one product")
        before = row["Variant Compare At Price"]
        own = cells.address("Variant Image", row["Variant Image"])
        return Variant(
            sku=sku,
            options=options,
            price=cells.price("Variant Price", row["Variant Price"], self._currency),
            compare_at_price=cells.price("Variant Compare At Price", before, self._currency)
            if before.strip()
            else None,
            currency=self._currency,
            stock=cells.stock(row["Variant Inventory Qty"], row["Variant Inventory Tracker"]),
            oversell=cells.oversell(row["Variant Inventory Policy"]),
            image=Image(own, "") if own else None,
        )


def _with_handle(row: Row | BadRow) -> Row | BadRow:
    """Return the row with its handle checked."""
    if isinstance(row, BadRow):
        return row
    try:
        return Row(row.line, {**row.cells, "Handle": cells.handle(row["Handle"])})
    except BadCell as error:
        return BadRow(row.line, str(error))


def _options(row: Row, names: tuple[str, ...]) -> Options:
    options = []
    for name, column in zip(names, _OPTION_VALUES, strict=True):
        value = cells.text(column, row[column])
        if value and not name:
            raise BadCell(f"{column} belongs to an option without a name")
        if name and not value:
            raise BadCell(f"{column} is blank, the product's {name}")
        if name:
            options.append((name, value))
    return () if tuple(options) == _ONLY_OPTION else tuple(options)


def _finish(draft: _Draft | None) -> Iterator[Entry | BadRow]:
    if draft is None or draft.product is None:
        return
    if draft.variants:
        images = [image for _, image in sorted(draft.images, key=itemgetter(0))]
        # A variant's own picture is one of the product's, which has the words for it.
        named = {image.src: image for image in images}
        variants = [
            replace(variant, image=named.get(variant.image.src, variant.image))
            if variant.image
            else variant
            for variant in draft.variants
        ]
        product = replace(draft.product, images=tuple(images), variants=tuple(variants))
        yield Entry(product, draft.whole)
    else:
        for line in draft.picture_rows:
            yield BadRow(line, "left out with its product, which has no good variant")
