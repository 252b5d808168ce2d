"""The cart over HTTP (http-api, "Cart")."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from service.catalogue import SKU_LENGTH
from service.database import run
from service.errors import TooManyAttempts
from service.http.endpoints import Caller, Input, Metadata, Output, answer, operation
from service.http.idempotency import KeyReused
from service.http.idempotency.once import KEY_HEADER, Once

from . import actions
from .actions import CartChange
from .api_types import (
    CART_TOKEN,
    IF_MATCH,
    IF_NONE_MATCH,
    LARGEST_QUANTITY,
    CartMismatch,
    CartOutput,
    LineQuery,
    cart_output,
    read_condition,
    showing_mismatches,
)
from .loading import LoadedCart
from .model import CHOOSING_REFUSALS, REFUSALS, MetadataLimit, UnknownSku, read_metadata
from .session import cart_policy, current_cart_owner, remember_cart

blueprint = Blueprint("carts", __name__)


class NewLine(Input):
    """Units to add to the cart; with `metadata` to the line that has the same."""

    sku: Annotated[str, Meta(min_length=1, max_length=SKU_LENGTH, examples=["TENT-2P-GREEN"])]
    quantity: Annotated[int, Meta(ge=1, le=LARGEST_QUANTITY)] = 1
    metadata: Metadata = msgspec.field(default_factory=dict)


class Quantity(Input):
    """How many units a line should have; 0 removes it."""

    quantity: Annotated[int, Meta(ge=0, le=LARGEST_QUANTITY)]


class NewCartOutput(Output):
    """A guest's cart without cookies, with its token, which is not shown again."""

    cart: CartOutput
    token: str


@blueprint.post("/carts")
@operation(Caller.ANYONE, answers={201: NewCartOutput}, errors=(TooManyAttempts,), tokens=False)
async def create_cart() -> Response:
    """Make a guest's cart for an app that keeps no cookies.

    Send the token as `Locker-Cart` with all that is about the cart. It ends when the cart joins an
    account's, with a log in or a registration that has it beside them.
    """
    made = await run(actions.create, cart_policy())
    return answer(
        NewCartOutput(cart_output(made.loaded), made.token), 201, Cache_Control="no-store"
    )


@blueprint.get("/cart")
@operation(
    Caller.ANYONE,
    answers={200: CartOutput},
    sends=("ETag",),
    errors=(CartMismatch,),
    headers={**CART_TOKEN, **IF_MATCH},
    checks_token_itself=True,
)
async def show_cart() -> Response:
    """Show the cart.

    A guest who never added anything gets an empty one, and none is made.
    """
    owner, policy, condition = current_cart_owner(), cart_policy(), read_condition()
    with showing_mismatches():
        return respond(await run(actions.load, owner, policy, condition))


@blueprint.delete("/cart")
@operation(
    Caller.ANYONE,
    answers={200: CartOutput},
    sends=("ETag",),
    errors=(CartMismatch,),
    headers={**CART_TOKEN, **IF_MATCH},
    checks_token_itself=True,
)
async def empty_cart() -> Response:
    """Empty the cart. It keeps its id, and its revision goes on."""
    owner, policy, condition = current_cart_owner(), cart_policy(), read_condition()
    with showing_mismatches():
        return respond(await run(actions.clear, owner, policy, condition))


@blueprint.post("/cart/lines")
@operation(
    Caller.ANYONE,
    body=NewLine,
    answers={200: CartOutput, 201: CartOutput},
    sends=("ETag",),
    errors=(*REFUSALS, MetadataLimit, CartMismatch, KeyReused, TooManyAttempts),
    headers={**KEY_HEADER, **CART_TOKEN, **IF_MATCH},
    checks_token_itself=True,
)
async def add_to_cart(data: NewLine) -> Response:
    """Add units to what is there, atomically.

    201 for a new line, 200 for a larger one.
    """
    owner, policy, condition = current_cart_owner(), cart_policy(), read_condition()
    with showing_mismatches():
        once = Once(data, guest=owner.key_scope, to_response=_show_change)
        added, response = await once.run(
            actions.add,
            owner,
            data.sku,
            data.quantity,
            policy,
            condition,
            read_metadata(data.metadata),
        )
    if added:
        remember_cart(added.loaded)
    return response


@blueprint.put("/cart/lines/<text:sku>")
@operation(
    Caller.ANYONE,
    body=Quantity,
    query=LineQuery,
    answers={200: CartOutput, 201: CartOutput},
    sends=("ETag",),
    errors=(*REFUSALS, *CHOOSING_REFUSALS, CartMismatch, TooManyAttempts),
    headers={**CART_TOKEN, **IF_MATCH, **IF_NONE_MATCH},
    checks_token_itself=True,
)
async def set_quantity(sku: str, data: Quantity, query: LineQuery) -> Response:
    """Set the units of a line, which need not be there yet; 0 removes it.

    `line` says which, where the cart has several of the variant.
    """
    owner, policy, condition = current_cart_owner(), cart_policy(), read_condition()
    with showing_mismatches():
        change = await run(
            actions.set_quantity, owner, sku, data.quantity, policy, condition, query.line
        )
    remember_cart(change.loaded)
    return _show_change(change)


@blueprint.delete("/cart/lines/<text:sku>")
@operation(
    Caller.ANYONE,
    query=LineQuery,
    answers={200: CartOutput},
    sends=("ETag",),
    errors=(UnknownSku, *CHOOSING_REFUSALS, CartMismatch),
    headers={**CART_TOKEN, **IF_MATCH},
    checks_token_itself=True,
)
async def remove_from_cart(sku: str, query: LineQuery) -> Response:
    """Remove a line, also when it is gone already.

    `line` says which, where the cart has several of the variant.
    """
    owner, policy, condition = current_cart_owner(), cart_policy(), read_condition()
    with showing_mismatches():
        return respond(await run(actions.remove, owner, sku, policy, condition, query.line))


def respond(loaded: LoadedCart, status: int = 200) -> Response:
    """Answer with the cart, and keep the session's snapshot in step."""
    remember_cart(loaded)
    return _show(loaded, status)


def _show_change(change: CartChange) -> Response:
    return _show(change.loaded, 201 if change.is_new_line else 200)


def _show(loaded: LoadedCart, status: int) -> Response:
    body = cart_output(loaded)
    # Compressing on the way would make a weak tag of the strong one (RFC 9110, 8.8.3.3).
    return answer(body, status, ETag=body.etag, Cache_Control="no-store, no-transform")
