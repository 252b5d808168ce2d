"""The shop and its products, as pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

import msgspec
from msgspec import Meta
from quart import Blueprint, request

from service.database import run
from service.errors import NotFound
from service.pages import current_shopper, page, render

from . import queries
from .model import TEXT_LENGTH

if TYPE_CHECKING:
    from quart import Response

blueprint = Blueprint("shop", __name__)

TYPES = 24
"""Types to choose from; a catalogue with more is better searched."""


class ShopQuery(msgspec.Struct, frozen=True):
    """Which products. Whatever else a link's query holds is for others to read."""

    q: Annotated[str, Meta(max_length=200)] = ""
    type: Annotated[str, Meta(max_length=TEXT_LENGTH)] = ""
    after: Annotated[str, Meta(max_length=64)] = ""

    def link(self, **changes: str) -> str:
        """Return the path of this list, changed."""
        values = {**msgspec.structs.asdict(self), **changes}
        pairs = {name: value for name, value in values.items() if value}
        return f"/?{urlencode(pairs)}" if pairs else "/"


@blueprint.get("/")
@page(query=ShopQuery)
async def show_shop(query: ShopQuery) -> Response:
    """Show what is sold."""
    shopper = await current_shopper()
    found = await run(
        lambda db: queries.select_products(
            db,
            search=query.q,
            type=query.type or None,
            limit=shopper.page_size,
            after=query.after or None,
        )
    )
    types = await run(lambda db: queries.select_types(db, TYPES))
    return await render("catalogue/shop.html", found=found, types=types, query=query)


@blueprint.get("/products/<text:handle>")
@page()
async def show_product(handle: str) -> Response:
    """Show one product."""
    product = await run(lambda db: queries.select_product(db, handle))
    if product is None:
        raise NotFound
    shopper = await current_shopper()
    response = await render("catalogue/product.html", product=product)
    await response.add_etag()
    if shopper.username is None and not shopper.cart_quantity:
        # Nothing on it is anyone's own. Otherwise the back button would show it after logging out.
        response.headers["Cache-Control"] = "private, no-cache"
    await response.make_conditional(request)
    return response
