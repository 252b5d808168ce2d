"""The checkout, as a page: for whom, where to, and what is ordered.

It has one form, which comes back as it was filled in whatever is wrong. Another country asks for
other parts of an address: with JavaScript htmx brings them in place, by the same form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response, request
from quart_auth import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from service import metrics
from service.accounts.session import find_account
from service.carts import load
from service.carts.session import cart_policy, current_cart_owner, remember_cart
from service.database import run
from service.errors import FieldError, Invalid, LockerError, TooManyAttempts, Unauthenticated
from service.http.endpoints import Input
from service.logins import current_account_id
from service.metrics import outcome
from service.pages import (
    SentForm,
    back,
    current_page_context,
    field_errors,
    flash,
    page,
    receive_form,
    render,
)

from . import actions
from .actions import Checkout
from .api_types import AddressInput, ContactInput, details_of
from .countries import AUTOCOMPLETE, Part, address_parts, countries
from .details import LONGEST_NOTE
from .model import LARGEST_TOTAL, EmptyCart, OutOfStock
from .session import checkout_of, may_order_as_guest, remember_order

blueprint = Blueprint("checkout_pages", __name__)

GROUPS = ("contact", "shipping_address", "billing_address")
PROBLEMS: dict[type[LockerError], str] = {
    actions.CartChanged: "Your cart has changed meanwhile. Please look at it once more.",
    OutOfStock: "Some of it is no longer there. Nothing was ordered.",
    TooManyAttempts: "Too much was ordered from your network. Please try again later.",
}


class CheckoutQuery(msgspec.Struct, frozen=True):
    """Whether one orders without an account."""

    guest: bool = False


class AddressForm(AddressInput):
    """An address as the form has it: its country may be yet to choose."""

    country: Annotated[str, Meta(max_length=2)] = ""


class CheckoutForm(Input):
    """What the shopper saw and agrees to pay, for whom it is and where it goes."""

    expected_total: Annotated[int, Meta(ge=0, le=LARGEST_TOTAL)]
    contact: ContactInput
    shipping_address: AddressForm
    billing_address: AddressForm
    other_billing: bool = False
    note: Annotated[str, Meta(max_length=LONGEST_NOTE)] = ""
    guest: bool = False


@blueprint.get("/checkout")
@page(query=CheckoutQuery)
async def show_checkout(query: CheckoutQuery) -> Response | WerkzeugResponse:
    """Show what is about to be ordered, and what has changed since it was put in the cart.

    Who has no account yet is asked first whether to order without.
    """
    guest = await _is_guest(asked=query.guest)
    values = {} if guest else await _said_before()
    country = values.setdefault("shipping_address.country", await _likely_country())
    values.setdefault("billing_address.country", country)
    return await _show(values, guest=guest)


@blueprint.post("/checkout")
@page()
async def post_checkout() -> Response | WerkzeugResponse:
    """Order the cart as it was shown; sent twice, it is ordered once."""
    sent = await receive_form()
    # A line break is one character where it is typed, and two where it is sent.
    form = SentForm(sent.raw.replace(b"%0D%0A", b"%0A"))
    values = form.entered
    try:
        guest = await _is_guest(asked=values.get("guest") == "true")
    except Unauthenticated:
        return back("/login?next=/checkout")
    if "refresh" in values:
        return await _show(values, guest=guest, refreshed=True)
    try:
        checkout = _read(form, guest=guest)
        with outcome(metrics.orders, "repeated") as reached:
            placed = await run(actions.place, current_cart_owner(), cart_policy(), checkout)
            if placed.new:
                reached.name = "placed"
    except EmptyCart:
        return back("/cart")
    except (Invalid, actions.CartChanged, OutOfStock, TooManyAttempts) as error:
        return await _show(values, guest=guest, error=error)
    remember_cart(placed.loaded)
    if guest:
        remember_order(placed.order.number)
    if placed.new:
        flash("Thank you! Your order is placed.")
    return back(f"/orders/{placed.order.number}")


async def _is_guest(*, asked: bool) -> bool:
    """Return whether this is an order without an account; raises `Unauthenticated`."""
    if await current_user.is_authenticated:
        return False
    if not asked or not may_order_as_guest():
        raise Unauthenticated
    return True


async def _show(
    values: dict[str, str],
    *,
    guest: bool,
    error: LockerError | None = None,
    refreshed: bool = False,
) -> Response | WerkzeugResponse:
    """Show the page, with the form as it was filled in."""
    loaded = await run(load, current_cart_owner(), cart_policy())
    remember_cart(loaded)
    if not loaded.cart.lines and not refreshed:
        return back("/cart")
    errors = field_errors(error) if error else {}
    parts = {where: address_parts(values.get(f"{where}.country", "")) for where in GROUPS[1:]}
    fields = _fields(parts)
    notices = loaded.cart.notices
    response = await render(
        "orders/checkout.html",
        error.status if error else 200,
        account=None if guest else await find_account(),
        guest=guest,
        cart=loaded.cart,
        notices=notices,
        changed=[line for line in loaded.cart.lines if line.key in notices],
        blocked=not {"unavailable", "insufficient_stock"}.isdisjoint(notices.values()),
        values=values,
        parts=parts,
        countries=countries(),
        errors=errors,
        fields=fields,
        focus=next((field for field in fields if field in errors), ""),
        problem=PROBLEMS.get(type(error), "") if error else "",
    )
    if error and error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _fields(parts: Mapping[str, tuple[Part, ...]]) -> list[str]:
    """Return the names of the form's fields as they follow each other."""
    contact, *addresses = GROUPS
    fields = [f"{contact}.{name}" for name in ("email", "name", "phone")]
    for where in addresses:
        fields += [f"{where}.country", f"{where}.name"]
        fields += [f"{where}.{part.name}" for part in parts[where]]
    return [*fields, "note"]


