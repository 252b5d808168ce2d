"""Static files: named with a hash of their content, so that a browser may keep them for good."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from quart import Response, request

from service.errors import NotFound

FOLDER = Path(__file__).parents[1] / "static"
FOR_GOOD = "public, max-age=31536000, immutable"
"""For a URL whose content never changes (RFC 8246)."""

TEXTS = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
"""What is worth compressing, by name: Python's own table differs by version and by machine."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file, read once. ``packed`` is the body in gzip, where that is smaller."""

    body: bytes
    packed: bytes | None
    digest: str
    media_type: str


FILES = {
    str(path.relative_to(FOLDER)): path for path in FOLDER.rglob("*") if path.is_file()
}  # fmt: skip
"""What there is to send; a file that comes later isn't seen before a restart."""


@cache
def load(name: str) -> Asset:
    """Return one of `FILES`; raises `KeyError`."""
    return make_asset(FILES[name].read_bytes(), name)


def make_asset(body: bytes, name: str) -> Asset:
    """Return a body as it is sent, by the type that the name's ending says."""
    text_type = TEXTS.get(Path(name).suffix)
    media_type = text_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
    packed = gzip.compress(body, mtime=0) if text_type else None
    return Asset(
        body,
        packed if packed and len(packed) < len(body) else None,
        hashlib.sha256(body).hexdigest()[:12],
        media_type,
    )


def static_url(name: str) -> str:
    """Return the URL of a static file as it is now; raises `KeyError`."""
    return f"/static/{name}?v={load(name).digest}"


async def show_file(filename: str) -> Response:
    """Send a static file; with the hash of another version it must be asked for anew."""
    if filename not in FILES:
        raise NotFound
    return await send(load(filename))


async def send(asset: Asset) -> Response:
    """Send an asset: for good under the address that has its hash."""
    packed = asset.packed if request.accept_encodings["gzip"] else None
    response = Response(packed or asset.body, content_type=asset.media_type)
    if asset.media_type.startswith("text/"):
        response.headers["Content-Type"] += "; charset=utf-8"
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    if asset.packed:
        response.vary.add("Accept-Encoding")
    response.set_etag(f"{asset.digest}-gzip" if packed else asset.digest)
    known = request.query_string == f"v={asset.digest}".encode()
    response.headers["Cache-Control"] = FOR_GOOD if known else "no-cache"
    await response.make_conditional(request)
    return response
