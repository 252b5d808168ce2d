"""What can be done to the catalogue: import a file, and change the currency."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO

from . import import_queries as queries
from .model import ImportRefused, Product
from .rows import BadRow
from .shopify import Entry, read_products

if TYPE_CHECKING:
    from service.database import Connection

BATCH = 500
"""Variants and pictures written in one transaction, roughly; a product is never split."""


@dataclass(slots=True)
class ImportReport:
    """What an import did, or would do; ``variants`` and ``images`` are those taken in."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    variants: int = 0
    images: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)

    @property
    def products(self) -> int:
        """Products taken in."""
        return self.added + self.updated + self.unchanged


async def import_products(
    db: Connection,
    source: BinaryIO,
    *,
    currency: str,
    dry_run: bool = False,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Bring the catalogue to what a Shopify product CSV says; see `shopify` on bad rows.

    Products that the file doesn't have stay as they are. A variant that its product no longer
    has is no longer sold. Prices are taken to be in ``currency``, stock is set to the file's.
    Raises `ImportRefused` where the catalogue's currency is another.

    Each batch is a transaction of its own, so that carts and checkouts never wait for long: a
    reader sees every product whole, old or new, and after a failure the file can just be
    imported again. With ``dry_run`` nothing is written. ``progress`` is called with the bytes
    read so far.
    """
    report = ImportReport()
    await _check_currency(db, currency)
    for batch in _batches(read_products(source, currency), report):
        if dry_run:
            await _compare(db, batch, report)
        else:
            async with db.transaction():
                await queries.begin_import(db)
                await queries.claim_currency(db, currency)
                await _check_currency(db, currency)
                await _write(db, await _compare(db, batch, report))
        if progress:
            progress(source.tell())
    report.bad_rows.sort(key=lambda row: row.line)
    return report


async def change_currency(db: Connection, currency: str) -> int:
    """Have the catalogue priced in another currency; returns how many variants that withdraws.

    Prices aren't converted: what has none in the new currency isn't sold until an import brings
    it. Runs in the caller's transaction, which keeps imports out until it ends.
    """
    await queries.begin_import(db)
    return await queries.change_currency(db, currency)


async def _check_currency(db: Connection, currency: str) -> None:
    stored = await queries.select_currency(db)
    if stored not in {None, currency}:
        raise ImportRefused(
            f"the catalogue is priced in {stored}, the file is taken to be in {currency}: set "
            f"LOCKER_CURRENCY={stored}, or see `locker catalogue currency --help`"
        )


@dataclass(frozen=True, slots=True)
class _Difference:
    """Products to add or overwrite, and the SKUs that they no longer have."""

    changed: list[Product]
    withdrawn: list[str]


def _batches(entries: Iterator[Entry | BadRow], report: ImportReport) -> Iterator[Sequence[Entry]]:
    """Put the bad rows into the report, and the rest into batches."""
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        if isinstance(entry, BadRow):
            report.bad_rows.append(entry)
            continue
        batch.append(entry)
        size += len(entry.product.variants) + len(entry.product.images)
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    yield batch


async def _compare(db: Connection, batch: Sequence[Entry], report: ImportReport) -> _Difference:
    """Count a batch into the report, and return what differs from what is stored."""
    stored = await queries.select_stored(db, [entry.product.handle for entry in batch])
    named = {variant.sku for entry in batch for variant in entry.product.variants}
    difference = _Difference([], [])
    for entry in batch:
        product = entry.product
        before = stored.get(product.handle)
        gone = [item for item in before.variants if item.sku not in named] if before else []
        if entry.whole:
            difference.withdrawn.extend(variant.sku for variant in gone)
        else:
            product = replace(product, variants=(*product.variants, *gone))
        if product != before:
            difference.changed.append(product)
        report.added += before is None
        report.updated += before is not None and product != before
        report.unchanged += product == before
        report.variants += len(entry.product.variants)
        report.images += len(product.images)
    return difference


async def _write(db: Connection, difference: _Difference) -> None:
    changed, withdrawn = difference.changed, difference.withdrawn
    if changed:
        skus = [variant.sku for product in changed for variant in product.variants]
        await queries.lock_variants(db, [*skus, *withdrawn])
        await queries.upsert_products(db, changed)
        await queries.upsert_variants(db, changed)
    if withdrawn:
        await queries.withdraw_variants(db, withdrawn)
