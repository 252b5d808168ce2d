"""Orders over HTTP (http-api, "Orders")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta
from quart import Blueprint, Response, url_for

from service.carts import CartOwner, CartPolicy, Condition
from service.carts.api_types import (
    IF_MATCH,
    CartMismatch,
    CartOutput,
    cart_output,
    read_condition,
    showing_mismatches,
)
from service.carts.session import cart_policy, current_cart_owner, remember_cart
from service.database import Connection, run
from service.errors import InvalidCursor, NotFound
from service.http.endpoints import Amount, Caller, Input, Moment, Options, Output, answer, operation
from service.http.idempotency import KeyReused
from service.http.idempotency.once import KEY_HEADER, Once
from service.logins import current_account_id

from . import actions
from .actions import Placed
from .model import (
    LARGEST_TOTAL,
    EmptyCart,
    NotCancellable,
    Order,
    OrderStatus,
    OutOfStock,
    TotalChanged,
)

blueprint = Blueprint("orders", __name__)

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
    status: Annotated[OrderStatus, Meta(title="OrderStatus")]
    placed_at: Moment
    currency: str
    lines: list[OrderLineOutput]
    total: Amount


class OrderListOutput(Output):
    """A page of orders, newest first; `next` is null on the last one."""

    orders: list[OrderOutput]
    next: str | None


class TotalMismatch(TotalChanged):
    """The cart as it is now comes with it."""

    extra: ClassVar[Mapping[str, Any]] = {"cart": CartOutput}


@blueprint.post("/orders")
@operation(
    Caller.SIGNED_IN,
    body=NewOrder,
    answers={200: OrderOutput, 201: OrderOutput},
    errors=(EmptyCart, TotalMismatch, OutOfStock, CartMismatch, KeyReused),
    headers={**KEY_HEADER, **IF_MATCH},
    sends=("Location",),
)
async def place_order(data: NewOrder) -> Response:
    """Order exactly the cart as it stands, if it costs what is expected.

    201 for a new order. 200 with the order that there is, for a cart that was ordered and has
    not changed since: then an answer was missed.
    """
    owner, policy, condition = current_cart_owner(), cart_policy(), read_condition()
    once = Once(data, to_response=_show_placed)
    with showing_mismatches():
        placed, response = await once.run(_place, owner, policy, data.expected_total, condition)
    if placed:
        remember_cart(placed.loaded)
    return response


@blueprint.get("/orders")
@operation(
    Caller.SIGNED_IN, query=OrdersQuery, answers={200: OrderListOutput}, errors=(InvalidCursor,)
)
async def list_orders(query: OrdersQuery) -> Response:
    """List one's own orders, newest first."""
    page = await run(
        actions.history, current_account_id(), limit=query.limit, after=query.after or None
    )
    return answer(OrderListOutput([order_output(order) for order in page.orders], page.next))


@blueprint.get("/orders/<number>")
@operation(Caller.SIGNED_IN, answers={200: OrderOutput}, errors=(NotFound,))
async def show_order(number: str) -> Response:
    """Show one of one's own orders."""
    return _show(await run(actions.show, number, current_account_id()))


@blueprint.post("/orders/<number>/cancel")
@operation(
    Caller.SIGNED_IN,
    answers={200: OrderOutput},
    errors=(NotFound, NotCancellable, KeyReused),
    headers=KEY_HEADER,
)
async def cancel_order(number: str) -> Response:
    """Cancel an order that has not been fulfilled; its stock is given back."""
    _, response = await Once(to_response=_show).run(actions.cancel, number, current_account_id())
    return response


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


async def _place(
    db: Connection, owner: CartOwner, policy: CartPolicy, expected_total: int, condition: Condition
) -> Placed:
    try:
        return await actions.place(db, owner, policy, expected_total, condition)
    except actions.CartChanged as changed:
        raise TotalMismatch(changed.detail, cart=cart_output(changed.loaded)) from None


def _show(order: Order) -> Response:
    return answer(order_output(order))


def _show_placed(placed: Placed) -> Response:
    order = placed.order
    return answer(
        order_output(order),
        201 if placed.new else 200,
        Location=url_for("orders.show_order", number=order.number),
    )
