"""`locker catalogue`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service import carts
from service.catalogue import change_currency, import_products, select_currency
from service.settings import Settings, currencies

from .database import through_app

if TYPE_CHECKING:
    from service.catalogue import ImportReport


@click.group()
def catalogue() -> None:
    """What the shop sells."""


@catalogue.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Write nothing, but say what would be done.")
def import_(file: Path, *, dry_run: bool) -> None:
    """Import a product CSV as Shopify exports it.

    Importing again updates. Bad rows are listed and left out, the others go in; the exit
    status is 1 if there were any.
    """
    report = asyncio.run(_import(Settings.from_env(serving=False), file, dry_run=dry_run))
    for row in report.bad_rows:
        click.echo(f"line {row.line}: {row.reason}", err=True)
    click.echo(
        f"Products: {report.products} ({report.added} new, {report.updated} changed,"
        f" {report.unchanged} as before). Variants: {report.variants}."
        f" Pictures: {report.images}. Bad rows: {len(report.bad_rows)}."
        f"{' Nothing was written.' if dry_run else ''}"
    )
    if report.bad_rows:
        raise SystemExit(1)


@catalogue.command("currency")
@click.argument("code", required=False)
def currency_(code: str | None) -> None:
    """Say which currency the catalogue is priced in, or change it to CODE.

    Prices aren't converted. What is priced in another currency is no longer sold until a file
    with its price in the new one is imported. Carts keep their lines meanwhile, as unavailable
    and in no total; orders stay as they are. Then set LOCKER_CURRENCY and start the service anew.
    """
    if code is not None and code not in currencies():
        raise click.BadParameter(f"{code} is no ISO 4217 code of a currency in use, such as USD")
    click.echo(asyncio.run(_currency(Settings.from_env(serving=False), code)))


async def _currency(settings: Settings, code: str | None) -> str:
    async with through_app(settings) as db:
        if code is None:
            return await select_currency(db) or "None yet: the catalogue is empty."
        async with db.transaction():
            await carts.note_currency(db)
            withdrawn = await change_currency(db, code)
    text = f"The catalogue is priced in {code}. Variants no longer sold: {withdrawn}."
    if settings.currency != code:
        text += f" Now set LOCKER_CURRENCY={code}, and start the service anew."
    return text


async def _import(settings: Settings, file: Path, *, dry_run: bool) -> ImportReport:
    with (
        file.open("rb") as source,
        click.progressbar(
            length=os.fstat(source.fileno()).st_size,
            label=file.name,
            file=sys.stderr,
            hidden=not sys.stderr.isatty(),
        ) as bar,
    ):
        async with through_app(settings) as db:
            return await import_products(
                db,
                source,
                currency=settings.currency,
                dry_run=dry_run,
                progress=lambda position: bar.update(position - bar.pos),
            )