def _read(form: SentForm, *, guest: bool) -> Checkout:
    """Return what is to be ordered; raises `Invalid` with all that is wrong."""
    data = form.read(CheckoutForm, GROUPS)
    contact = data.contact
    needed = {"contact.name": contact.name}
    if guest:
        needed["contact.email"] = contact.email
    errors: list[FieldError] = [
        {"field": name, "message": "This is needed.", "code": "required"}
        for name, text in needed.items()
        if not text
    ]
    # Who orders is who it goes to, unless somebody else is named.
    shipping = _written(data.shipping_address, contact.name or "?")
    billing = _written(data.billing_address, contact.name or "?") if data.other_billing else None
    try:
        details = details_of(contact, shipping, billing, data.note, {})
    except Invalid as error:
        raise Invalid.of([*errors, *error.errors]) from None
    if errors:
        raise Invalid.of(errors)
    return checkout_of(data.expected_total, details)


def _written(address: AddressInput, name: str) -> AddressInput:
    """Return the address with its name, and without what its country doesn't write.

    The form keeps that, so that it is there again where one changes the country back.
    """
    unwritten = {*AUTOCOMPLETE} - {part.name for part in address_parts(address.country)}
    return msgspec.structs.replace(
        address, name=address.name or name, **dict.fromkeys(unwritten, "")
    )


async def _said_before() -> dict[str, str]:
    """Return what an account's owner need not type again: as it was in the last order."""
    account = await find_account()
    values = {"contact.email": account.email}
    last = (await run(actions.history, current_account_id(), limit=1)).orders
    if not last:
        return values
    said = last[0].details
    for where, part in (
        ("contact", said.contact),
        ("shipping_address", said.shipping_address),
        ("billing_address", said.billing_address),
    ):
        if part:
            values |= {f"{where}.{name}": text for name, text in asdict(part).items() if text}
    if said.billing_address:
        values["other_billing"] = "true"
    name = values.get("contact.name")
    for where in GROUPS[1:]:
        if name and values.get(f"{where}.name") == name:
            del values[f"{where}.name"]
    return {**values, "contact.email": account.email}


async def _likely_country() -> str:
    """Return the country that the shopper's preference or browser names, "" for none."""
    formats = (await current_page_context()).formats
    tags = (tag.partition("-")[2].upper() for tag in request.accept_languages.values())
    named = (formats.territory or "", *tags)
    return next((country for country in named if country in countries()), "")
