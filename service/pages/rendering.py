"""Templates, and what each of them is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from http import HTTPStatus
from typing import Any, cast

from quart import Quart, Response, g, render_template, request, session

from quart_locker import Session
from service.http.prefix import place_links
from service.http.requests import current_request
from service.services import services_of
from service.settings import Settings

from . import formats
from .addresses import blueprint as addresses
from .addresses import origin
from .assets import show_file, static_url
from .context import PageContext, PageContexts, current_page_context
from .drawings import drawing
from .messages import take_messages, take_receipt
from .shop import read_shop

HTML = "text/html; charset=utf-8"

SHARED = 60
"""Seconds for which caches may show a page: a price on it may be as old, never one in a cart."""


def init_app(app: Quart, load_context: Callable[[], Awaitable[PageContext]]) -> None:
    """Give templates their functions, and errors and static files their pages' ways.

    ``load_context`` comes from above: pages of every feature show who is there, and only
    accounts know all of it. Raises `SettingsError` for a file of the shop's that can't be taken.
    """
    services = services_of(app)
    settings = services.get(Settings)
    services.add(PageContexts(load_context))
    shop, brand = read_shop(settings.shop_file)
    services.add(brand)
    app.register_blueprint(addresses)
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.jinja_env.globals.update(
        static_url=static_url,
        drawing=drawing,
        origin=origin,
        shop=shop,
        brand={name: f"/brand/{name}?v={asset.digest}" for name, asset in brand.assets.items()},
        password_min=settings.password_min,
        guest_checkout=settings.guest_checkout,
        docs=settings.docs,
    )
    app.jinja_env.filters.update(
        money=formats.money,
        day=formats.day,
        moment=formats.moment,
        device=formats.device,
        below_title=formats.below_title,
    )
    app.view_functions["static"] = show_file


async def render(
    template: str, status: int = 200, *, places: Collection[str] = (), **context: Any
) -> Response:
    """Return the page. It is the shopper's own, and not to be kept by anything in between.

    ``places`` are parts of it that show the messages about them themselves, as ``said[place]``.
    """
    body = await render_template(
        template,
        shopper=await current_page_context(),
        said=take_messages(places),
        receipt=take_receipt(),
        failed=status >= HTTPStatus.BAD_REQUEST,
        path=request.path,
        request_id=g.request_id,
        **context,
    )
    response = Response(place_links(body), status, content_type=HTML)
    response.headers["Cache-Control"] = "no-store"
    return response


def is_first_visit() -> bool:
    """Return whether the browser brought nothing: it gets what everyone gets."""
    return cast("Session", session).blank


async def share(response: Response) -> Response:
    """Let caches keep a page on which nothing is anyone's own, for those who bring nothing.

    A browser that brings cookies gets a page of its own, for which caches must ask: ``Vary`` says
    so.
    """
    if is_first_visit():
        await response.add_etag()
        response.headers["Cache-Control"] = f"public, max-age={SHARED}"
        await response.make_conditional(current_request())
    return response
