"""Orders for the browser that asks: what it may see, what it remembers, what it checks out with."""

from __future__ import annotations

from functools import partial
from typing import Annotated
from uuid import NAMESPACE_OID, UUID, uuid5

import msgspec
from msgspec import Meta
from quart import request
from quart_auth import current_user

from service.errors import Unauthenticated
from service.http.requests import request_source
from service.logins import current_account_id
from service.services import get_service
from service.sessions import read_as, read_section, write_section
from service.settings import Settings
from service.throttling import Throttle

from .actions import Checkout
from .details import Details
from .keys import HEADER, find_key, hash_key
from .model import Order, Viewer
from .numbers import read_number

MOST = 20
"""Orders of guests that a browser remembers, the newest."""


class _PlacedHere(msgspec.Struct):
    numbers: Annotated[list[Annotated[str, Meta(max_length=16)]], Meta(max_length=MOST)] = []


def checkout_of(expected_total: int, details: Details) -> Checkout:
    """Return what is to be ordered by this request."""
    settings = get_service(Settings)
    throttle = get_service(Throttle)
    return Checkout(
        expected_total,
        details,
        settings.guest_checkout,
        partial(throttle.new_order, request_source().ip),
        settings.secret_key,
        settings.low_stock,
    )


def may_order_as_guest() -> bool:
    """Return whether one may order without an account."""
    return get_service(Settings).guest_checkout


async def current_viewer() -> Viewer:
    """Return who asks for an order; raises `Unauthenticated` for whom there can be none."""
    key = request.headers.get(HEADER)
    signed_in = await current_user.is_authenticated
    placed = _placed_here()
    if not signed_in and key is None and not placed:
        raise Unauthenticated
    return Viewer(
        current_account_id() if signed_in else None, hash_key(key) if key else None, placed
    )


def scope_of(viewer: Viewer, number: str) -> UUID | None:
    """Return whose a guest's key of an idempotent request is: theirs who may see the order.

    Whoever may not has another, so no answer is given again to them.
    """
    if viewer.account_id is not None:
        return None
    placed_here = read_number(number) in viewer.placed
    return uuid5(NAMESPACE_OID, f"order {number} {placed_here} {(viewer.key_hash or b'').hex()}")


def remember_order(number: str) -> None:
    """Let this browser see a guest's order again."""
    placed = _placed_here()
    if number not in placed:
        write_section("orders", {"numbers": [number, *placed][:MOST]})


def key_of(order: Order) -> str | None:
    """Return the key of a guest's order, None where a secret key made it that is gone."""
    return None if order.key_hash is None else find_key(_secrets(), order.number, order.key_hash)


def key_again(number: str, key_hash: bytes) -> str | None:
    """Return the key as `key_of` does, of an order that is known by its number alone."""
    return find_key(_secrets(), number, key_hash)


def _secrets() -> tuple[str, ...]:
    settings = get_service(Settings)
    return (settings.secret_key, *settings.secret_key_fallbacks)


def _placed_here() -> tuple[str, ...]:
    stored = read_as(read_section("orders"), _PlacedHere)
    return tuple(stored.numbers) if stored else ()
