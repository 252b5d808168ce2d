"""The cart of the browser that asks: whose it is, and what the browser's session keeps of it."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import cast

from quart import Response, g, request, session

from quart_locker import Session
from service import clock
from service.errors import Invalid
from service.http.requests import SAFE_METHODS, current_request
from service.logins import presented_login
from service.services import get_service
from service.sessions import CART_HEADER, TokenRequest, write_section
from service.settings import Settings
from service.throttling import Attempt, Throttle

from .cookie import CartCookie
from .loading import CartOwner, CartPolicy, LoadedCart
from .model import Cart, Limits
from .tokens import CartToken

BEGINNINGS = frozenset({"catalogue", "carts", "accounts"})
"""Blueprints whose answers may be the first that a browser gets."""


def current_cart_owner() -> CartOwner:
    """Return who asks: the login that is presented, what the browser remembers, a cart's token.

    Raises `Unauthenticated` for what can't be a token, `Invalid` for two of them.
    """
    received = cast("TokenRequest", request)
    text = received.cart_token
    token = CartToken.read(text) if text is not None else None
    if token and received.bearer_token is not None:
        raise Invalid(CART_HEADER, "Send this or Authorization, not both.")
    return CartOwner(presented_login(), _hide_if_late(_read_cookie(session.get("cart"))), token)


def cart_policy() -> CartPolicy:
    """Return what the settings say about carts."""
    settings = get_service(Settings)
    return CartPolicy(
        Limits(settings.cart_max_quantity, settings.cart_max_lines),
        settings.cart_merge,
        timedelta(seconds=settings.merge_window),
        _attempt_new_cart,
    )


def _attempt_new_cart() -> Attempt | None:
    return get_service(Throttle).new_cart(request.remote_addr or "")


def merge_window() -> timedelta:
    """Return how long after a login what is added to the guest's cart still follows it."""
    return timedelta(seconds=get_service(Settings).merge_window)


def remember_cart(loaded: LoadedCart) -> None:
    """Keep the session's cart section in step with the row."""
    # A session that was saved before its browser logged out must not come to have the cart.
    if not loaded.leaving:
        section = loaded.cookie.write()
        write_section("cart", section)
        g.cart_cookie = (section, loaded.cookie)


def forget_account_cart() -> None:
    """Leave the account's cart with the account, and this browser the guest's cart to come."""
    write_section("cart", current_cart_owner().cookie.after_logout().write())


async def promise_cart(response: Response) -> Response:
    """Give a browser that has none the identity of its cart to come, with its first answer.

    First adds that are sent at once then land in one cart (http-api, "Cart").
    """
    received = current_request()
    asked = (
        received.blueprint in BEGINNINGS
        and received.method != "OPTIONS"
        and received.endpoint != "carts.create_cart"
    )
    if asked and response.status_code < HTTPStatus.BAD_REQUEST:
        ensure_guest_cart()
    return response


def ensure_guest_cart() -> None:
    """See to it that this browser has the identity of a cart, if only of one to come."""
    sections = cast("Session", session)
    if sections.detached:
        return
    stored = _read_cookie(sections.peek("cart"))
    # A log out has just taken the login away, whose session may be one that somebody saved.
    is_read = request.method in SAFE_METHODS
    cookie = _hide_if_late(stored) if is_read else stored
    # A cart that is promised for after a login belongs to nobody without that login.
    if cookie.guest_cart_id is None or (cookie.promised and not presented_login()):
        sections["cart"] = cookie.updated(Cart(), None, closed=True).write()
    elif cookie is not stored:
        sections["cart"] = cookie.write()


def _read_cookie(section: object) -> CartCookie:
    """Return what the cart's section says; it is read once for as long as it is the same."""
    kept: tuple[object, CartCookie] | None = g.get("cart_cookie")
    if kept is None or kept[0] is not section:
        cookie = CartCookie.read(section if isinstance(section, dict) else {})
        kept = g.cart_cookie = (section, cookie)
    return kept[1]


def _hide_if_late(cookie: CartCookie) -> CartCookie:
    """Return the cookie without the account's cart if an answer that came in late put it back."""
    if cookie.promised and not presented_login() and _was_just_signed():
        # An answer from before the log out came in after it, and put the account's cart back.
        return cookie.after_logout()
    return cookie


def _was_just_signed() -> bool:
    """Return whether the cart's cookie is too young for one that somebody saved and sends again."""
    signed = cast("Session", session).signed_at("cart")
    return (
        signed is not None and clock.now().timestamp() - signed < get_service(Settings).merge_window
    )
