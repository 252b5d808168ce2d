"""Orders over HTTP (http-api, "Orders")."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta
from quart import Blueprint, Response, url_for

from service import metrics
from service.carts.api_types import (
    CART_TOKEN,
    IF_MATCH,
    CartMismatch,
    CartOutput,
    cart_output,
    read_condition,
    showing_mismatches,
)
from service.carts.session import cart_policy, current_cart_owner, remember_cart
from service.database import Connection, run
from service.errors import InvalidCursor, NotFound, TooManyAttempts
from service.http.endpoints import (
    Caller,
    Input,
    Metadata,
    Output,
    answer,
    operation,
)
from service.http.idempotency import Claim, KeyReused
from service.http.idempotency.once import KEY_HEADER, Once
from service.logins import presented_login
from service.metrics import outcome

from . import actions, keys
from .actions import Placed
from .api_types import AddressInput, ContactInput, OrderOutput, details_of, order_output
from .details import LONGEST_NOTE
from .keys import hash_key
from .model import (
    LARGEST_TOTAL,
    EmptyCart,
    NotCancellable,
    Order,
    OutOfStock,
    TotalChanged,
)
from .session import checkout_of, current_viewer, key_again, key_of, remember_order, scope_of

blueprint = Blueprint("orders", __name__)

ORDER_KEY = {keys.HEADER: "The key of a guest's order, which the answer to placing it had."}


class NewOrder(Input):
    """A checkout of the cart as the shopper saw it. A guest has to say `contact.email`."""

    expected_total: Annotated[
        int,
        Meta(ge=0, le=LARGEST_TOTAL, description="The cart's `total`, as shown.", examples=[4797]),
    ]
    contact: ContactInput | None = None
    shipping_address: AddressInput | None = None
    billing_address: AddressInput | None = None
    note: Annotated[str, Meta(max_length=LONGEST_NOTE)] = ""
    metadata: Metadata = msgspec.field(default_factory=dict)


class OrdersQuery(Input):
    """Which of one's orders."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    after: Annotated[str, Meta(max_length=64, description="`next` of the page before.")] = ""


class OrderListOutput(Output):
    """A page of orders, newest first; `next` is null on the last one."""

    orders: list[OrderOutput]
    next: str | None


class TotalMismatch(TotalChanged):
    """The cart as it is now comes with it."""

    extra: ClassVar[Mapping[str, Any]] = {"cart": CartOutput}


@blueprint.post("/orders")
@operation(
    Caller.ANYONE,
    body=NewOrder,
    answers={200: OrderOutput, 201: OrderOutput},
    errors=(EmptyCart, TotalMismatch, OutOfStock, CartMismatch, KeyReused, TooManyAttempts),
    headers={**KEY_HEADER, **CART_TOKEN, **IF_MATCH},
    sends=("Location",),
    checks_token_itself=True,
)
async def place_order(data: NewOrder) -> Response:
    """Order exactly the cart as it stands, if it costs what is expected.

    201 for a new order. 200 with the order that there is, for a cart that was ordered and has
    not changed since: then an answer was missed.

    A guest may order by an e-mail address alone, if the shop lets them. Their answer has a `key`.
    """
    owner, policy, condition = current_cart_owner(), cart_policy(), read_condition()
    details = details_of(
        data.contact, data.shipping_address, data.billing_address, data.note, data.metadata
    )
    checkout = checkout_of(data.expected_total, details)
    once = Once(data, guest=owner.key_scope, to_response=_show_placed, veil=KeyVeil())

    async def place(db: Connection, claim: Claim | None) -> Placed:
        try:
            return await actions.place(db, owner, policy, checkout, condition, claim)
        except actions.CartChanged as changed:
            raise TotalMismatch(changed.detail, cart=cart_output(changed.loaded)) from None

    with showing_mismatches(), outcome(metrics.orders, "repeated") as reached:
        placed, response = await once.run_claiming(place)
        if placed and placed.new:
            reached.name = "placed"
    if placed:
        remember_cart(placed.loaded)
    if response.status_code < HTTPStatus.BAD_REQUEST:
        # Of a repeat as well: its first answer may have been lost, and the order's number with it.
        body = await response.get_json()
        if "key" in body:
            remember_order(body["number"])
    return response


@blueprint.get("/orders")
@operation(
    Caller.SIGNED_IN,
    query=OrdersQuery,
    answers={200: OrderListOutput},
    errors=(InvalidCursor,),
    checks_token_itself=True,
)
async def list_orders(query: OrdersQuery) -> Response:
    """List one's own orders, newest first."""
    page = await run(
        actions.list_own, presented_login(), limit=query.limit, after=query.after or None
    )
    return answer(OrderListOutput([order_output(order) for order in page.orders], page.next))


@blueprint.get("/orders/<number>")
@operation(Caller.ANYONE, answers={200: OrderOutput}, errors=(NotFound,), headers=ORDER_KEY)
async def show_order(number: str) -> Response:
    """Show one of one's own orders, or a guest's to who has its key or placed it."""
    return _show(await run(actions.show, number, await current_viewer()))


@blueprint.post("/orders/<number>/cancel")
@operation(
    Caller.ANYONE,
    answers={200: OrderOutput},
    errors=(NotFound, NotCancellable, KeyReused),
    headers={**KEY_HEADER, **ORDER_KEY},
)
async def cancel_order(number: str) -> Response:
    """Cancel an order that has not been fulfilled; its stock is given back."""
    viewer = await current_viewer()
    once = Once(guest=scope_of(viewer, number), to_response=_show)
    _, response = await once.run(actions.cancel, number, viewer)
    return response


class KeyVeil:
    """Of a guest's answer the hash of the key is stored, from which a repeat has it again."""

    def hide(self, body: dict[str, Any]) -> dict[str, Any]:
        key = body.pop("key", None)
        return body if key is None else {**body, "key_hash": hash_key(key).hex()}

    def show(self, body: dict[str, Any]) -> dict[str, Any]:
        kept = body.pop("key_hash", None)
        key = key_again(body["number"], bytes.fromhex(kept)) if kept else None
        return body if key is None else {**body, "key": key}


def _show(order: Order) -> Response:
    return answer(order_output(order))


def _show_placed(placed: Placed) -> Response:
    order = placed.order
    return answer(
        order_output(order, key_of(order)),
        201 if placed.new else 200,
        Location=url_for("orders.show_order", number=order.number),
    )
