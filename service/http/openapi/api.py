"""The document, a page to read and try it, and the guide to it (http-api, "Operations")."""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import msgspec
from quart import Quart, Response, request

from service.http.prefix import place_links

from .document import build_document
from .reader import read_document

PACKAGE = Path(__file__).parents[2]
GUIDES = (PACKAGE / "http-api.md", PACKAGE.parent / "docs" / "http-api.md")
"""The guide where the wheel has it, and where a checkout has it."""


PREFIXES = 8
"""Paths that the service is below at once, each with a document that says so."""


def init_app(app: Quart) -> None:
    """Serve the document of the routes that are there when it is first asked for."""

    @cache
    def made() -> dict[str, Any]:
        return build_document(app)

    @lru_cache(PREFIXES)
    def encoded(prefix: str) -> bytes:
        return msgspec.json.encode({**made(), "servers": [{"url": prefix or "/"}]})

    @cache
    def guide() -> bytes:
        return next(path for path in GUIDES if path.exists()).read_bytes()

    pages: list[str] = []

    @app.get("/openapi.json")
    async def show_document() -> Response:
        return await _answer(encoded(request.root_path), "application/json")

    @app.get("/docs")
    async def show_docs() -> Response:
        # Quart's `render_template` would ask who is logged in, and this page is the same for all.
        if not pages:
            template = app.jinja_env.get_template("openapi/docs.html")
            groups = read_document(made())
            pages.append(await template.render_async(document=made(), groups=groups))
        body = place_links(pages[0]).encode()
        return await _answer(body, "text/html; charset=utf-8")

    @app.get("/docs/http-api.md")
    async def show_guide() -> Response:
        return await _answer(guide(), "text/plain; charset=utf-8")


async def _answer(body: bytes, content_type: str) -> Response:
    """Return what is the same for everyone, and asked for anew after an upgrade."""
    response = Response(body, content_type=content_type)
    response.set_etag(hashlib.sha256(body).hexdigest()[:32])
    response.headers["Cache-Control"] = "no-cache"
    await response.make_conditional(request)
    return response
