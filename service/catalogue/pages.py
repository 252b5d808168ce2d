"""The shop and its products, as pages."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from msgspec import Meta
from quart import Blueprint, Response, render_template

from service.database import run
from service.errors import NotFound
from service.pages import (
    KEPT,
    current_shopper,
    is_first_visit,
    new_key,
    origin,
    page,
    render,
    share,
)
from service.web import current_settings

from . import list_queries, queries
from .choosing import choose
from .model import TEXT_LENGTH, Selection
from .sharing import describe

blueprint = Blueprint("shop", __name__)

SITEMAP_PART = 5_000
"""Products in a part of the sitemap: an answer of half a megabyte."""
LAST_PART = 49_999
"""A list of parts may name 50,000 (sitemaps.org)."""

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
        lambda db: list_queries.select_products(
            db,
            Selection(text=query.q, type=query.type),
            sort="relevance",
            limit=shopper.page_size,
            after=query.after or None,
        )
    )
    types = await run(lambda db: list_queries.select_types(db, TYPES))
    return await render("catalogue/shop.html", found=found, types=types, query=query)


class ProductQuery(msgspec.Struct, frozen=True):
    """What is chosen of a product; what isn't there to be chosen counts for nothing."""

    sku: str = ""
    option1: str = ""
    option2: str = ""
    option3: str = ""


@blueprint.get("/products/<text:handle>")
@page(query=ProductQuery)
async def show_product(handle: str, query: ProductQuery) -> Response:
    """Show one product, and the price and stock of what is chosen of it."""
    product = await run(lambda db: queries.select_product(db, handle))
    if product is None:
        raise NotFound
    response = await render(
        "catalogue/product.html",
        places=("buy",),
        product=product,
        about=describe(product, origin()),
        chosen=choose(product, msgspec.structs.asdict(query), query.sku),
        most=current_settings().cart_max_quantity,
        # A page that others get as well has no key, and needs none: who has no cart yet gets one
        # from each of two adds at once, and keeps one of them.
        key="" if is_first_visit() else new_key(),
    )
    return await share(response)


class SitemapQuery(msgspec.Struct, frozen=True):
    """Which part."""

    part: Annotated[int, Meta(ge=0, le=LAST_PART)] = 0


@blueprint.get("/sitemap.xml")
@page()
async def show_sitemaps() -> Response:
    """List the parts of the list of products (sitemaps.org)."""
    last = await run(queries.select_last_id)
    parts = range(min(last // SITEMAP_PART, LAST_PART) + 1)
    return await _xml("catalogue/sitemaps.xml", parts=parts)


@blueprint.get("/sitemap-products.xml")
@page(query=SitemapQuery)
async def show_sitemap(query: SitemapQuery) -> Response:
    """List a part of the products, with when each was last changed."""
    first = query.part * SITEMAP_PART
    found = await run(lambda db: queries.select_sitemap(db, first, SITEMAP_PART))
    return await _xml("catalogue/sitemap.xml", found=found, first=query.part == 0)


async def _xml(template: str, **context: Any) -> Response:
    body = await render_template(template, **context)
    return Response(body, content_type="application/xml", headers={"Cache-Control": KEPT})
