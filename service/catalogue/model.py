"""What a shop sells: products in variants. Amounts are in the currency's minor unit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

from msgspec import UNSET, UnsetType

from service.errors import Conflict, NotFound

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


class NoSuchVariant(NotFound):
    code, title = "unknown_sku", "There is no such variant"


class StockNotCounted(Conflict):
    code, title = "stock_not_counted", "The stock of this variant is not counted: set it first"


class StockLimit(Conflict):
    code, title = "stock_limit", "No stock is so large"


class NotPriced(Conflict):
    code, title = "not_priced", "This variant has no price in the shop's currency: set that first"


LOW = 1_000
"""The most that a low stock may be, as its index has it."""


@dataclass(frozen=True, slots=True)
class StockedVariant:
    """A variant as operators see it, with whose it is and whether that is shown.

    ``unpriced`` is one that would be sold, had it a price in the shop's currency.
    """

    id: int
    sku: str
    handle: str
    title: str
    options: tuple[tuple[str, str], ...]
    price: int
    compare_at_price: int | None
    currency: str
    stock: int | None
    oversell: bool
    active: bool
    unpriced: bool
    published: bool
    shop_currency: str


@dataclass(frozen=True, slots=True)
class VariantChange:
    """What is to become of a variant; what is UNSET stays. A stock of None is not counted."""

    sku: str
    stock: int | UnsetType | None = UNSET
    add: int | UnsetType = UNSET
    price: int | UnsetType = UNSET
    compare_at_price: int | UnsetType | None = UNSET

    def apply(self, variant: StockedVariant) -> StockedVariant:
        """Return the variant as it is to be; raises `StockNotCounted`, `StockLimit`, `NotPriced`.

        A price is in the shop's currency. A variant that lacked only that is sold again, and a
        compare-at price in another currency goes, as with a price list.
        """
        stock = variant.stock if isinstance(self.stock, UnsetType) else self.stock
        if not isinstance(self.add, UnsetType):
            if stock is None:
                raise StockNotCounted(f"The stock of {self.sku} is not counted.")
            stock += self.add
        if stock is not None and abs(stock) > STOCK:
            raise StockLimit(f"The stock of {self.sku} would be beyond {STOCK}.")
        changed = replace(variant, stock=stock)
        foreign = variant.currency != variant.shop_currency
        if not isinstance(self.price, UnsetType):
            changed = replace(
                changed,
                price=self.price,
                compare_at_price=None if foreign else variant.compare_at_price,
                currency=variant.shop_currency,
                active=variant.active or variant.unpriced,
                unpriced=False,
            )
        elif foreign and not isinstance(self.compare_at_price, UnsetType):
            raise NotPriced(f"{self.sku} has no price in {variant.shop_currency}.")
        if not isinstance(self.compare_at_price, UnsetType):
            changed = replace(changed, compare_at_price=self.compare_at_price)
        return changed


@dataclass(frozen=True, slots=True)
class ShownProduct:
    """A product as operators see it: whether the shop shows it, and the status a file gave it."""

    handle: str
    title: str
    status: ProductStatus
    published: bool
