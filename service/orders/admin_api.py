"""Orders for operators (http-api, "Operators")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, ClassVar

from msgspec import Meta
from quart import Blueprint, Response

from service.carts.api_types import read_condition
from service.database import run
from service.errors import InvalidCursor, NotFound, RevisionMismatch
from service.http.endpoints import Caller, Input, Moment, Output, answer, in_utc, operation
from service.http.idempotency import KeyReused
from service.http.idempotency.once import KEY_HEADER, Once
from service.http.operators import current_operator

from . import actions, admin
from .api_types import OperatorOrderOutput, operator_order_output
from .details import LONGEST_NOTE
from .model import (
    LONGEST_TRACKING,
    MOST_UNITS,
    NotCancellable,
    NotFulfillable,
    Order,
    OrderStatus,
)

blueprint = Blueprint("orders_admin", __name__)

IF_MATCH = {"If-Match": "The `ETag` of the order that this is meant for; else 412."}
HEADERS = {**KEY_HEADER, **IF_MATCH}


class OrderSearch(Input):
    """Which orders: those that fit all that is said."""

    status: Annotated[OrderStatus | None, Meta(title="OrderStatus")] = None
    q: Annotated[
        str,
        Meta(max_length=200, description="A number, or a part of the customer's name or address."),
    ] = ""
    sku: Annotated[str, Meta(max_length=128, description="With this in them.")] = ""
    since: Annotated[Moment | None, Meta(description="Placed then or later.")] = None
    until: Annotated[Moment | None, Meta(description="Placed before.")] = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    after: Annotated[str, Meta(max_length=64, description="`next` of the page before.")] = ""


class OperatorOrderListOutput(Output):
    """A page of orders, newest first; `next` is null on the last one."""

    orders: list[OperatorOrderOutput]
    next: str | None


class SentLineInput(Input):
    """How much of a variant is sent."""

    sku: Annotated[str, Meta(min_length=1, max_length=128, examples=["TENT-2P-GREEN"])]
    quantity: Annotated[int, Meta(ge=1, le=MOST_UNITS)]


class FulfilmentInput(Input):
    """What is sent: all that is left, or these `lines`."""

    lines: Annotated[list[SentLineInput], Meta(min_length=1, max_length=1000)] | None = None
    tracking: Annotated[
        str, Meta(max_length=LONGEST_TRACKING, examples=["00340434161094042557"])
    ] = ""


class OrderNoteInput(Input):
    """What operators say of it."""

    note: Annotated[str, Meta(max_length=LONGEST_NOTE, examples=["Called; wants it on Friday."])]


class OrderMismatch(RevisionMismatch):
    """The order as it is now comes with it."""

    title = "The order has changed meanwhile"
    extra: ClassVar[Mapping[str, Any]] = {"order": OperatorOrderOutput}


@blueprint.get("/orders")
@operation(
    Caller.OPERATOR,
    query=OrderSearch,
    answers={200: OperatorOrderListOutput},
    errors=(InvalidCursor,),
)
async def search_orders(query: OrderSearch) -> Response:
    """Find orders, newest first."""
    page = await run(
        admin.search,
        query.q,
        limit=query.limit,
        after=query.after or None,
        status=query.status,
        sku=query.sku or None,
        since=in_utc("since", query.since),
        until=in_utc("until", query.until),
    )
    orders = [operator_order_output(order) for order in page.orders]
    return answer(OperatorOrderListOutput(orders, page.next))


@blueprint.get("/orders/<number>")
@operation(Caller.OPERATOR, answers={200: OperatorOrderOutput}, errors=(NotFound,), sends=("ETag",))
async def show_any_order(number: str) -> Response:
    """Show an order, whosoever it is."""
    return _show(await run(actions.show, number))


@blueprint.post("/orders/<number>/fulfil")
@operation(
    Caller.OPERATOR,
    body=FulfilmentInput,
    answers={200: OperatorOrderOutput},
    errors=(NotFound, NotFulfillable, OrderMismatch, KeyReused),
    headers=HEADERS,
    sends=("ETag",),
)
async def fulfil_order(number: str, data: FulfilmentInput) -> Response:
    """Note what is sent of an order."""
    units: Counter[str] | None = None
    if data.lines is not None:
        units = Counter()
        for line in data.lines:
            units[line.sku] += line.quantity
    operator, tags = await current_operator(), read_condition().tags
    with _showing_changed():
        _, response = await Once(data, to_response=_show).run(
            admin.fulfil, number, operator, units, data.tracking, tags
        )
    return response


@blueprint.post("/orders/<number>/cancel")
@operation(
    Caller.OPERATOR,
    answers={200: OperatorOrderOutput},
    errors=(NotFound, NotCancellable, OrderMismatch, KeyReused),
    headers=HEADERS,
    sends=("ETag",),
)
async def cancel_any_order(number: str) -> Response:
    """Cancel an order, or what has not been sent of it; its stock is given back."""
    operator, tags = await current_operator(), read_condition().tags
    with _showing_changed():
        _, response = await Once(to_response=_show).run(admin.cancel, number, operator, tags)
    return response


@blueprint.patch("/orders/<number>")
@operation(
    Caller.OPERATOR,
    body=OrderNoteInput,
    answers={200: OperatorOrderOutput},
    errors=(NotFound, OrderMismatch, KeyReused),
    headers=HEADERS,
    sends=("ETag",),
)
async def note_order(number: str, data: OrderNoteInput) -> Response:
    """Keep a note of operators with an order."""
    operator, tags = await current_operator(), read_condition().tags
    with _showing_changed():
        _, response = await Once(data, to_response=_show).run(
            admin.note, number, operator, data.note, tags
        )
    return response


@contextmanager
def _showing_changed() -> Iterator[None]:
    """Answer a condition that isn't met with the order as it is now."""
    try:
        yield
    except admin.OrderChanged as changed:
        raise OrderMismatch(order=operator_order_output(changed.order)) from None


def _show(order: Order) -> Response:
    body = operator_order_output(order)
    return answer(body, ETag=body.etag, Cache_Control="no-store, no-transform")
