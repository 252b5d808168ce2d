"""Any sequence of files, orders and cancellations: what is sold, and how much is left."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from hypothesis import given, settings
from hypothesis import strategies as st

from service import clock
from service.catalogue import (
    LOCK_STOCK_CTE,
    ImportOptions,
    give_back_stock,
    import_products,
    take_stock_cte,
)
from service.database import Connection
from service.statements import Statement
from tests.support.files import csv_file, size

SIZES = ("S", "M", "L", "X")
some_sizes = st.lists(st.sampled_from(SIZES), min_size=1, max_size=4, unique=True)
units = st.integers(0, 9)
steps = st.one_of(
    st.tuples(
        st.just("bring_whole"),
        some_sizes,
        units,
        st.integers(1, 9),
        st.none() | st.sampled_from(SIZES),
        st.builds(ImportOptions, stock=st.booleans()),
    ),
    st.tuples(st.just("bring_prices"), some_sizes, st.integers(1, 9)),
    st.tuples(st.just("bring_stock"), some_sizes, units),
    st.tuples(st.just("order"), st.sampled_from(SIZES), st.integers(1, 9)),
    st.tuples(st.just("cancel")),
)

TAKE_STOCK = Statement(
    f"""
    with {LOCK_STOCK_CTE},
    enough as (select from (select) as one where not exists (select from short)),
    {take_stock_cte("enough")}
    select exists (select from enough) and (select count(*) from low) >= 0
    """  # noqa: S608 - the catalogue's own
)


@dataclass
class Expected:
    """A variant as it must be: its stock is what was set, less what is ordered."""

    price: int
    stock: int
    sold: bool = True


@dataclass
class Shop:
    """One product in sizes; each step is done to the database and to what is expected."""

    db: Connection
    expected: dict[str, Expected] = field(default_factory=dict)
    ordered: list[tuple[str, int]] = field(default_factory=list)
    exists: bool = False

    async def bring_whole(
        self, sizes: list[str], quantity: int, price: int, bad: str | None, options: ImportOptions
    ) -> None:
        """Import a complete file; the price of one of its rows may be bad."""
        rows = [
            size(
                "any",
                value,
                Variant_SKU=f"ANY-{value}",
                Variant_Inventory_Tracker="shopify",
                Variant_Inventory_Qty=str(quantity),
                Variant_Price="many" if value == bad else str(price),
                **({} if number else {"Title": "Any"}),
            )
            for number, value in enumerate(sizes)
        ]
        await self._import(csv_file(*rows).getvalue(), options)
        good = [value for value in sizes if value != bad]
        if not self.exists and not good:
            return
        self.exists = True
        for value in good:
            known = self.expected.setdefault(value, Expected(price * 100, quantity))
            known.price, known.sold = price * 100, True
            if options.stock:
                known.stock = quantity
        for value in self.expected.keys() - set(sizes):
            self.expected[value].sold = False

    async def bring_prices(self, sizes: list[str], price: int) -> None:
        """Import a price list."""
        lines = "".join(f"any,ANY-{value},{price}\n" for value in sizes)
        await self._import(f"Handle,Variant SKU,Variant Price\n{lines}".encode(), ImportOptions())
        for value in self.expected.keys() & set(sizes):
            self.expected[value].price = price * 100

    async def bring_stock(self, sizes: list[str], quantity: int) -> None:
        """Import a stock list."""
        lines = "".join(f"any,ANY-{value},{quantity}\n" for value in sizes)
        header = "Handle,Variant SKU,Variant Inventory Qty\n"
        await self._import(f"{header}{lines}".encode(), ImportOptions())
        for value in self.expected.keys() & set(sizes):
            self.expected[value].stock = quantity

    async def order(self, value: str, quantity: int) -> None:
        """Order units of what is sold, if there are so many."""
        known = self.expected.get(value)
        if known is None or not known.sold:
            return
        number = await self._id(value)
        taken = await self.db.fetchval(
            *TAKE_STOCK(ids=[number], quantities=[quantity], low=5, now=clock.now())
        )
        assert taken == (known.stock >= quantity)
        if taken:
            known.stock -= quantity
            self.ordered.append((value, quantity))

    async def cancel(self) -> None:
        """Cancel the oldest order, if there is one."""
        if self.ordered:
            value, quantity = self.ordered.pop(0)
            await give_back_stock(self.db, {await self._id(value): quantity})
            self.expected[value].stock += quantity

    async def check(self) -> None:
        """Compare what is stored with what is expected."""
        rows = await self.db.fetch(
            "select sku, price, stock, active from variants where sku like 'ANY-%'"
        )
        assert {row["sku"]: (row["price"], row["stock"], row["active"]) for row in rows} == {
            f"ANY-{value}": (known.price, known.stock, known.sold)
            for value, known in self.expected.items()
        }

    async def _import(self, content: bytes, options: ImportOptions) -> None:
        arguments: dict[str, Any] = {"currency": "USD", "options": options}
        would = await import_products(self.db, io.BytesIO(content), **arguments, dry_run=True)
        assert would == await import_products(self.db, io.BytesIO(content), **arguments)

    async def _id(self, value: str) -> int:
        return int(await self.db.fetchval("select id from variants where sku = $1", f"ANY-{value}"))


@settings(max_examples=30)
@given(st.lists(steps, min_size=2, max_size=10))
def test_any_sequence(database_url: str, sequence: list[tuple[Any, ...]]) -> None:
    """Stock is what was set, less orders; nothing is sold that the last complete file withdrew."""

    async def run() -> None:
        db = await asyncpg.connect(database_url)
        transaction = db.transaction()
        await transaction.start()
        shop = Shop(db)
        for name, *arguments in sequence:
            await getattr(shop, name)(*arguments)
            await shop.check()
        await transaction.rollback()
        await db.close()

    asyncio.run(run())
