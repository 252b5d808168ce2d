"""The cart over HTTP (http-api, "Cart")."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast

from msgspec import Meta
from quart import Blueprint, current_app, request, session

from service import clock
from service.database import run
from service.errors import RevisionMismatch, TooManyAttempts
from service.http.endpoints import Caller, Input, answer, operation
from service.http.idempotency import KeyReused
from service.http.idempotency.once import KEY_HEADER, once
from service.http.middleware import current_settings
from service.http.requests import SAFE_METHODS, request_source
from service.logins import presented_login
from service.sessions import read_section, write_section

from . import actions
from .actions import Condition
from .model import Cart, InsufficientStock, Limits, LineLimit, QuantityLimit, UnknownSku
from .opening import Policy, Visitor
from .schema import CartOutput, cart_output
from .section import Remembered

if TYPE_CHECKING:
    from quart import Response

    from quart_locker import Session
    from service.throttling import Throttle

    from .opening import Opened

blueprint = Blueprint("carts", __name__)

LARGEST_QUANTITY = 1_000_000
"""What a request may ask for at all; the setting `cart_max_quantity` is what it may get."""

TAGS = re.compile(r'(W/)?"([^"]*)"')
IF_MATCH = {"If-Match": "The `ETag` of the cart that this is meant for; else 412."}
IF_NONE_MATCH = {"If-None-Match": "`*`: only if there is no such line yet; else 412."}
BEGINNINGS = frozenset({"catalogue", "carts", "accounts"})
"""Blueprints with which a visit may begin."""
REFUSALS = (UnknownSku, InsufficientStock, QuantityLimit, LineLimit)


class NewLine(Input):
    """Units to add to the cart."""

    sku: Annotated[str, Meta(min_length=1, max_length=128, examples=["TENT-2P-GREEN"])]
    quantity: Annotated[int, Meta(ge=1, le=LARGEST_QUANTITY)] = 1


class Quantity(Input):
    """How many units a line should have; 0 removes it."""

    quantity: Annotated[int, Meta(ge=0, le=LARGEST_QUANTITY)]


class Mismatch(RevisionMismatch):
    """The cart as it is now comes with it."""

    extra: ClassVar[Mapping[str, Any]] = {"cart": CartOutput}


@blueprint.get("/cart")
@operation(
    Caller.ANYONE,
    answers={200: CartOutput},
    sends=("ETag",),
    errors=(Mismatch,),
    headers=IF_MATCH,
    rides_along=True,
)
async def show_cart() -> Response:
    """Show the cart.

    A guest who never added anything gets an empty one, and none is made.
    """
    who, rules, condition = visitor(), policy(), read_condition()
    with showing_mismatches():
        return respond(await run(actions.load, who, rules, condition))


@blueprint.delete("/cart")
@operation(
    Caller.ANYONE,
    answers={200: CartOutput},
    sends=("ETag",),
    errors=(Mismatch,),
    headers=IF_MATCH,
    rides_along=True,
)
async def empty_cart() -> Response:
    """Empty the cart. It keeps its id, and its revision goes on."""
    who, rules, condition = visitor(), policy(), read_condition()
    with showing_mismatches():
        return respond(await run(actions.clear, who, rules, condition))


@blueprint.post("/cart/lines")
@operation(
    Caller.ANYONE,
    body=NewLine,
    answers={200: CartOutput, 201: CartOutput},
    sends=("ETag",),
    errors=(*REFUSALS, Mismatch, KeyReused, TooManyAttempts),
    headers={**KEY_HEADER, **IF_MATCH},
    rides_along=True,
)
async def add_to_cart(data: NewLine) -> Response:
    """Add units to what is there, atomically.

    201 for a new line, 200 for a larger one.
    """
    who, rules, condition = visitor(), policy(), read_condition()
    with showing_mismatches():
        return await once(
            lambda db: actions.add(db, who, data.sku, data.quantity, rules, condition),
            lambda added: _show(added[0], 201 if added[1] else 200),
            data=data,
            guest=who.remembered.own_cart,
            then=lambda added: keep(added[0]),
        )


@blueprint.put("/cart/lines/<text:sku>")
@operation(
    Caller.ANYONE,
    body=Quantity,
    answers={200: CartOutput, 201: CartOutput},
    sends=("ETag",),
    errors=(*REFUSALS, Mismatch, TooManyAttempts),
    headers={**IF_MATCH, **IF_NONE_MATCH},
    rides_along=True,
)
async def set_quantity(sku: str, data: Quantity) -> Response:
    """Set the units of a line, which need not be there yet; 0 removes it."""
    who, rules, condition = visitor(), policy(), read_condition()
    with showing_mismatches():
        opened, new = await run(actions.set_quantity, who, sku, data.quantity, rules, condition)
    return respond(opened, 201 if new else 200)


@blueprint.delete("/cart/lines/<text:sku>")
@operation(
    Caller.ANYONE,
    answers={200: CartOutput},
    sends=("ETag",),
    errors=(UnknownSku, Mismatch),
    headers=IF_MATCH,
    rides_along=True,
)
async def remove_from_cart(sku: str) -> Response:
    """Remove a line, also when it is gone already."""
    who, rules, condition = visitor(), policy(), read_condition()
    with showing_mismatches():
        return respond(await run(actions.remove, who, sku, rules, condition))


def visitor() -> Visitor:
    """Return who asks."""
    return Visitor(presented_login(), _recall(Remembered.read(read_section("cart"))))


def _recall(remembered: Remembered) -> Remembered:
    """Return what is remembered, for who asks now."""
    if remembered.promised and not presented_login() and _was_just_signed():
        # An answer from before the log out has come in after it, and put the account's copy back.
        return remembered.after_logout()
    return remembered


def _was_just_signed() -> bool:
    """Return whether the cart's cookie is too young for one that somebody saved and sends again."""
    signed = cast("Session", session).signed_at("cart")
    now = clock.now().timestamp()
    return signed is not None and now - signed < current_settings().cart_late


