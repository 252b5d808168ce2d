"""The cart, as pages.

With JavaScript the same forms are sent by htmx, which takes the cart, the badge and the messages
out of the page that follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta
from quart import Blueprint, session

from service.auth import claim
from service.database import run
from service.errors import LockerError
from service.pages import back, flash, page, render, take_receipt
from service.schemas import Input, no_content

from . import actions
from .api import LARGEST_QUANTITY, REFUSALS, identify_cart, keep, policy, visitor
from .model import InsufficientStock, LineLimit, QuantityLimit

if TYPE_CHECKING:
    from quart import Response
    from werkzeug.wrappers import Response as WerkzeugResponse

blueprint = Blueprint("cart", __name__)

Sku = Annotated[str, Meta(min_length=1, max_length=128)]


class AddForm(Input):
    """Units to add, and the page to go on with."""

    sku: Sku
    quantity: Annotated[int, Meta(ge=1, le=LARGEST_QUANTITY)] = 1
    next: str = "/cart"


class LineForm(Input):
    """How many units a line should have; 0 removes it."""

    sku: Sku
    quantity: Annotated[int, Meta(ge=0, le=LARGEST_QUANTITY)]


@blueprint.get("/cart")
@page()
async def show_cart() -> Response:
    """Show the cart, and once after a login what became of the one from before."""
    who, rules = visitor(), policy()
    opened = await run(lambda db: actions.load(db, who, rules))
    if claim() or "cart" in session:
        keep(opened)
    cart = opened.cart
    return await render(
        "carts/cart.html",
        cart=cart,
        receipt=take_receipt(),
        titles={line.offer.sku: line.offer.title for line in cart.lines},
        most=rules.limits.quantity,
    )


@blueprint.get("/cart/identity")
@page()
async def show_identity() -> Response:
    """Give this browser the identity of its cart to come, if it has none.

    For pages that come out of a cache, and so bring no cookie: the script asks here before the
    first add. Without the script the add makes the cart. Takes no connection.
    """
    identify_cart()
    response = no_content()
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/cart/lines")
@page(form=AddForm)
async def post_line(data: AddForm) -> WerkzeugResponse:
    """Add to the cart."""
    who, rules = visitor(), policy()
    try:
        opened, _ = await run(lambda db: actions.add(db, who, data.sku, data.quantity, rules))
    except REFUSALS as refusal:
        flash(in_words(refusal), "problem")
        return back(data.next)
    keep(opened)
    line = opened.cart.line(data.sku)
    title = line.offer.title if line else data.sku
    more = f", {data.quantity} more" if line and line.quantity > data.quantity else ""
    flash(f"{title} is in your cart{more}.")
    return back(data.next)


@blueprint.post("/cart/quantity")
@page(form=LineForm)
async def post_quantity(data: LineForm) -> WerkzeugResponse:
    """Set how many of a line there are."""
    who, rules = visitor(), policy()
    try:
        if data.quantity:
            opened, _ = await run(
                lambda db: actions.set_quantity(db, who, data.sku, data.quantity, rules)
            )
        else:
            opened = await run(lambda db: actions.remove(db, who, data.sku, rules))
    except REFUSALS as refusal:
        flash(in_words(refusal), "problem")
    else:
        keep(opened)
    return back("/cart")


@blueprint.post("/cart/clear")
@page()
async def post_clear() -> WerkzeugResponse:
    """Empty the cart."""
    who, rules = visitor(), policy()
    keep(await run(lambda db: actions.clear(db, who, rules)))
    flash("Your cart is empty.")
    return back("/cart")


def in_words(refusal: LockerError) -> str:
    """Return what a shopper can do about it."""
    match refusal:
        case InsufficientStock():
            available = refusal.members["available"]
            return f"Only {available} in stock." if available else "This is sold out."
        case QuantityLimit():
            return f"A cart takes at most {refusal.members['limit']} of one thing."
        case LineLimit():
            return f"A cart takes at most {refusal.members['limit']} different things."
        case _:
            return "This is no longer sold."
