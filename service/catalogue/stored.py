"""What an import finds stored, and what it is going to store."""

from __future__ import annotations

from dataclasses import dataclass

from .model import Image, ProductStatus, Variant
from .shopify import Values


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file may say of a product itself."""

    title: str = ""
    description: str = ""
    vendor: str = ""
    type: str = ""
    tags: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    status: ProductStatus = "active"
    online: bool = True

    @property
    def published(self) -> bool:
        return self.online and self.status in {"active", "unlisted"}


@dataclass(frozen=True, slots=True)
class StoredVariant:
    """A variant's row, whether it is sold or not.

    ``unpriced`` is one that would be sold, had it a price in the catalogue's currency.
    """

    id: int
    position: int
    active: bool
    unpriced: bool
    variant: Variant

    @property
    def wanted(self) -> bool:
        """Whether no file withdrew it."""
        return self.active or self.unpriced

    @property
    def values(self) -> Values:
        return tuple(value for _, value in self.variant.options)


@dataclass(frozen=True, slots=True)
class StoredProduct:
    """A product's row with its variants: those that are sold in their order, then the others."""

    facts: Facts
    variants: tuple[StoredVariant, ...]


@dataclass(frozen=True, slots=True)
class Owned:
    """A variant, and whose it is."""

    handle: str
    stored: StoredVariant


@dataclass(frozen=True, slots=True)
class PlannedVariant:
    """A variant to be added, or to be overwritten where it has an id; its stock only if said."""

    id: int | None
    position: int
    variant: Variant
    active: bool
    set_stock: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written of a product; ``facts`` is None where they are as stored."""

    handle: str
    facts: Facts | None
    variants: tuple[PlannedVariant, ...]
    withdrawn: tuple[int, ...]

    @property
    def ids(self) -> list[int]:
        """Return the rows of variants that are to be changed."""
        return [*self.withdrawn, *(each.id for each in self.variants if each.id is not None)]
