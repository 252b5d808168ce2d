"""`locker orders`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any, get_args

import click
from babel.numbers import get_currency_precision

from service import orders
from service.accounts import select_known
from service.database import Connection
from service.errors import NotFound
from service.orders import Details, Order, OrderPage
from service.settings import Settings

from .database import run_through_app
from .moments import MOMENT
from .output import echo_json, echo_table, json_option, moment, paint, printable

COLOURS = {"placed": "yellow", "cancelled": "red", "fulfilled": "green"}


@click.group("orders")
def orders_() -> None:
    """What was bought. NUMBER is an order's, in any spelling."""


@orders_.command("list")
@click.option("--status", type=click.Choice(get_args(orders.OrderStatus)), help="Only these.")
@click.option("--since", type=MOMENT, help="Placed on this day or moment or later, in UTC.")
@click.option("--until", type=MOMENT, help="Placed before this day or moment, in UTC.")
@click.option("--user", "name", metavar="NAME", help="Of this account.")
@click.option("--email", metavar="ADDRESS", help="For this address, guests' orders too.")
@click.option("--sku", help="With this SKU in them.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--after", metavar="NUMBER", help="Those placed before this order.")
@json_option
def list_(name: str | None, limit: int, after: str | None, *, as_json: bool, **wanted: Any) -> None:
    """List orders, newest first."""

    async def action(db: Connection) -> OrderPage:
        account_id = None
        if name is not None:
            known = await select_known(db, name)
            if known is None:
                raise click.ClickException(f"there is no account {name}")
            account_id = known.account.id
        return await orders.history(db, account_id, limit=limit, after=after, **wanted)

    page = run_through_app(Settings.from_env(serving=False), action)
    if as_json:
        for order in page.orders:
            echo_json(_listed(order))
    else:
        echo_table(
            ("NUMBER", "PLACED", "STATUS", "TOTAL", "ITEMS", "FOR"),
            [_row(order) for order in page.orders],
            "No orders.",
        )
    if page.next:
        click.echo(f"More: --after {page.next}", err=True)


@orders_.command()
@click.argument("number")
@json_option
def show(number: str, *, as_json: bool) -> None:
    """Show an order: what was bought, for whom, and where it goes."""
    order = _found(orders.show, number)
    if as_json:
        echo_json(_listed(order))
        return
    number, placed, status, total, *_ = _row(order)
    click.echo(f"{number}  {placed}  {paint(status, COLOURS[order.status])}  {total}")
    for line in order.lines:
        options = ", ".join(f"{name}: {value}" for name, value in line.options)
        title = f"{line.title} ({options})" if options else line.title
        click.echo(
            printable(f"  {line.quantity} x {line.sku}  {title}")
            + f"  {_amount(line.unit_price, order.currency)} each,"
            + f" {_amount(line.total, order.currency)}"
        )
    for what, text in _describe(order.details):
        click.echo(printable(f"  {what}: {text}"))


@orders_.command()
@click.argument("number")
@json_option
def fulfil(number: str, *, as_json: bool) -> None:
    """Note that an order has been sent: it can't be cancelled any more."""
    order = _found(orders.fulfil, number)
    if as_json:
        echo_json(_listed(order))
    else:
        click.echo(f"Fulfilled {order.number}.")


def _found(action: Callable[[Connection, str], Awaitable[Order]], number: str) -> Order:
    if orders.read_number(number) is None:
        raise click.ClickException(f"{number} is mistyped: no order has such a number")
    try:
        return run_through_app(Settings.from_env(serving=False), action, number)
    except NotFound:
        raise click.ClickException(f"there is no order {number}") from None


def _row(order: Order) -> tuple[str, ...]:
    contact = order.details.contact
    return (
        order.number,
        moment(order.placed_at),
        order.status,
        f"{_amount(order.total, order.currency)} {order.currency}",
        str(sum(line.quantity for line in order.lines)),
        (contact.email or contact.name if contact else "") or "-",
    )


def _describe(details: Details) -> Iterator[tuple[str, str]]:
    """Name what the customer said, each in a line."""
    if details.contact:
        yield "for", _joined(asdict(details.contact))
    if details.shipping_address:
        yield "ship to", _joined(asdict(details.shipping_address))
    if details.billing_address:
        yield "bill to", _joined(asdict(details.billing_address))
    if details.note:
        yield "note", " / ".join(details.note.splitlines())
    yield from details.metadata.items()


def _joined(parts: Mapping[str, str]) -> str:
    return ", ".join(part for part in parts.values() if part)


def _listed(order: Order) -> dict[str, object]:
    """Return an order for programs: amounts are in minor units, as over HTTP."""
    return {
        "number": order.number,
        "status": order.status,
        "placed_at": order.placed_at,
        "currency": order.currency,
        "total": order.total,
        "account_id": order.account_id,
        "lines": [
            {
                "sku": line.sku,
                "title": line.title,
                "options": dict(line.options),
                "quantity": line.quantity,
                "unit_price": line.unit_price,
                "total": line.total,
            }
            for line in order.lines
        ],
        **asdict(order.details),
    }


def _amount(minor: int, currency: str) -> str:
    return f"{Decimal(minor).scaleb(-get_currency_precision(currency)):,f}"
