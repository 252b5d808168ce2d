"""Orders behind the counter, as pages."""

from __future__ import annotations

from quart import Blueprint, Response

from service import clock
from service.database import Connection, run
from service.http.endpoints import Caller
from service.pages import page, render

from . import actions, admin_queries
from .countries import address_lines
from .model import Order, OrderPage

blueprint = Blueprint("orders_admin_pages", __name__)

SHOWN = 50
"""Orders of each list of the day."""


@blueprint.get("")
@page(Caller.OPERATOR)
async def show_today() -> Response:
    """Show what came in, and what is to be sent."""
    to_send, came_in = await run(_select_day)
    return await render("orders/today.html", to_send=to_send, came_in=came_in)


@blueprint.get("/orders/<number>")
@page(Caller.OPERATOR)
async def show_any_order(number: str) -> Response:
    """Show an order, whosoever it is."""
    order = await run(actions.show, number)
    details = order.details
    return await render(
        "orders/any_order.html",
        order=order,
        addresses={
            title: address_lines(address)
            for title, address in (
                ("Goes to", details.shipping_address),
                ("Billed to", details.billing_address),
            )
            if address
        },
    )


async def _select_day(db: Connection) -> tuple[list[Order], OrderPage]:
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return (
        await admin_queries.select_to_send(db, SHOWN),
        await actions.history(db, since=midnight, limit=SHOWN),
    )
