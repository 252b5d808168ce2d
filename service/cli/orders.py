"""`locker orders`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, Concatenate, ParamSpec, get_args

import click

from service import orders
from service.accounts import select_known
from service.audit import COMMAND_LINE
from service.database import Connection
from service.errors import NotFound
from service.orders import (
    Details,
    LineOutcome,
    NotCancellable,
    NotFulfillable,
    Order,
    OrderPage,
)
from service.settings import Settings

from .database import run_through_app
from .moments import MOMENT
from .output import echo_json, echo_table, format_amount, json_option, moment, paint, printable

P = ParamSpec("P")

COLOURS = {
    "placed": "yellow",
    "partially_fulfilled": "yellow",
    "cancelled": "red",
    "fulfilled": "green",
}


@click.group("orders")
def orders_() -> None:
    """What was bought. NUMBER is an order's, in any spelling."""


@orders_.command("list")
@click.option(
    "--search", "text", default="", help="With this number, or this in its name or address."
)
@click.option("--status", type=click.Choice(get_args(orders.OrderStatus)), help="Only these.")
@click.option("--since", type=MOMENT, help="Placed on this day or moment or later, in UTC.")
@click.option("--until", type=MOMENT, help="Placed before this day or moment, in UTC.")
@click.option("--user", "name", metavar="NAME", help="Of this account.")
@click.option("--email", metavar="ADDRESS", help="For this address, guests' orders too.")
@click.option("--sku", help="With this SKU in them.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--after", metavar="NUMBER", help="Those placed before this order.")
@json_option
def list_(
    name: str | None, text: str, limit: int, after: str | None, *, as_json: bool, **wanted: Any
) -> None:
    """List orders, newest first."""

    async def action(db: Connection) -> OrderPage:
        account_id = None
        if name is not None:
            known = await select_known(db, name)
            if known is None:
                raise click.ClickException(f"there is no account {name}")
            account_id = known.account.id
        return await orders.search(db, text, account_id, limit=limit, after=after, **wanted)

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
    order = _done(orders.show, number)
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
            + f"  {format_amount(line.unit_price, order.currency)} each,"
            + f" {format_amount(line.total, order.currency)}{_became(order.outcome(line))}"
        )
    for each in order.fulfilments:
        sent = ", ".join(f"{line.quantity} x {line.sku}" for line in each.lines)
        tracking = f", tracking {each.tracking}" if each.tracking else ""
        click.echo(printable(f"  sent {moment(each.at)}: {sent}{tracking}"))
    for what, text in _describe(order.details):
        click.echo(printable(f"  {what}: {text}"))
    if order.operator_note:
        click.echo(printable(f"  our note: {' / '.join(order.operator_note.splitlines())}"))


class Units(click.ParamType):  # type: ignore[type-arg]
    """A SKU and how many of it, such as ``TENT=2``; the SKU alone is one."""

    name = "sku[=count]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        sku, equals, count = str(value).rpartition("=")
        if not equals:
            return str(value), 1
        if not (count.isascii() and count.isdigit() and 0 < int(count) <= orders.MOST_UNITS):
            self.fail(f"{count!r} is no count of units", param, ctx)
        return sku, int(count)


@orders_.command()
@click.argument("number")
@click.option(
    *("--line", "lines"),
    type=Units(),
    multiple=True,
    help="Only so many of this SKU; can be given more than once. Without it all that is left.",
)
@click.option("--tracking", default="", help="The carrier's number or address, for the customer.")
@json_option
def fulfil(
    number: str, *, lines: tuple[tuple[str, int], ...], tracking: str, as_json: bool
) -> None:
    """Note that an order has been sent, or a part of it."""
    if len(tracking) > orders.LONGEST_TRACKING:
        raise click.ClickException(f"--tracking has at most {orders.LONGEST_TRACKING} characters")
    units: Counter[str] | None = Counter() if lines else None
    for sku, count in lines:
        assert units is not None  # noqa: S101 - for the type checker
        units[sku] += count
    order = _done(orders.fulfil, number, COMMAND_LINE, units, tracking)
    if as_json:
        echo_json(_listed(order))
    elif order.status == "fulfilled":
        click.echo(f"Fulfilled {order.number}.")
    else:
        left = sum(order.outcome(line).left for line in order.lines)
        click.echo(f"Fulfilled {order.number} in part; left to be sent: {left}.")


@orders_.command()
@click.argument("number")
@json_option
def cancel(number: str, *, as_json: bool) -> None:
    """Cancel an order, or what is left of it; gives its stock back."""
    order = _done(orders.cancel, number, COMMAND_LINE)
    if as_json:
        echo_json(_listed(order))
    elif order.status == "cancelled":
        click.echo(f"Cancelled {order.number}.")
    else:
        click.echo(f"Cancelled what was left of {order.number}.")


@orders_.command()
@click.argument("number")
@click.argument("text")
@json_option
def note(number: str, text: str, *, as_json: bool) -> None:
    """Keep a note that the customer doesn't see.

    An empty one takes it away.
    """
    if len(text) > orders.LONGEST_NOTE:
        raise click.ClickException(f"a note has at most {orders.LONGEST_NOTE} characters")
    order = _done(orders.note, number, COMMAND_LINE, text)
    if as_json:
        echo_json(_listed(order))
    else:
        click.echo(f"Noted at {order.number}.")


def _done(
    action: Callable[Concatenate[Connection, str, P], Awaitable[Order]],
    number: str,
    *args: P.args,
    **kwargs: P.kwargs,
) -> Order:
    if orders.read_number(number) is None:
        raise click.ClickException(f"{printable(number)} is mistyped: no order has such a number")
    try:
        return run_through_app(Settings.from_env(serving=False), action, number, *args, **kwargs)
    except NotFound:
        raise click.ClickException(f"there is no order {number}") from None
    except NotFulfillable as refusal:
        short = [
            f"{each['left']} of {each['sku']}, not {each['quantity']}"
            for each in refusal.members["lines"]
        ]
        what = f"left to be sent: {', '.join(short)}" if short else "it is sent or cancelled"
        raise click.ClickException(printable(f"{number} can't be fulfilled: {what}")) from None
    except NotCancellable:
        raise click.ClickException(
            f"{number} can't be cancelled: it is sent or cancelled"
        ) from None


def _row(order: Order) -> tuple[str, ...]:
    contact = order.details.contact
    return (
        order.number,
        moment(order.placed_at),
        order.status,
        f"{format_amount(order.total, order.currency)} {order.currency}",
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


def _became(outcome: LineOutcome) -> str:
    parts = [
        f"{count} {what}"
        for count, what in ((outcome.fulfilled, "sent"), (outcome.cancelled, "cancelled"))
        if count
    ]
    return f"; {', '.join(parts)}" if parts else ""


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
                "fulfilled": order.outcome(line).fulfilled,
                "cancelled": order.outcome(line).cancelled,
            }
            for line in order.lines
        ],
        "fulfilments": order.fulfilments,
        "operator_note": order.operator_note,
        **asdict(order.details),
    }
