"""Checkout and orders, as pages."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response
from werkzeug.wrappers import Response as WerkzeugResponse

from service.accounts.session import find_account
from service.carts import load
from service.carts.session import cart_policy, current_cart_owner, remember_cart
from service.catalogue import select_listings
from service.database import run
from service.errors import InvalidCursor
from service.http.endpoints import Caller, Input
from service.logins import current_account_id
from service.pages import back, current_page_context, flash, page, render

from . import actions
from .details import Details
from .model import LARGEST_TOTAL, EmptyCart, NotCancellable, OutOfStock, Viewer
from .session import checkout_of

blueprint = Blueprint("order_pages", __name__)


class CheckoutForm(Input):
    """What the shopper saw and agrees to pay."""

    expected_total: Annotated[int, Meta(ge=0, le=LARGEST_TOTAL)]


class OrdersPageQuery(msgspec.Struct, frozen=True):
    """Where the list begins."""

    after: Annotated[str, Meta(max_length=64)] = ""


@blueprint.get("/checkout")
@page(Caller.SIGNED_IN)
async def show_checkout() -> Response | WerkzeugResponse:
    """Show what is about to be ordered, and what has changed since it was put in the cart."""
    loaded = await run(load, current_cart_owner(), cart_policy())
    remember_cart(loaded)
    if not loaded.cart.lines:
        return back("/cart")
    return await render(
        "orders/checkout.html",
        account=await find_account(),
        cart=loaded.cart,
        changed=[line for line in loaded.cart.lines if line.notice],
        blocked=any(
            line.notice in {"unavailable", "insufficient_stock"} for line in loaded.cart.lines
        ),
    )


@blueprint.post("/checkout")
@page(Caller.SIGNED_IN, form=CheckoutForm)
async def post_checkout(data: CheckoutForm) -> WerkzeugResponse:
    """Order the cart as it was shown; sent twice, it is ordered once."""
    owner, policy = current_cart_owner(), cart_policy()
    try:
        checkout = checkout_of(data.expected_total, Details())
        placed = await run(actions.place, owner, policy, checkout)
    except EmptyCart:
        return back("/cart")
    except actions.CartChanged:
        flash("Your cart has changed meanwhile. Please look at it once more.", "problem")
        return back("/checkout")
    except OutOfStock:
        flash("Some of it is no longer there. Nothing was ordered.", "problem")
        return back("/checkout")
    remember_cart(placed.loaded)
    if placed.new:
        flash("Thank you! Your order is placed.")
    return back(f"/orders/{placed.order.number}")


@blueprint.get("/orders")
@page(Caller.SIGNED_IN, query=OrdersPageQuery)
async def show_orders(query: OrdersPageQuery) -> Response | WerkzeugResponse:
    """List one's own orders, newest first."""
    owner, shopper = current_account_id(), await current_page_context()
    try:
        found = await run(
            actions.history, owner, limit=shopper.page_size, after=query.after or None
        )
    except InvalidCursor:
        # The cursor comes from an old link, or from half of one.
        return back("/orders")
    return await render("orders/orders.html", found=found, begin=not query.after)


@blueprint.get("/orders/<number>")
@page(Caller.SIGNED_IN)
async def show_order(number: str) -> Response:
    """Show one of one's own orders."""
    owner = current_account_id()
    order = await run(actions.show, number, Viewer(owner))
    skus = [line.sku for line in order.lines]
    listings = await run(select_listings, skus)
    return await render("orders/order.html", order=order, listings=listings)


@blueprint.get("/orders/<number>/cancel")
@page(Caller.SIGNED_IN)
async def show_cancel(number: str) -> Response | WerkzeugResponse:
    """Ask whether the order is to be cancelled."""
    owner = current_account_id()
    order = await run(actions.show, number, Viewer(owner))
    if order.status != "placed":
        return back(f"/orders/{order.number}")
    return await render("orders/cancel.html", order=order)


@blueprint.post("/orders/<number>/cancel")
@page(Caller.SIGNED_IN)
async def post_cancel(number: str) -> WerkzeugResponse:
    """Cancel an order."""
    owner = current_account_id()
    try:
        order = await run(actions.cancel, number, Viewer(owner))
    except NotCancellable:
        order = await run(actions.show, number, Viewer(owner))
        if order.status != "cancelled":
            flash("This order can no longer be cancelled.", "problem")
            return back(f"/orders/{order.number}")
    flash("Your order is cancelled.")
    return back(f"/orders/{order.number}")
