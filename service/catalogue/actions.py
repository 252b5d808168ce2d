"""What can be done to the catalogue: import a file, and change the currency."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from service import clock
from service.database import Connection

from . import import_queries as queries
from .model import ImportRefused
from .planning import FileFacts, Planner, Rules
from .product_file import ProductFile
from .report import ImportReport
from .rows import BadRow
from .shopify import Entry, Note
from .stored import Change

BATCH = 500
"""Variants and pictures written in one transaction, roughly; a product is never split."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file is read, and what it may do.

    ``stock`` sets that of variants that are there, and ``move_skus`` takes those of another product
    over. ``strict`` writes all or nothing. ``encoding`` and ``delimiter`` are found out where they
    are None. Other systems are told of stocks that the file lowers to ``low_stock``; None: of none.
    """

    stock: bool = False
    move_skus: bool = False
    refuse_repeated_skus: bool = False
    strict: bool = False
    encoding: str | None = None
    delimiter: str | None = None
    low_stock: int | None = None


PLAIN = ImportOptions()


class BadRows(Exception):
    """A strict import met bad rows, and wrote nothing."""


async def import_products(
    db: Connection,
    source: BinaryIO,
    *,
    currency: str,
    options: ImportOptions = PLAIN,
    dry_run: bool = False,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Bring the catalogue to what a Shopify product CSV says; see `shopify` and `planning`.

    Products that the file doesn't have stay as they are, and so does what it has no column for. A
    variant that a complete file no longer has is no longer sold. Prices are taken to be in
    ``currency``. Stock is set for new variants, and by a file that has nothing but stock.

    Each batch is a transaction of its own, so that carts and checkouts never wait for long: a
    reader sees every product whole, old or new, and after a failure the file can just be
    imported again. A strict import is one transaction, and a bad row undoes it. With ``dry_run``
    nothing is written. ``progress`` is called with the bytes read so far.

    Raises `ImportRefused`, before anything is written, where the file isn't a product CSV or the
    catalogue's currency is another.
    """
    await _check_currency(db, currency)
    file = await asyncio.to_thread(
        ProductFile, source, encoding=options.encoding, delimiter=options.delimiter
    )
    if file.repeated and options.refuse_repeated_skus:
        sku, lines = next(iter(file.repeated.items()))
        raise ImportRefused(
            f"{len(file.repeated)} SKUs are used twice, such as {sku} in the lines "
            f"{' and '.join(map(str, lines[:2]))}"
        )
    rules = Rules(currency, options.stock, options.move_skus)
    facts = FileFacts(file.columns, file.skus, file.repeated)
    report = ImportReport(
        unused_columns=file.columns.unused,
        stocks_set=options.stock or file.columns.stock_list,
        written=not dry_run,
    )

    async def take_in() -> None:
        batches = _batches(file.read(currency), report)
        while batch := await asyncio.to_thread(next, batches, None):
            taken_in = await _take_in(
                db, batch, facts, rules, low=options.low_stock, dry_run=dry_run
            )
            report.include(taken_in)
            if progress:
                progress(source.tell())
        if options.strict and report.bad_rows and not dry_run:
            raise BadRows

    if options.strict:
        try:
            async with db.transaction():
                await take_in()
        except BadRows:
            report.written = False
    else:
        await take_in()
    report.sort()
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


def _batches(
    entries: Iterator[Entry | BadRow | Note], report: ImportReport
) -> Iterator[Sequence[Entry]]:
    """Put the bad rows and notes into the report, and the rest into batches, never an empty one."""
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        match entry:
            case BadRow():
                report.bad_rows.append(entry)
            case Note():
                report.note(entry)
            case Entry():
                batch.append(entry)
                size += 1 + len(entry.rows) + len(entry.said.get("images", ()))
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


async def _take_in(
    db: Connection,
    batch: Sequence[Entry],
    file: FileFacts,
    rules: Rules,
    *,
    low: int | None,
    dry_run: bool,
) -> ImportReport:
    """Bring a batch in, in a transaction; returns the account of it."""
    if dry_run:
        report, _ = await _plan(db, batch, file, rules)
        return report
    async with db.transaction():
        await queries.begin_import(db)
        await queries.claim_currency(db, rules.currency)
        await _check_currency(db, rules.currency)
        report, changes = await _plan(db, batch, file, rules)
        if ids := [each for change in changes for each in change.ids]:
            # The plan is made again from the locked rows, which an order or an operator may have
            # changed since the first.
            await queries.lock_variants(db, ids)
            report, changes = await _plan(db, batch, file, rules)
        await _write(db, changes, low)
    return report


async def _plan(
    db: Connection, batch: Sequence[Entry], file: FileFacts, rules: Rules
) -> tuple[ImportReport, list[Change]]:
    stored = await queries.select_stored(db, [entry.handle for entry in batch])
    planner = Planner(file, rules)
    skus = [sku for entry in batch for sku in planner.possible_skus(entry)]
    owned = await queries.select_owned(db, skus)
    changes = [planner.plan(entry, stored.get(entry.handle), owned) for entry in batch]
    return planner.report, [change for change in changes if change]


async def _write(db: Connection, changes: Sequence[Change], low: int | None) -> None:
    facts = [(change.handle, change.facts) for change in changes if change.facts]
    variants = [(change.handle, each) for change in changes for each in change.variants]
    new = [each for each in variants if each[1].id is None]
    known = [each for each in variants if each[1].id is not None]
    withdrawn = [each for change in changes for each in change.withdrawn]
    if facts:
        await queries.upsert_products(db, facts)
    if withdrawn:
        await queries.withdraw_variants(db, withdrawn)
    if known:
        await queries.update_variants(db, known, low, clock.now())
    if new:
        await queries.insert_variants(db, new)
