"""Orders behind the counter, as pages."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, get_args
from urllib.parse import urlencode

import msgspec
from msgspec import Meta
from quart import Blueprint, Response
from werkzeug.wrappers import Response as WerkzeugResponse

from service import clock
from service.database import Connection, run
from service.errors import FieldError, Invalid, InvalidCursor, LockerError
from service.http.endpoints import Caller, Input
from service.http.operators import current_operator
from service.pages import SentForm, back, field_errors, flash, page, receive_form, render

from . import actions, admin, admin_queries
from .admin import OrderChanged
from .countries import address_lines
from .details import LONGEST_NOTE
from .model import (
    LONGEST_TRACKING,
    MOST_UNITS,
    NotCancellable,
    NotFulfillable,
    Order,
    OrderPage,
    OrderStatus,
    units_left,
)
from .numbers import read_number

blueprint = Blueprint("orders_admin_pages", __name__)

STATUSES: tuple[OrderStatus, ...] = get_args(OrderStatus)

PARTS = ("fulfil", "cancel", "note")
"""Of an order's page, by the forms that they are."""

SHOWN = 50
"""Orders of each list of the day."""


class OrderSearchQuery(msgspec.Struct, frozen=True):
    """What is looked for, and where the list goes on."""

    q: Annotated[str, Meta(max_length=200)] = ""
    sku: Annotated[str, Meta(max_length=128)] = ""
    status: Annotated[str, Meta(max_length=32)] = ""
    after: Annotated[str, Meta(max_length=64)] = ""


class StateForm(Input):
    """The state of the order that a form was meant for."""

    etag: Annotated[str, Meta(max_length=64)]


class FulfilmentForm(StateForm):
    """What is sent: as many of each SKU as were entered."""

    units: dict[str, str]
    tracking: Annotated[str, Meta(max_length=LONGEST_TRACKING)] = ""


class NoteForm(StateForm):
    """What operators say of it."""

    note: Annotated[str, Meta(max_length=LONGEST_NOTE)] = ""


@blueprint.get("")
@page(Caller.OPERATOR)
async def show_today() -> Response:
    """Show what came in, and what is to be sent."""
    to_send, came_in = await run(_select_day)
    return await render("orders/today.html", to_send=to_send, came_in=came_in)


@blueprint.get("/orders")
@page(Caller.OPERATOR, query=OrderSearchQuery)
async def show_found_orders(query: OrderSearchQuery) -> Response | WerkzeugResponse:
    """Find orders, newest first; one that is named by its number is shown at once."""
    try:
        found = await run(
            admin.search,
            query.q,
            after=query.after or None,
            sku=query.sku.strip() or None,
            status=query.status if query.status in STATUSES else None,
        )
    except InvalidCursor:
        # The cursor comes from an old link, or from half of one.
        return back("/admin/orders")
    if len(found.orders) == 1 and read_number(query.q) == found.orders[0].number:
        return back(f"/admin/orders/{found.orders[0].number}")
    wanted = {name: text for name in ("q", "sku", "status") if (text := getattr(query, name))}
    return await render(
        "orders/found.html",
        found=found,
        wanted=wanted,
        statuses=STATUSES,
        begin=not query.after,
        following=urlencode({**wanted, "after": found.next or ""}),
    )


@blueprint.get("/orders/<number>")
@page(Caller.OPERATOR)
async def show_any_order(number: str) -> Response:
    """Show an order, whosoever it is."""
    return await _show(await run(actions.show, number))


@blueprint.get("/orders/<number>/slip")
@page(Caller.OPERATOR)
async def show_slip(number: str) -> Response:
    """Show what goes into the parcel, to be printed: what is left, or what was sent last."""
    order = await run(actions.show, number)
    packed: Counter[str] = Counter()
    for line in order.lines:
        packed[line.sku] += order.outcome(line).left
    if not packed.total() and order.fulfilments:
        packed = Counter({line.sku: line.quantity for line in order.fulfilments[-1].lines})
    lines = []
    for line in order.lines:
        quantity = min(packed[line.sku], line.quantity)
        packed[line.sku] -= quantity
        if quantity:
            lines.append((line, quantity))
    address = order.details.shipping_address
    return await render(
        "orders/slip.html",
        order=order,
        packed=lines,
        address=address_lines(address) if address else [],
    )


