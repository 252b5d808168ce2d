"""Stock behind the counter, as a page to correct it with the keyboard."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

import msgspec
from msgspec import Meta
from quart import Blueprint, Response, request
from werkzeug.wrappers import Response as WerkzeugResponse

from service.database import run
from service.errors import Conflict, Invalid, InvalidCursor, LockerError
from service.http.endpoints import Caller, Input
from service.http.operators import current_operator
from service.http.requests import SAFE_METHODS
from service.pages import SentForm, back, field_errors, flash, page, receive_form, render
from service.services import get_service
from service.settings import Settings

from . import admin
from .held import HeldCatalogue
from .model import LOW, SKU_LENGTH, STOCK, VariantChange

blueprint = Blueprint("catalogue_admin_pages", __name__)


class StockQuery(msgspec.Struct, frozen=True):
    """What is looked for, and where the list goes on."""

    q: Annotated[str, Meta(max_length=200)] = ""
    low: Annotated[str, Meta(max_length=8)] = ""
    after: Annotated[str, Meta(max_length=160)] = ""

    @property
    def limit(self) -> int | None:
        """How low a stock is to be; None where that isn't asked, or can't be read."""
        text = self.low.strip()
        return min(int(text), LOW) if text.isascii() and text.isdigit() else None


class CountForm(Input):
    """A stock as it was counted, and as the page showed it: what was sold since stays sold."""

    sku: Annotated[str, Meta(min_length=1, max_length=SKU_LENGTH)]
    counted: Annotated[int, Meta(ge=0, le=STOCK)]
    seen: Annotated[int, Meta(ge=-STOCK, le=STOCK)] | None = None
    q: Annotated[str, Meta(max_length=200)] = ""
    low: Annotated[str, Meta(max_length=8)] = ""


class ShownForm(Input):
    """Whether the shop shows a product."""

    handle: Annotated[str, Meta(min_length=1, max_length=255)]
    published: bool
    q: Annotated[str, Meta(max_length=200)] = ""
    low: Annotated[str, Meta(max_length=8)] = ""


@blueprint.get("/stock")
@page(Caller.OPERATOR, query=StockQuery)
async def show_stock(query: StockQuery) -> Response | WerkzeugResponse:
    """List variants with their stock."""
    return await _show(query)


@blueprint.post("/stock")
@page(Caller.OPERATOR)
async def post_stock() -> Response | WerkzeugResponse:
    """Correct a stock to what was counted."""
    operator, form = await current_operator(), await receive_form()
    try:
        data = form.read(CountForm)
        change = (
            VariantChange(data.sku, stock=data.counted)
            if data.seen is None
            else VariantChange(data.sku, add=data.counted - data.seen)
        )
        (changed,) = await run(
            admin.change_variants, [change], operator, get_service(Settings).low_stock
        )
    except (Invalid, Conflict) as error:
        return await _show(_query_of(form), form, error)
    flash(f"Stock of {changed.sku}: {changed.stock}.")
    return back(_address(data.q, data.low))


@blueprint.post("/products")
@page(Caller.OPERATOR, form=ShownForm)
async def post_shown(data: ShownForm) -> WerkzeugResponse:
    """Show a product in the shop, or hide it."""
    operator = await current_operator()
    product = await run(admin.publish, data.handle, operator, published=data.published)
    flash(f"{product.title} is {'shown in the shop' if product.published else 'hidden'}.")
    return back(_address(data.q, data.low))


@blueprint.after_request
async def show_at_once(
    response: Response | WerkzeugResponse,
) -> Response | WerkzeugResponse:
    """Have this process answer with what was changed from now on."""
    if request.method not in SAFE_METHODS:
        get_service(HeldCatalogue).distrust()
    return response


def _query_of(form: SentForm) -> StockQuery:
    entered = form.entered
    return StockQuery(entered.get("q", "")[:200], entered.get("low", "")[:8])


def _address(q: str, low: str) -> str:
    return "/admin/stock?" + urlencode({"q": q, "low": low})


async def _show(
    query: StockQuery, form: SentForm | None = None, error: LockerError | None = None
) -> Response | WerkzeugResponse:
    try:
        found = await run(
            admin.find_variants, low=query.limit, text=query.q, after=query.after or None
        )
    except InvalidCursor:
        # The cursor comes from an old link, or from half of one.
        return back("/admin/stock")
    entered = form.entered if form else {}
    errors = field_errors(error) if error else {}
    if isinstance(error, Conflict):
        errors = {"counted": f"{error.title}."}
    wrong = entered.get("sku", "")
    return await render(
        "catalogue/stock.html",
        error.status if error else 200,
        found=found,
        wanted=query,
        wrong=wrong if any(each.sku == wrong for each in found.variants) else "",
        errors=errors,
        entered=entered,
        following=urlencode({"q": query.q, "low": query.low, "after": found.next or ""}),
    )
