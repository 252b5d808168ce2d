"""The cart, as pages.

With JavaScript the same forms are sent by htmx, which takes the cart, the badge and the messages
out of the page that follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from textwrap import shorten
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Meta
from quart import Blueprint, Response, session
from werkzeug.wrappers import Response as WerkzeugResponse

from service.catalogue import FIELDS, HANDLE_LENGTH, SKU_LENGTH, choose, select_product
from service.database import run
from service.errors import Invalid
from service.http.endpoints import Input, Metadata, no_content
from service.http.idempotency.once import Once
from service.logins import presented_login
from service.pages import Remedy, back, flash, page, render

from . import actions, model
from .actions import CartChange
from .api_types import LARGEST_QUANTITY
from .model import (
    CHOOSING_REFUSALS,
    REFUSALS,
    AmbiguousLine,
    InsufficientStock,
    Line,
    LineLimit,
    MetadataLimit,
    QuantityLimit,
    UnknownLine,
    read_metadata,
)
from .session import cart_policy, current_cart_owner, ensure_guest_cart, remember_cart

blueprint = Blueprint("cart", __name__)

LONGEST_UNDO = 1_000
"""Characters of a line's metadata that a message can take along, to put the line back."""


class AddForm(Input):
    """Units to add: of a sku, or of what the options' values name of the product.

    ``key`` lets a form that was sent twice by two clicks add once.
    """

    sku: Annotated[str, Meta(max_length=SKU_LENGTH)] = ""
    handle: Annotated[str, Meta(max_length=HANDLE_LENGTH)] = ""
    option1: str = ""
    option2: str = ""
    option3: str = ""
    quantity: Annotated[int, Meta(ge=1, le=LARGEST_QUANTITY)] = 1
    next: str = "/cart"
    key: Annotated[str, Meta(max_length=64)] = ""


class LineForm(Input):
    """How many units a line should have, 0 to remove it, and the page to go on with.

    ``line`` is its id. One that was taken out is put back by its ``metadata``, which is JSON.
    """

    sku: Annotated[str, Meta(min_length=1, max_length=SKU_LENGTH)]
    quantity: Annotated[int, Meta(ge=0, le=LARGEST_QUANTITY)]
    line: Annotated[str, Meta(max_length=64)] = ""
    metadata: Annotated[str, Meta(max_length=LONGEST_UNDO)] = ""
    next: str = "/cart"


@blueprint.get("/cart")
@page()
async def show_cart() -> Response:
    """Show the cart."""
    owner, policy = current_cart_owner(), cart_policy()
    loaded = await run(actions.load, owner, policy)
    if presented_login() or "cart" in session:
        remember_cart(loaded)
    cart = loaded.cart
    return await render(
        "carts/cart.html",
        places=("cart", *(_place(line.id) for line in cart.lines)),
        cart=cart,
        notices=cart.notices,
        most=policy.limits.quantity,
    )


@blueprint.get("/cart/identity")
@page()
async def show_identity() -> Response:
    """Give this browser the identity of its cart to come, if it has none.

    For pages that come out of a cache, and so bring no cookie: the script asks here before the
    first add. Without the script the add makes the cart. Takes no connection.
    """
    ensure_guest_cart()
    response = no_content()
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/cart/lines")
@page(form=AddForm)
async def post_line(data: AddForm) -> WerkzeugResponse:
    """Add to the cart; a form that was sent already adds nothing more."""
    owner, policy = current_cart_owner(), cart_policy()
    sku = data.sku or await _find_sku(data)
    following = _product_path(data.handle, sku) if data.handle else data.next
    if not sku:
        flash("There is no such combination. Please choose another.", "problem", place="buy")
        return back(following)
    try:
        once = Once(
            data,
            guest=owner.cookie.own_guest_cart_id,
            to_response=partial(_describe_added, sku=sku, quantity=data.quantity),
            form_key=data.key,
        )
        added, done = await once.run(actions.add, owner, sku, data.quantity, policy)
    except REFUSALS as refusal:
        _refuse(refusal.code, refusal.members, sku, "buy", following)
        return back(following)
    if added:
        remember_cart(added.loaded)
    text = await done.get_data(as_text=False)
    if done.status_code == HTTPStatus.OK:
        flash(text.decode(), place="buy")
    else:
        problem = msgspec.json.decode(text)
        _refuse(problem["code"], problem, sku, "buy", following)
    return back(following)


