"""`locker orders`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import cast, get_args

import click
from babel.numbers import get_currency_precision

from service import orders
from service.database import Connection
from service.errors import NotFound
from service.orders import Order
from service.settings import Settings

from .database import run_through_app


@click.group("orders")
def orders_() -> None:
    """What was bought. NUMBER is an order's, in any spelling."""


@orders_.command("list")
@click.option("--status", type=click.Choice(get_args(orders.OrderStatus)), help="Only these.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--after", metavar="NUMBER", help="Those placed before this order.")
def list_(status: str | None, limit: int, after: str | None) -> None:
    """List orders, newest first."""
    wanted = cast("orders.OrderStatus | None", status)
    page = run_through_app(
        Settings.from_env(serving=False), orders.history, status=wanted, limit=limit, after=after
    )
    for order in page.orders:
        click.echo(_headline(order))
    if page.next:
        click.echo(f"More: --after {page.next}", err=True)


@orders_.command()
@click.argument("number")
def show(number: str) -> None:
    """Show an order."""
    order = _found(orders.show, number)
    click.echo(_headline(order))
    for line in order.lines:
        options = ", ".join(f"{name}: {value}" for name, value in line.options)
        title = f"{line.title} ({options})" if options else line.title
        click.echo(
            f"  {line.quantity} x {line.sku}  {title}"
            f"  {_amount(line.unit_price, order.currency)} each,"
            f" {_amount(line.total, order.currency)}"
        )
        for name, text in line.metadata.items():
            click.echo(f"      {name}: {text}")


@orders_.command()
@click.argument("number")
def fulfil(number: str) -> None:
    """Note that an order has been sent: it can't be cancelled any more."""
    order = _found(orders.fulfil, number)
    click.echo(f"Fulfilled {order.number}.")


def _found(action: Callable[[Connection, str], Awaitable[Order]], number: str) -> Order:
    if orders.read_number(number) is None:
        raise click.ClickException(f"{number} is mistyped: no order has such a number")
    try:
        return run_through_app(Settings.from_env(serving=False), action, number)
    except NotFound:
        raise click.ClickException(f"there is no order {number}") from None


def _headline(order: Order) -> str:
    return (
        f"{order.number}  {order.placed_at:%Y-%m-%d %H:%M} UTC  {order.status}"
        f"  {_amount(order.total, order.currency)} {order.currency}"
    )


def _amount(minor: int, currency: str) -> str:
    return f"{Decimal(minor).scaleb(-get_currency_precision(currency)):,f}"
