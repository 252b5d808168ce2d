"""Orders, as pages."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

import msgspec
from msgspec import Meta
from quart import Blueprint, Response
from werkzeug.wrappers import Response as WerkzeugResponse

from service.catalogue import select_listings
from service.database import run
from service.errors import InvalidCursor
from service.http.endpoints import Caller
from service.logins import current_account_id
from service.pages import back, current_page_context, flash, origin, page, render

from . import actions
from .countries import address_lines
from .keys import hash_key
from .model import NotCancellable, Order, Viewer
from .session import current_viewer, key_of, remember_order

blueprint = Blueprint("order_pages", __name__)


class OrderQuery(msgspec.Struct, frozen=True):
    """The key of a guest's order."""

    key: str = ""


class OrdersPageQuery(msgspec.Struct, frozen=True):
    """Where the list begins."""

    after: Annotated[str, Meta(max_length=64)] = ""


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
@page(query=OrderQuery)
async def show_order(number: str, query: OrderQuery) -> Response | WerkzeugResponse:
    """Show one of one's own orders, or one that was ordered here without an account.

    With a key, this browser may see its order from then on. The key leaves the address: nobody
    reads it there over a shoulder, and it is in no bookmark by accident.
    """
    if query.key:
        order = await run(actions.show, number, Viewer(key_hash=hash_key(query.key)))
        remember_order(order.number)
        return back(f"/orders/{order.number}")
    order = await run(actions.show, number, await current_viewer())
    skus = [line.sku for line in order.lines]
    listings = await run(select_listings, skus)
    details = order.details
    return await render(
        "orders/order.html",
        order=order,
        listings=listings,
        addresses={
            title: address_lines(address)
            for title, address in (
                ("Goes to", details.shipping_address),
                ("Billed to", details.billing_address),
            )
            if address
        },
        link=_link_to_keep(order),
    )


@blueprint.get("/orders/<number>/cancel")
@page()
async def show_cancel(number: str) -> Response | WerkzeugResponse:
    """Ask whether the order is to be cancelled."""
    order = await run(actions.show, number, await current_viewer())
    if order.status != "placed":
        return back(f"/orders/{order.number}")
    return await render("orders/cancel.html", order=order)


@blueprint.post("/orders/<number>/cancel")
@page()
async def post_cancel(number: str) -> WerkzeugResponse:
    """Cancel an order."""
    viewer = await current_viewer()
    try:
        order = await run(actions.cancel, number, viewer)
    except NotCancellable:
        order = await run(actions.show, number, viewer)
        if order.status != "cancelled":
            flash("This order can no longer be cancelled.", "problem")
            return back(f"/orders/{order.number}")
    flash("Your order is cancelled.")
    return back(f"/orders/{order.number}")


def _link_to_keep(order: Order) -> str:
    """Return the address that shows a guest's order anywhere, "" where there is none."""
    key = key_of(order)
    return f"{origin()}/orders/{order.number}?{urlencode({'key': key})}" if key else ""
