"""The cart over HTTP (http-api, "Cart")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, cast

from msgspec import Meta
from quart import Blueprint, current_app, request, session

from service.auth import claim
from service.database import run
from service.schemas import Caller, Input, answer, operation

from . import actions
from .model import InsufficientStock, Limits, LineLimit, QuantityLimit, UnknownSku
from .schema import CartOutput, cart_output
from .section import guest_cart, to_section

if TYPE_CHECKING:
    from quart import Response

    from service.settings import Settings

    from .actions import Condition, Opened, Visitor

blueprint = Blueprint("carts", __name__)

LARGEST_QUANTITY = 1_000_000
"""What a request may ask for at all; the setting `cart_max_quantity` is what it may get."""

ETAG = re.compile(r'\s*(?:"([0-9]{1,9})"|[^,]+)\s*')
IF_MATCH = {"If-Match": "The `ETag` of the cart that the change is meant for; else 412."}
REFUSALS = (UnknownSku, InsufficientStock, QuantityLimit, LineLimit)


class NewLine(Input):
    """Units to add to the cart."""

    sku: Annotated[str, Meta(min_length=1, max_length=128, examples=["TENT-2P-GREEN"])]
    quantity: Annotated[int, Meta(ge=1, le=LARGEST_QUANTITY)] = 1


class Quantity(Input):
    """How many units a line should have; 0 removes it."""

    quantity: Annotated[int, Meta(ge=0, le=LARGEST_QUANTITY)]


@blueprint.get("/cart")
@operation(Caller.ANYONE, answers={200: CartOutput})
async def show_cart() -> Response:
    """Show the cart.

    A guest who never added anything gets an empty one, and none is made.
    """
    who = visitor()
    return respond(await run(lambda db: actions.load(db, who)))


@blueprint.delete("/cart")
@operation(Caller.ANYONE, answers={200: CartOutput})
async def delete_cart() -> Response:
    """Empty the cart. It keeps its id, and its revision goes on."""
    who = visitor()
    return respond(await run(lambda db: actions.clear(db, who)))


@blueprint.post("/cart/lines")
@operation(
    Caller.ANYONE,
    body=NewLine,
    answers={200: CartOutput, 201: CartOutput},
    errors=REFUSALS,
)
async def post_line(data: NewLine) -> Response:
    """Add units to what is there, atomically.

    201 for a new line, 200 for a larger one.
    """
    who, limits = visitor(), _limits()
    opened, new = await run(lambda db: actions.add(db, who, data.sku, data.quantity, limits))
    return respond(opened, 201 if new else 200)


@blueprint.put("/cart/lines/<text:sku>")
@operation(
    Caller.ANYONE,
    body=Quantity,
    answers={200: CartOutput, 201: CartOutput},
    errors=(*REFUSALS, actions.Mismatch),
    headers=IF_MATCH,
)
async def put_line(sku: str, data: Quantity) -> Response:
    """Set the units of a line, which need not be there yet; 0 removes it."""
    who, limits, condition = visitor(), _limits(), _condition()
    try:
        opened, new = await run(
            lambda db: actions.set_quantity(db, who, sku, data.quantity, limits, condition)
        )
    except actions.Mismatch as mismatch:
        raise _with_cart(mismatch) from None
    return respond(opened, 201 if new else 200)


@blueprint.delete("/cart/lines/<text:sku>")
@operation(
    Caller.ANYONE,
    answers={200: CartOutput},
    errors=(UnknownSku, actions.Mismatch),
    headers=IF_MATCH,
)
async def delete_line(sku: str) -> Response:
    """Remove a line, also when it is gone already."""
    who, condition = visitor(), _condition()
    try:
        opened = await run(lambda db: actions.remove(db, who, sku, condition))
    except actions.Mismatch as mismatch:
        raise _with_cart(mismatch) from None
    return respond(opened)


def visitor() -> Visitor:
    """Return who asks; a browser's first look at its cart gives the cart its id.

    With an id from the start, the first adds of two tabs land in one cart.
    """
    if "cart" not in session:
        session["cart"] = to_section(actions.EMPTY)
    return actions.Visitor(claim(), guest_cart(session["cart"]))


def respond(opened: Opened, status: int = 200) -> Response:
    """Answer with the cart, and keep the session's copy in step."""
    keep(opened)
    cart = opened.cart
    return answer(cart_output(cart, _settings().currency), status, ETag=f'"{cart.revision}"')


def keep(opened: Opened) -> None:
    """Keep the session's cart section in step with the row."""
    if opened.cart.revision or opened.account_id:
        session["cart"] = to_section(opened)


def _settings() -> Settings:
    return cast("Settings", current_app.extensions["locker.settings"])


def _limits() -> Limits:
    settings = _settings()
    return Limits(settings.cart_max_quantity, settings.cart_max_lines)


def _condition() -> Condition | None:
    """Return what ``If-Match`` asks for (RFC 9110, 13.1.1); weak tags never match."""
    header = request.headers.get("If-Match")
    if header is None:
        return None
    if header.strip() == "*":
        return actions.Condition(None)
    return actions.Condition(frozenset(int(tag) for tag in ETAG.findall(header) if tag))


def _with_cart(mismatch: actions.Mismatch) -> actions.Mismatch:
    body: Any = cart_output(mismatch.cart, _settings().currency)
    mismatch.members["cart"] = body
    return mismatch
