"""`locker catalogue`."""

from __future__ import annotations

import asyncio
import codecs
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from service import carts
from service.catalogue import (
    ImportOptions,
    ImportReport,
    change_currency,
    import_products,
    select_currency,
)
from service.settings import Settings, currencies

from .database import through_app
from .output import echo_json, json_option


def _encoding(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    try:
        "".encode(name or "utf-8")
        # Some are for something else than files: no part of one can be read.
        codecs.getincrementaldecoder(name or "utf-8")("replace").decode(b"")
    except (LookupError, UnicodeError):
        raise click.BadParameter(f"{name} is no encoding of text that is known here") from None
    return name


def _delimiter(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    text = "\t" if given in {"tab", "\\t"} else given
    if text is not None and (len(text) != 1 or text in '"\r\n'):
        raise click.BadParameter("it is one character, or the word tab")
    return text


@click.group()
def catalogue() -> None:
    """What the shop sells."""


@catalogue.command("import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--dry-run", is_flag=True, help="Write nothing, but say what would be done.")
@click.option("--strict", is_flag=True, help="Write all or, if a row is bad, nothing.")
@click.option("--stock", is_flag=True, help="Set the stock of variants that are there already.")
@click.option("--move-skus", is_flag=True, help="Let a SKU move from one product to another.")
@click.option(
    "--repeated-skus",
    type=click.Choice(["derive", "refuse"]),
    default="derive",
    show_default=True,
    help="Give a SKU that is used twice to one variant and another to the other; or stop.",
)
@click.option("--encoding", callback=_encoding, help="Such as cp1252; UTF-8 and UTF-16 are seen.")
@click.option("--delimiter", callback=_delimiter, help="What separates cells; a character or tab.")
@json_option
def import_(
    file: Path, *, dry_run: bool, as_json: bool, repeated_skus: str, **options: Any
) -> None:
    """Import a product CSV as Shopify exports it.

    Importing again updates what the file has columns for, and leaves the rest as it is. Stock is
    set for new variants, by a file that has nothing but stock, and with --stock. Bad rows are
    listed and left out, the others go in; the exit status is 1 if there were any. Frames and
    videos in descriptions are left out, and pictures that aren't had by https.

    A dash is standard input. docs/catalogue.md says more.
    """
    settings = Settings.from_env(serving=False)
    how = ImportOptions(
        refuse_repeated_skus=repeated_skus == "refuse", low_stock=settings.low_stock, **options
    )
    report = asyncio.run(_import(settings, file, how, dry_run=dry_run))
    if as_json:
        echo_json(report.listed())
    else:
        for line in report.complaints():
            click.echo(line, err=True)
        for line in report.summary():
            click.echo(line)
    if report.bad_rows:
        raise SystemExit(1)


@catalogue.command("currency", short_help="Say or change the currency of prices.")
@click.argument("code", required=False)
@json_option
def currency_(code: str | None, *, as_json: bool) -> None:
    """Say which currency the catalogue is priced in, or change it to CODE.

    Prices aren't converted. What is priced in another currency is no longer sold until a file
    with its price in the new one is imported. Carts keep their lines meanwhile, as unavailable
    and in no total; orders stay as they are. Then set LOCKER_CURRENCY and start the service anew.
    """
    if code is not None and code not in currencies():
        raise click.BadParameter(f"{code} is no ISO 4217 code of a currency in use, such as USD")
    settings = Settings.from_env(serving=False)
    current, withdrawn = asyncio.run(_currency(settings, code))
    if as_json:
        echo_json({"currency": current, "withdrawn": withdrawn})
    elif code is None:
        click.echo(current or "None yet: the catalogue is empty.")
    else:
        click.echo(_changed(settings, code, withdrawn))


async def _currency(settings: Settings, code: str | None) -> tuple[str | None, int]:
    async with through_app(settings) as db:
        if code is None:
            return await select_currency(db), 0
        async with db.transaction():
            await carts.note_currency(db)
            return code, await change_currency(db, code)


def _changed(settings: Settings, code: str, withdrawn: int) -> str:
    text = f"The catalogue is priced in {code}. Variants no longer sold: {withdrawn}."
    if settings.currency != code:
        text += f" Now set LOCKER_CURRENCY={code}, and start the service anew."
    return text


async def _import(
    settings: Settings, file: Path, options: ImportOptions, *, dry_run: bool
) -> ImportReport:
    with (
        _opened(file) as source,
        click.progressbar(
            length=source.seek(0, os.SEEK_END),
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
                options=options,
                dry_run=dry_run,
                progress=lambda position: bar.update(position - bar.pos),
            )


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    """Open the file; standard input is kept in one first, as it is read twice."""
    if str(file) != "-":
        with file.open("rb") as source:
            yield source
        return
    with tempfile.TemporaryFile() as source:
        shutil.copyfileobj(sys.stdin.buffer, source)
        yield source
