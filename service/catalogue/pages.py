"""The shop and its products, as pages."""

from __future__ import annotations

from operator import attrgetter
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from msgspec.structs import replace
from quart import Blueprint, Response, render_template

from service.database import run
from service.errors import InvalidCursor, NotFound
from service.http.prefix import place_links
from service.pages import (
    HTML,
    KEPT,
    current_page_context,
    is_first_visit,
    new_key,
    origin,
    page,
    render,
    share,
)
from service.services import get_service
from service.settings import Settings
from service.standby import read_public

from . import facet_queries, list_queries, queries, search
from .browsing import SORTS, ShopQuery
from .choosing import choose
from .model import EVERYTHING, Page, Selection
from .search import read_search
from .sharing import describe
from .suggestions import find_near, suggest

blueprint = Blueprint("shop", __name__)

SITEMAP_PART = 5_000
"""Products in a part of the sitemap: an answer of half a megabyte."""
LAST_PART = 49_999
"""A list of parts may name 50,000 (sitemaps.org)."""

TYPES = 24
"""Types to choose from; a catalogue with more is better searched."""


@blueprint.get("/")
@page(query=ShopQuery)
async def show_shop(query: ShopQuery) -> Response:
    """Show what is sold, or what a search finds, and what there is instead of nothing."""
    query, currency = query.cleaned(), get_service(Settings).currency
    limit = (await current_page_context()).page_size
    selection = query.selection(currency)
    first = replace(query, after="", page="")
    try:
        found = await _list(query, selection, limit)
    except InvalidCursor:
        query, found = first, await _list(first, selection, limit)
    if query.after and (found.previous is None or not found.products):
        # Paging back has reached the beginning, or all that was beyond is gone.
        query, found = first, await _list(first, selection, limit)
    facets = await read_public(facet_queries.select_facets, selection)
    types = list(facets.types)
    if selection == EVERYTHING:
        types = await read_public(facet_queries.select_types, TYPES)
    meant, near = None, None
    if not found.products and read_search(query.q).words and not query.narrowed:
        meant, near = await read_public(find_near, selection, limit)
    response = await render(
        "catalogue/shop.html",
        query=query,
        found=found,
        types=sorted(types[:TYPES], key=lambda each: (each.value != query.type, each.value)),
        vendors=sorted(facets.vendors, key=attrgetter("value")),
        sorts=SORTS,
        meant=meant,
        near=near,
        currency=currency,
    )
    return await share(response)


async def _list(query: ShopQuery, selection: Selection, limit: int) -> Page:
    return await read_public(
        list_queries.select_products,
        selection,
        sort=query.order,
        limit=limit,
        after=query.after or None,
    )


class SuggestionsQuery(msgspec.Struct, frozen=True):
    """What was typed so far."""

    q: str = ""


@blueprint.get("/suggestions")
@page(query=SuggestionsQuery)
async def show_suggestions(query: SuggestionsQuery) -> Response:
    """Show what there is to go to, below the search while somebody types: a part of a page."""
    found = await read_public(suggest, query.q[: search.LONGEST])
    body = await render_template("catalogue/suggestions.html", found=found, q=query.q)
    return Response(place_links(body), content_type=HTML, headers={"Cache-Control": "no-store"})


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
    product = await run(queries.select_product, handle)
    if product is None:
        raise NotFound
    response = await render(
        "catalogue/product.html",
        places=("buy",),
        product=product,
        about=describe(product, origin()),
        chosen=choose(product, msgspec.structs.asdict(query), query.sku),
        most=get_service(Settings).cart_max_quantity,
        # A page that a cache may give to others has no key, and needs none: a browser without a
        # cart gets one from each of two adds at once, and keeps one of them.
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
    found = await run(queries.select_sitemap, first, SITEMAP_PART)
    return await _xml("catalogue/sitemap.xml", found=found, first=query.part == 0)


async def _xml(template: str, **context: Any) -> Response:
    body = await render_template(template, **context)
    return Response(body, content_type="application/xml", headers={"Cache-Control": KEPT})
