"""Orders for operators (http-api, "Operators")."""

from __future__ import annotations

from quart import Blueprint, Response

from service.database import run
from service.errors import NotFound
from service.http.endpoints import Caller, answer, operation

from . import actions
from .api_types import OrderOutput, order_output

blueprint = Blueprint("orders_admin", __name__)


@blueprint.get("/orders/<number>")
@operation(Caller.OPERATOR, answers={200: OrderOutput}, errors=(NotFound,))
async def show_any_order(number: str) -> Response:
    """Show an order, whosoever it is."""
    return answer(order_output(await run(actions.show, number)))
