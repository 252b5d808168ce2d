"""`locker catalogue`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.catalogue import import_products
from service.settings import Settings

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
