"""`locker stock` and `locker products`."""

from __future__ import annotations

import click

from service import catalogue
from service.audit import COMMAND_LINE
from service.catalogue import StockedVariant, StockLimit, StockNotCounted, VariantChange
from service.database import Connection
from service.errors import InvalidCursor, NotFound
from service.settings import Settings

from .database import run_through_app
from .output import echo_json, echo_table, format_amount, json_option, printable

NUMBERS = {"ignore_unknown_options": True}
"""A number below 0 is no option."""


@click.group()
def stock() -> None:
    """How many there are of what is sold."""


@stock.command("set")
@click.argument("sku")
@click.argument("count", type=click.IntRange(0, catalogue.STOCK))
@json_option
def set_(sku: str, count: int, *, as_json: bool) -> None:
    """Set the stock of a SKU."""
    _change(VariantChange(sku, stock=count), as_json=as_json)


@stock.command(context_settings=NUMBERS)
@click.argument("sku")
@click.argument("count", type=click.IntRange(-catalogue.STOCK, catalogue.STOCK))
@json_option
def add(sku: str, count: int, *, as_json: bool) -> None:
    """Add to the stock of a SKU, or take from it: -2."""
    _change(VariantChange(sku, add=count), as_json=as_json)


@stock.command()
@click.option(
    "--below",
    type=click.IntRange(1, catalogue.LOW + 1),
    default=10,
    show_default=True,
    help="Fewer than so many.",
)
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@click.option("--after", metavar="CURSOR", help="Those after these, as said at the end of a list.")
@json_option
def low(below: int, limit: int, after: str | None, *, as_json: bool) -> None:
    """List what there is little of, the fewest first."""

    async def action(db: Connection) -> catalogue.VariantPage:
        return await catalogue.find_variants(db, low=below - 1, after=after, limit=limit)

    try:
        page = run_through_app(Settings.from_env(serving=False), action)
    except InvalidCursor:
        raise click.ClickException("--after takes what the end of a list said") from None
    if as_json:
        for variant in page.variants:
            echo_json(_listed(variant))
    else:
        echo_table(
            ("STOCK", "SKU", "TITLE"),
            [(str(each.stock), each.sku, each.title) for each in page.variants],
            "Nothing is that low.",
        )
    if page.next:
        click.echo(f"More: --after {page.next}", err=True)


@click.group()
def products() -> None:
    """What the shop shows."""


@products.command()
@click.argument("handle")
@json_option
def publish(handle: str, *, as_json: bool) -> None:
    """Show a product in the shop, a draft too."""
    _show(handle, published=True, as_json=as_json)


@products.command()
@click.argument("handle")
@json_option
def hide(handle: str, *, as_json: bool) -> None:
    """Hide a product: it is listed and sold no more."""
    _show(handle, published=False, as_json=as_json)


@products.command()
@click.argument("sku")
@click.argument("amount")
@json_option
def price(sku: str, amount: str, *, as_json: bool) -> None:
    """Set the price of a SKU, as 19.90 in the shop's currency."""
    settings = Settings.from_env(serving=False)

    async def action(db: Connection) -> StockedVariant:
        currency = await catalogue.select_currency(db) or settings.currency
        change = VariantChange(sku, price=catalogue.parse_price("AMOUNT", amount, currency))
        (changed,) = await catalogue.change_variants(db, [change], COMMAND_LINE, settings.low_stock)
        return changed

    try:
        changed = run_through_app(settings, action)
    except NotFound:
        raise click.ClickException(f"there is no SKU {printable(sku)}") from None
    except catalogue.BadCell as refusal:
        raise click.ClickException(printable(str(refusal))) from None
    if as_json:
        echo_json(_listed(changed))
    else:
        price = format_amount(changed.price, changed.currency)
        click.echo(printable(f"{changed.sku}: {price} {changed.currency}"))


def _change(change: VariantChange, *, as_json: bool) -> None:
    settings = Settings.from_env(serving=False)
    try:
        (changed,) = run_through_app(
            settings, catalogue.change_variants, [change], COMMAND_LINE, settings.low_stock
        )
    except NotFound:
        raise click.ClickException(f"there is no SKU {printable(change.sku)}") from None
    except (StockNotCounted, StockLimit) as refusal:
        raise click.ClickException(printable(refusal.detail)) from None
    if as_json:
        echo_json(_listed(changed))
    else:
        click.echo(printable(f"{changed.sku}: {changed.stock}"))


def _show(handle: str, *, published: bool, as_json: bool) -> None:
    settings = Settings.from_env(serving=False)
    try:
        product = run_through_app(
            settings, catalogue.publish, handle, COMMAND_LINE, published=published
        )
    except NotFound:
        raise click.ClickException(f"there is no product {printable(handle)}") from None
    if as_json:
        echo_json(
            {
                "handle": product.handle,
                "title": product.title,
                "status": product.status,
                "published": product.published,
            }
        )
    else:
        click.echo(printable(f"{handle} is {'shown' if published else 'hidden'}."))


def _listed(variant: StockedVariant) -> dict[str, object]:
    return {
        "sku": variant.sku,
        "handle": variant.handle,
        "title": variant.title,
        "price": variant.price,
        "currency": variant.currency,
        "stock": variant.stock,
        "published": variant.published,
    }