@blueprint.post("/orders/<number>/fulfil")
@page(Caller.OPERATOR)
async def post_fulfil(number: str) -> Response | WerkzeugResponse:
    """Note what was sent."""
    operator, form = await current_operator(), await receive_form()
    try:
        data = form.read(FulfilmentForm, groups=("units",))
        units = _read_units(data.units)
        order = await run(admin.fulfil, number, operator, units, data.tracking.strip(), {data.etag})
    except (Invalid, OrderChanged, NotFulfillable) as error:
        return await _show(await _order_now(number, error), "fulfil", form, error)
    left = units_left(order)
    flash(f"Sent. Left to be sent: {left}." if left else "Sent, all that was left of it.")
    return back(f"/admin/orders/{order.number}")


@blueprint.post("/orders/<number>/cancel")
@page(Caller.OPERATOR)
async def post_cancel_rest(number: str) -> Response | WerkzeugResponse:
    """Cancel what isn't sent, and give its stock back."""
    operator, form = await current_operator(), await receive_form()
    try:
        data = form.read(StateForm)
        order = await run(admin.cancel, number, operator, {data.etag})
    except (Invalid, OrderChanged, NotCancellable) as error:
        return await _show(await _order_now(number, error), "cancel", form, error)
    flash("Cancelled what wasn't sent. Its stock is back on the shelf.")
    return back(f"/admin/orders/{order.number}")


@blueprint.post("/orders/<number>/note")
@page(Caller.OPERATOR)
async def post_note(number: str) -> Response | WerkzeugResponse:
    """Keep a note with the order."""
    operator, form = await current_operator(), await receive_form()
    try:
        data = form.read(NoteForm)
        order = await run(admin.note, number, operator, data.note.strip(), {data.etag})
    except (Invalid, OrderChanged) as error:
        return await _show(await _order_now(number, error), "note", form, error)
    flash("The note is kept.")
    return back(f"/admin/orders/{order.number}")


async def _order_now(number: str, error: LockerError) -> Order:
    return error.order if isinstance(error, OrderChanged) else await run(actions.show, number)


def _read_units(entered: dict[str, str]) -> Counter[str]:
    """Return what was entered as units by SKU; raises `Invalid` with every field that is none."""
    errors: list[FieldError] = []
    units: Counter[str] = Counter()
    for sku, text in entered.items():
        if text.isascii() and text.isdigit() and len(text) < len(str(MOST_UNITS)):
            units[sku] = int(text)
        else:
            errors.append(
                {"field": f"units.{sku}", "message": "Use a whole number.", "code": "invalid"}
            )
    if errors:
        raise Invalid.of(errors)
    return units


async def _show(
    order: Order, part: str = "", form: SentForm | None = None, error: LockerError | None = None
) -> Response:
    errors = field_errors(error) if error else {}
    match error:
        case NotFulfillable():
            short = error.members["lines"]
            errors = {f"units.{each['sku']}": f"Only {each['left']} left." for each in short}
            errors = errors or {"": "Say how many of which are sent."}
        case NotCancellable():
            errors = {"": "Nothing of it is left to be cancelled."}
        case OrderChanged():
            errors = {"": "The order has changed meanwhile. This is how it is now: please look."}
    left: dict[str, tuple[str, int]] = {}
    for line in order.lines:
        title, count = left.get(line.sku, (line.title, 0))
        left[line.sku] = title, count + order.outcome(line).left
    left = {sku: each for sku, each in left.items() if each[1]}
    fields = [*(f"units.{sku}" for sku in left), "tracking", "note"]
    details = order.details
    return await render(
        "orders/any_order.html",
        error.status if error else 200,
        order=order,
        left=left,
        fields=fields,
        errors={each: errors if each == part else {} for each in PARTS},
        focus=next((name for name in fields if name in errors), ""),
        values=form.entered if form and not isinstance(error, OrderChanged) else {},
        addresses={
            title: address_lines(address)
            for title, address in (
                ("Goes to", details.shipping_address),
                ("Billed to", details.billing_address),
            )
            if address
        },
    )


async def _select_day(db: Connection) -> tuple[list[Order], OrderPage]:
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return (
        await admin_queries.select_to_send(db, SHOWN),
        await actions.history(db, since=midnight, limit=SHOWN),
    )