def respond(opened: Opened, status: int = 200) -> Response:
    """Answer with the cart, and keep the session's copy in step."""
    keep(opened)
    return _show(opened, status)


def keep(opened: Opened) -> None:
    """Keep the session's cart section in step with the row."""
    # A session that was saved before its browser logged out is no browser's of that cart.
    if not opened.leaving:
        write_section("cart", opened.remembered.write())


async def promise_cart(response: Response) -> Response:
    """Give a browser that has none the identity of its cart to come, with its first answer.

    First adds that are sent at once then land in one cart (http-api, "Cart").
    """
    asked = request.blueprint in BEGINNINGS and request.method != "OPTIONS"
    if asked and response.status_code < HTTPStatus.BAD_REQUEST:
        identify_cart()
    return response


def identify_cart() -> None:
    """See to it that this browser has the identity of a cart, if only of one to come."""
    visit = cast("Session", session)
    if visit.detached:
        return
    kept = visit.peek("cart")
    # A log out has just taken the login away, whose session may be one that somebody saved.
    is_read = request.method in SAFE_METHODS
    stored = Remembered.read(kept if isinstance(kept, dict) else {})
    remembered = _recall(stored) if is_read else stored
    # What was promised for after a login is nobody's without it.
    if remembered.guest_cart is None or (remembered.promised and not presented_login()):
        visit["cart"] = remembered.after(Cart(), None, closed=True).write()
    elif remembered is not stored:
        visit["cart"] = remembered.write()


def policy() -> Policy:
    """Return what the settings say about carts."""
    settings = current_settings()
    return Policy(
        Limits(settings.cart_max_quantity, settings.cart_max_lines),
        settings.cart_merge,
        timedelta(seconds=settings.cart_late),
        cast("Throttle", current_app.extensions["locker.throttle"]).new_cart(request_source().ip),
    )


def read_condition() -> Condition:
    """Return what the request's preconditions ask for (RFC 9110, 13.1).

    `operation` has refused those that the view doesn't name; a read ignores ``If-None-Match``,
    since prices and stock change without the tag.
    """
    match, none_match = _precondition("If-Match"), _precondition("If-None-Match")
    if request.method in SAFE_METHODS:
        none_match = None
    return Condition(
        tags=None if match in {None, "*"} else _tags(match, weak=False),
        exists=match == "*",
        others=frozenset() if none_match in {None, "*"} else _tags(none_match, weak=True),
        absent=none_match == "*",
    )


def _precondition(name: str) -> str | None:
    # A list may come in several lines (RFC 9110, 5.3).
    lines = request.headers.getlist(name)
    return ", ".join(lines).strip() if lines else None


def _tags(header: str, *, weak: bool) -> frozenset[str]:
    """Return the tags of a list; a weak one never matches where a change depends on it."""
    return frozenset(tag for prefix, tag in TAGS.findall(header) if weak or not prefix)


@contextmanager
def showing_mismatches() -> Iterator[None]:
    """Answer a condition that isn't met with the cart as it is now."""
    try:
        yield
    except actions.Mismatch as mismatch:
        raise Mismatch(mismatch.detail, cart=to_output(mismatch.opened)) from None


def _show(opened: Opened, status: int) -> Response:
    # Compressing on the way would make a weak tag of the strong one (RFC 9110, 8.8.3.3).
    return answer(
        to_output(opened),
        status,
        ETag=f'"{opened.tag}"',
        Cache_Control="no-store, no-transform",
    )


def to_output(opened: Opened) -> CartOutput:
    """Return the cart for the API."""
    return cart_output(opened, current_settings().currency)
