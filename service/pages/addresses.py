"""Addresses that a site is expected to have, beside its pages."""

from __future__ import annotations

from quart import Blueprint, Response, request

from service.errors import NotFound
from service.services import get_service

from .assets import load, send
from .forms import page
from .shop import Brand

blueprint = Blueprint("addresses", __name__)

KEPT = "public, max-age=3600"
"""For what changes seldom, under an address that stays the same."""
ROBOTS = """\
User-agent: *
Disallow: {root}/account
Disallow: {root}/checkout
Disallow: {root}/orders
Sitemap: {origin}/sitemap.xml
"""


@blueprint.get("/brand/<name>")
@page()
async def show_brand(name: str) -> Response:
    """Send the logo, or the colours, of the owner's file."""
    assets = get_service(Brand).assets
    if name not in assets:
        raise NotFound
    return await send(assets[name])


@blueprint.get("/favicon.ico")
@page()
async def show_icon() -> Response:
    """Send the icon to those who look for it where it was in the beginning."""
    return await send(load("favicon.svg"))


@blueprint.get("/robots.txt")
@page()
async def show_robots() -> Response:
    """Say what is nobody's to look through, and where the list of the rest is (RFC 9309)."""
    body = ROBOTS.format(origin=origin(), root=request.root_path)
    return Response(body, content_type="text/plain; charset=utf-8", headers={"Cache-Control": KEPT})


def origin() -> str:
    """Return this site's address, as the request named it: scheme, host and prefix."""
    return request.root_url.rstrip("/")