@blueprint.post("/cart/quantity")
@page(form=LineForm)
async def post_quantity(data: LineForm) -> WerkzeugResponse:
    """Set how many of a line there are; what is taken out can be put back."""
    owner, policy = current_cart_owner(), cart_policy()
    at_cart = data.next == "/cart"
    which = _read_metadata(data.metadata) if data.metadata else data.line
    before = None
    try:
        if not data.quantity:
            before = (await run(actions.load, owner, policy)).cart.choose(data.sku, which)
        change = await run(
            actions.set_quantity, owner, data.sku, data.quantity, policy, which=which
        )
    except (*REFUSALS, *CHOOSING_REFUSALS, MetadataLimit) as refusal:
        at_line = data.line and not isinstance(refusal, UnknownLine)
        place = (_place(data.line) if at_line else "cart") if at_cart else "buy"
        _refuse(refusal.code, refusal.members, data.sku, place, data.next, line=data.line)
        return back(data.next)
    loaded = change.loaded
    remember_cart(loaded)
    if before:
        flash(f"Removed: {_describe(before)}.", place="cart", remedy=_undo(before))
    elif data.quantity and (change.is_new_line or not at_cart):
        line = loaded.cart.choose(data.sku, which)
        if line:
            place = "cart" if at_cart else "buy"
            flash(f"In your cart: {_describe(line)}, {line.quantity}.", place=place)
    return back(data.next)


@blueprint.get("/cart/clear")
@page()
async def show_clear() -> Response | WerkzeugResponse:
    """Ask whether the cart is to be emptied."""
    owner, policy = current_cart_owner(), cart_policy()
    loaded = await run(actions.load, owner, policy)
    remember_cart(loaded)
    if not loaded.cart.lines:
        return back("/cart")
    return await render("carts/clear.html", cart=loaded.cart)


@blueprint.post("/cart/clear")
@page()
async def post_clear() -> WerkzeugResponse:
    """Empty the cart."""
    owner, policy = current_cart_owner(), cart_policy()
    remember_cart(await run(actions.clear, owner, policy))
    flash("Your cart is empty.", place="cart")
    return back("/cart")


async def _find_sku(data: AddForm) -> str:
    """Return the sku of what the options' values name, "" for none."""
    product = await run(select_product, data.handle)
    if product is None:
        return ""
    values = {field: getattr(data, field) for field in FIELDS}
    variant = choose(product, values).variant
    return variant.sku if variant else ""


def _product_path(handle: str, sku: str) -> str:
    chosen = f"?{urlencode({'sku': sku})}" if sku else ""
    return f"/products/{quote(handle)}{chosen}"


def _place(line_id: str) -> str:
    """Return where the cart's page speaks of this line."""
    return f"line:{line_id}"


def _read_metadata(text: str) -> model.Metadata:
    try:
        given = msgspec.json.decode(text, type=Metadata)
    except msgspec.DecodeError:
        given = None
    if given is None or any("\x00" in each for entry in given.items() for each in entry):
        raise Invalid("metadata", "Send what the message had.", "bad_format")
    return read_metadata(given)


def _undo(line: Line) -> Remedy | None:
    """Return what puts the line back, unless it says more than a message can take along."""
    metadata = msgspec.json.encode(dict(line.metadata)).decode()
    if len(metadata) > LONGEST_UNDO:
        return None
    return Remedy(
        "Undo",
        "/cart/quantity",
        {"sku": line.offer.sku, "quantity": line.quantity, "metadata": metadata},
    )


def _describe(line: Line) -> str:
    values = " · ".join(value for name, value in line.offer.options if name != "Title")
    return ", ".join(filter(None, (shorten(line.offer.title, 90), values)))


def _describe_added(added: CartChange, *, sku: str, quantity: int) -> Response:
    line = added.loaded.cart.line(sku)
    if line is None:  # only for the type checker: an add leaves its line
        return Response("Added.")
    text = f"Added: {_describe(line)}, {quantity}."
    if line.quantity != quantity:
        text += f" There are {line.quantity} of it now."
    return Response(text)


def _refuse(
    code: str, members: Mapping[str, Any], sku: str, place: str, following: str, *, line: str = ""
) -> None:
    """Say why not, and offer as many as there can be of this line, or the one that says nothing."""
    most = members.get("room", 0)
    remedy = None
    if most:
        which = {"line": line} if line else {"metadata": "{}"}
        fields = {"sku": sku, "quantity": most, "next": following, **which}
        remedy = Remedy(f"Take {most}", "/cart/quantity", fields)
    flash(in_words(code, members), "problem", place=place, remedy=remedy)


def in_words(code: str, members: Mapping[str, Any]) -> str:
    """Return what a shopper can do about a refusal."""
    if code == InsufficientStock.code:
        available = members["available"]
        return f"Only {available} in stock." if available else "This is sold out."
    if code == QuantityLimit.code:
        return f"A cart takes at most {members['limit']} of one thing."
    if code == LineLimit.code:
        return f"A cart takes at most {members['limit']} different things."
    return _IN_WORDS.get(code, "This is no longer sold.")


_IN_WORDS = {
    AmbiguousLine.code: "There are several lines of this in your cart. Please change them there.",
    UnknownLine.code: "This is no longer in your cart.",
    MetadataLimit.code: "A cart takes no more text.",
}
