"""The document, and a page to read and try it (http-api, "Operations")."""

from __future__ import annotations

import hashlib
from typing import cast

import msgspec
from quart import Blueprint, Response, current_app, render_template, request, url_for

from .document import build_document

blueprint = Blueprint("openapi", __name__)

VIEWER = "vendor/swagger-ui-dist-5.35.0"
"""From the npm registry, unchanged, with its licence."""

_KEY = "locker.openapi"


@blueprint.get("/openapi.json")
async def show_document() -> Response:
    """Show the document."""
    body, tag = _document()
    response = Response(body, content_type="application/json")
    response.set_etag(tag)
    response.headers["Cache-Control"] = "no-cache"
    await response.make_conditional(request)
    return response


@blueprint.get("/docs")
async def show_docs() -> str:
    """Show the page."""
    viewer = url_for("static", filename=VIEWER)
    return await render_template("openapi/docs.html", viewer=viewer)


def _document() -> tuple[bytes, str]:
    """Return the document with its tag, made the first time, when all routes are known."""
    extensions = current_app.extensions
    if _KEY not in extensions:
        document = build_document(current_app, extensions["locker.settings"])
        body = msgspec.json.encode(document)
        extensions[_KEY] = body, hashlib.sha256(body).hexdigest()[:32]
    return cast("tuple[bytes, str]", extensions[_KEY])
