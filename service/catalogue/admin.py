"""What operators do with stock, prices and what is shown. Each is one transaction, in the audit.

An import reads what they changed before it writes: see docs/catalogue.md, "What a file changes".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from service import audit, clock
from service.audit import Operator
from service.database import Connection
from service.errors import InvalidCursor, NotFound

from . import admin_queries
from .model import SKU_LENGTH, STOCK, NoSuchVariant, ShownProduct, StockedVariant, VariantChange


@dataclass(frozen=True, slots=True)
class VariantPage:
    """A part of the list of variants; ``next`` is the cursor after which it goes on."""

    variants: tuple[StockedVariant, ...]
    next: str | None


async def find_variants(
    db: Connection,
    *,
    low: int | None = None,
    text: str = "",
    after: str | None = None,
    limit: int = 50,
) -> VariantPage:
    """Return what is sold, or with ``low`` that of which so many or fewer are left, fewest first.

    The text is the beginning of a SKU or a part of a product's title. Raises `InvalidCursor`.
    """
    found = await admin_queries.select_variants(
        db,
        low=low,
        text=" ".join(text.split()),
        after=_read_cursor(after, by_stock=low is not None) if after else None,
        limit=limit + 1,
    )
    page = tuple(found[:limit])
    if len(found) <= limit:
        return VariantPage(page, None)
    stock = "" if low is None else page[-1].stock
    return VariantPage(page, f"{stock}~{page[-1].sku}")


async def change_variants(
    db: Connection, changes: Sequence[VariantChange], operator: Operator, low: int
) -> list[StockedVariant]:
    """Set or add to the stock of variants, set their prices: all of them, or none.

    Each is named once. Other systems are told of stock that comes to be ``low``.

    Raises `NoSuchVariant`, `StockNotCounted`, `StockLimit`, `NotPriced`.
    """
    async with audit.recorded(db) as record:
        known = await admin_queries.lock_variants(db, [change.sku for change in changes])
        missing = [change.sku for change in changes if change.sku not in known]
        if missing:
            raise NoSuchVariant(f"There is no variant {', '.join(missing[:5])}.")
        before = [known[change.sku] for change in changes]
        after = [change.apply(variant) for change, variant in zip(changes, before, strict=True)]
        now = clock.now()
        await admin_queries.update_variants(db, after, low, now)
        events = []
        for was, now_is in zip(before, after, strict=True):
            if was.stock != now_is.stock:
                events.append(
                    operator.event(
                        "stock_changed", now, subject=was.sku, before=was.stock, after=now_is.stock
                    )
                )
            if (was.price, was.compare_at_price) != (now_is.price, now_is.compare_at_price):
                events.append(
                    operator.event(
                        "price_changed", now, subject=was.sku, before=was.price, after=now_is.price
                    )
                )
        await record.store_all(events)
    return after


async def publish(
    db: Connection, handle: str, operator: Operator, *, published: bool
) -> ShownProduct:
    """Show a product in the shop, a draft or an archived one too, or hide it.

    Doing it twice changes nothing. Raises `NotFound`.
    """
    async with audit.recorded(db) as record:
        product = await admin_queries.lock_product(db, handle)
        if product is None:
            raise NotFound
        if product.published == published:
            return product
        sold = product.status in {"active", "unlisted"}
        status = "active" if published and not sold else product.status
        await admin_queries.update_published(db, handle, status, published=published)
        kind: audit.EventKind = "product_published" if published else "product_hidden"
        await record.store(operator.event(kind, clock.now(), subject=handle))
        return replace(product, status=status, published=published)


def _read_cursor(text: str, *, by_stock: bool) -> tuple[int | None, str]:
    stock, mark, sku = text.partition("~")
    digits = stock.removeprefix("-")
    if not mark or not 0 < len(sku) <= SKU_LENGTH or bool(stock) is not by_stock:
        raise InvalidCursor
    if not by_stock:
        return None, sku
    if not (digits.isascii() and digits.isdigit()) or abs(number := int(stock[:12])) > STOCK:
        raise InvalidCursor
    return number, sku
