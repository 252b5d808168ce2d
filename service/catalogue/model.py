"""What a shop sells: products in variants. Amounts are in the currency's minor unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

ProductStatus = Literal["active", "draft", "archived", "unlisted"]
STATUSES: tuple[ProductStatus, ...] = get_args(ProductStatus)

HANDLE_LENGTH = 255
SKU_LENGTH = 128
TEXT_LENGTH = 255
"""Characters of a title, a vendor, a type, a tag, an option's name and its value."""
DESCRIPTION_LENGTH = 65_536
URL_LENGTH = 2_048
ALT_LENGTH = 512
TAGS = 250
IMAGES = 250
VARIANTS = 2_048
"""Of one product, as many as Shopify allows."""
PRICE = 10**11
"""The highest price: a full cart's total still fits the 53 bits of a JavaScript number."""
STOCK = 2**31 - 1


class ImportRefused(Exception):
    """The file can't be imported, or not into this catalogue; the message is one line."""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of a product."""

    src: str
    alt: str


@dataclass(frozen=True, slots=True)
class Variant:
    """What is put in a cart: one combination of a product's options, at a price.

    A variant that is no longer sold is in the database alone. ``stock`` is None where it is not
    tracked, and below 0 where more was sold than there was. ``image`` is the variant's own picture.
    """

    sku: str
    options: tuple[tuple[str, str], ...]
    price: int
    compare_at_price: int | None
    currency: str
    stock: int | None
    oversell: bool
    image: Image | None = None

    @property
    def available(self) -> int | None:
        """Units in stock, or None where it is not tracked."""
        return None if self.stock is None else max(self.stock, 0)

    @property
    def orderable(self) -> bool:
        """Whether one unit can be ordered now."""
        return self.stock is None or self.oversell or self.stock > 0


@dataclass(frozen=True, slots=True)
class Product:
    """A product with the variants it is sold in. One that a list or a page shows has some.

    ``description`` is HTML that is safe to show.
    """

    handle: str
    title: str
    description: str
    vendor: str
    type: str
    tags: tuple[str, ...]
    images: tuple[Image, ...]
    variants: tuple[Variant, ...]
    published: bool = True


Sort = Literal["relevance", "newest", "price", "-price", "title"]
"""What a list is in the order of; a minus is from the top down. Relevance is that of a search,
newest the order in which products first came in, backwards; a price is a product's lowest."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which products a list is of; what is blank or None leaves nothing out.

    ``text`` is a search, see `search`. ``available`` is whether one can be ordered now.
    """

    text: str = ""
    type: str = ""
    vendor: str = ""
    tag: str = ""
    min_price: int | None = None
    max_price: int | None = None
    available: bool = False


EVERYTHING = Selection()

COUNTED = 1_000
"""Products of a list that are ranked and counted; beyond, only the first ones are looked at."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, with the cursors of the parts after and before it, where there are any.

    ``total`` is how many products the list has, None beyond `COUNTED`.
    """

    products: tuple[Product, ...]
    next: str | None
    previous: str | None
    total: int | None


@dataclass(frozen=True, slots=True)
class Listing:
    """Where a variant is shown: on its product's page, with the address of a picture."""

    handle: str
    image: str | None


@dataclass(frozen=True, slots=True)
class FacetCount:
    """How many products have a value; None beyond `COUNTED`."""

    value: str
    count: int | None


@dataclass(frozen=True, slots=True)
class Facets:
    """What a list can be narrowed by, most frequent first; of each kind as if none were chosen."""

    types: tuple[FacetCount, ...]
    vendors: tuple[FacetCount, ...]
    tags: tuple[FacetCount, ...]


@dataclass(frozen=True, slots=True)
class TakenStock:
    """A counted stock: how much there was, and whether what was asked for was taken from it."""

    before: int
    taken: bool
