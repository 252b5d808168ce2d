"""The document, and a page to read and try it (http-api, "Operations")."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

import msgspec
from quart import Response, request

from .document import build_document

if TYPE_CHECKING:
    from quart import Quart

    from service.settings import Settings


def init_app(app: Quart, settings: Settings) -> None:
    """Serve the document of the routes that are there when it is first asked for."""
    # Asked for anew each time, as a page must fit the files beside it after an upgrade.
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 0

    @cache
    def made() -> tuple[bytes, str]:
        body = msgspec.json.encode(build_document(app, settings))
        return body, hashlib.sha256(body).hexdigest()[:32]

    @app.get("/openapi.json")
    async def show_document() -> Response:
        body, tag = made()
        response = Response(body, content_type="application/json")
        response.set_etag(tag)
        response.headers["Cache-Control"] = "no-cache"
        await response.make_conditional(request)
        return response

    @app.get("/docs")
    async def show_docs() -> Response:
        # Not a template: rendering one asks who is logged in, so the page could not be cached.
        return await app.send_static_file("docs.html")
