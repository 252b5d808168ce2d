"""Orders over HTTP (http-api, "Orders")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta
from quart import Blueprint, url_for

from service.carts.api import (
    IF_MATCH,
    Mismatch,
    keep,
    policy,
    read_condition,
    showing_mismatches,
    to_output,
    visitor,
)
from service.carts.schema import CartOutput
from service.database import run
from service.errors import NotFound
from service.http.endpoints import Caller, Input, Moment, Options, Output, answer, operation
from service.http.idempotency import KeyReused
from service.http.idempotency.once import KEY_HEADER, once
from service.logins import current_account_id

from . import actions, model
from .model import EmptyCart, InvalidCursor, NotCancellable, OutOfStock, Status

if TYPE_CHECKING:
    from quart import Response

    from service.database import Connection

    from .actions import Placed
    from .model import Order

blueprint = Blueprint("orders", __name__)

LARGEST_TOTAL = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 8259, section 6)."""

Amount = Annotated[int, Meta(ge=0, description="In the currency's minor unit.")]
Number = Annotated[str, Meta(examples=["K7RX-3MD3"])]


class NewOrder(Input):
    """A checkout of the cart as the shopper saw it."""

    expected_total: Annotated[
        int,
        Meta(ge=0, le=LARGEST_TOTAL, description="The cart's `total`, as shown.", examples=[4797]),
    ]


class OrdersQuery(Input):
    """Which of one's orders."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    after: Annotated[str, Meta(max_length=64, description="`next` of the page before.")] = ""


class OrderLineOutput(Output):
    """What was bought of a variant, by the name and at the price of then."""

    sku: str
    title: str
    options: Options
    quantity: Annotated[int, Meta(ge=1)]
    unit_price: Amount
    line_total: Amount


class OrderOutput(Output):
    """An order. `number` is for people: no two of its characters look alike."""

    number: Number
    status: Annotated[Status, Meta(title="OrderStatus")]
    placed_at: Moment
    currency: str
    lines: list[OrderLineOutput]
    total: Amount


class OrderListOutput(Output):
    """A page of orders, newest first; `next` is null on the last one."""

    orders: list[OrderOutput]
    next: str | None


class TotalChanged(model.TotalChanged):
    """The cart as it is now comes with it."""

    extra: ClassVar[Mapping[str, Any]] = {"cart": CartOutput}


@blueprint.post("/orders")
@operation(
    Caller.SIGNED_IN,
    body=NewOrder,
    answers={200: OrderOutput, 201: OrderOutput},
    errors=(EmptyCart, TotalChanged, OutOfStock, Mismatch, KeyReused),
    headers={**KEY_HEADER, **IF_MATCH},
    sends=("Location",),
)
async def place_order(data: NewOrder) -> Response:
    """Order exactly the cart as it stands, if it costs what is expected.

    201 for a new order. 200 with the order that there is, for a cart that was ordered and has
    not changed since: then an answer was missed.
    """
    who, rules, condition = visitor(), policy(), read_condition()

    async def place(db: Connection) -> Placed:
        try:
            return await actions.place(db, who, rules, data.expected_total, condition)
        except actions.CartChanged as changed:
            cart = to_output(changed.opened)
            raise TotalChanged(changed.detail, cart=cart) from None

    with showing_mismatches():
        return await once(place, _respond, data=data, then=lambda placed: keep(placed.opened))


@blueprint.get("/orders")
@operation(
    Caller.SIGNED_IN, query=OrdersQuery, answers={200: OrderListOutput}, errors=(InvalidCursor,)
)
async def list_orders(query: OrdersQuery) -> Response:
    """List one's own orders, newest first."""
    owner = current_account_id()
    page = await run(actions.history, owner, limit=query.limit, after=query.after or None)
    return answer(OrderListOutput([order_output(order) for order in page.orders], page.next))


@blueprint.get("/orders/<number>")
@operation(Caller.SIGNED_IN, answers={200: OrderOutput}, errors=(NotFound,))
async def show_order(number: str) -> Response:
    """Show one of one's own orders."""
    owner = current_account_id()
    return answer(order_output(await run(actions.show, number, owner)))


@blueprint.post("/orders/<number>/cancel")
@operation(
    Caller.SIGNED_IN,
    answers={200: OrderOutput},
    errors=(NotFound, NotCancellable, KeyReused),
    headers=KEY_HEADER,
)
async def cancel_order(number: str) -> Response:
    """Cancel an order that has not been fulfilled; its stock is given back."""
    owner = current_account_id()
    return await once(
        lambda db: actions.cancel(db, number, owner), lambda order: answer(order_output(order))
    )


def order_output(order: Order) -> OrderOutput:
    """Return the order for the API."""
    return OrderOutput(
        number=order.number,
        status=order.status,
        placed_at=order.placed_at,
        currency=order.currency,
        lines=[
            OrderLineOutput(
                sku=line.sku,
                title=line.title,
                options=dict(line.options),
                quantity=line.quantity,
                unit_price=line.unit_price,
                line_total=line.total,
            )
            for line in order.lines
        ],
        total=order.total,
    )


def _respond(placed: Placed) -> Response:
    order = placed.order
    return answer(
        order_output(order),
        201 if placed.new else 200,
        Location=url_for("orders.show_order", number=order.number),
    )
