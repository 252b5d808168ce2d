"""What the columns of a product CSV are called, by the year and the program it comes from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .model import ImportRefused

OPTION_NAMES = ("Option1 Name", "Option2 Name", "Option3 Name")
OPTION_VALUES = ("Option1 Value", "Option2 Value", "Option3 Value")
_NAMES: dict[str, tuple[str, ...]] = {
    "Handle": ("URL handle",),
    "Title": (),
    "Body (HTML)": ("Body", "Description"),
    "Vendor": (),
    "Type": ("Product type",),
    "Tags": (),
    "Published": ("Published on online store",),
    "Status": (),
    **dict.fromkeys((*OPTION_NAMES, *OPTION_VALUES), ()),
    "Variant SKU": ("SKU",),
    "Variant Price": ("Price",),
    "Variant Compare At Price": ("Compare-at price",),
    "Variant Inventory Tracker": ("Inventory tracker",),
    "Variant Inventory Qty": (
        "Variant inventory quantity",
        "Inventory quantity",
        "Inventory qty",
    ),
    "Variant Inventory Policy": ("Inventory policy", "Continue selling when out of stock"),
    "Variant Image": ("Variant image URL",),
    "Image Src": ("Product image URL", "Image URL"),
    "Image Position": (),
    "Image Alt Text": (),
}
"""Each column by its older name, with the newer ones; the first that is there counts."""
_PRODUCT = ("Body (HTML)", "Type", "Tags", "Published", "Status", "Image Src")
_VARIANT = (
    *OPTION_VALUES,
    "Variant SKU",
    "Variant Price",
    "Variant Compare At Price",
    "Variant Inventory Tracker",
    "Variant Inventory Qty",
    "Variant Inventory Policy",
    "Variant Image",
)
_STOCK = ("Variant SKU", "Variant Inventory Tracker", "Variant Inventory Qty", *OPTION_VALUES)


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a file has which column.

    ``names`` are those of the file, and ``unused`` those that nothing is read from.
    """

    index: dict[str, int]
    names: dict[str, str]
    unused: tuple[str, ...]

    def __contains__(self, column: str) -> bool:
        return column in self.index

    @property
    def variants(self) -> bool:
        """Whether the file says anything of variants."""
        return any(name in self for name in _VARIANT)

    @property
    def stock_list(self) -> bool:
        """Whether the file has nothing but stock; titles and vendors only say whose it is."""
        others = {*_PRODUCT, *_VARIANT} - {*_STOCK}
        return "Variant Inventory Qty" in self and not any(name in self for name in others)

    @property
    def complete(self) -> bool:
        """Whether the file says all that makes a product.

        So a variant that it doesn't name is gone, where a price list just doesn't speak of it.
        """
        return all(
            name in self for name in ("Title", "Variant Price", "Option1 Name", "Option1 Value")
        )


def is_header(cells: Sequence[str]) -> bool:
    """Return whether this line names the column that no file can be without."""
    return any(_key(cell) in _KEYS["Handle"] for cell in cells)


def find_columns(header: Sequence[str]) -> Columns:
    """Return which columns a file has, by names compared without case, spaces and marks.

    Raises `ImportRefused` for a file that isn't a product CSV.
    """
    keys = [_key(cell) for cell in header]
    index: dict[str, int] = {}
    for column, known in _KEYS.items():
        here = [keys.index(key) for key in known if key in keys]
        if here and keys.count(keys[here[0]]) > 1:
            raise ImportRefused(f"more than one column {header[here[0]].strip()}")
        if here:
            index[column] = here[0]
    if "Handle" not in index:
        shown = ", ".join(filter(None, (cell.strip()[:40] for cell in header[:6])))
        raise ImportRefused(
            f"not a product CSV: no column Handle (its columns begin with: {shown}); "
            "docs/catalogue.md has what is read"
        )
    columns = Columns(
        index,
        {column: header[place].strip() for column, place in index.items()},
        tuple(
            cell.strip()
            for place, cell in enumerate(header)
            if cell.strip() and place not in index.values()
        ),
    )
    if len(index) == 1:
        raise ImportRefused("nothing to import: no column that is read but Handle")
    return columns


def _key(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


_KEYS = {
    column: tuple(dict.fromkeys(map(_key, (column, *others)))) for column, others in _NAMES.items()
}
