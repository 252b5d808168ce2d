"""The path that the service is below: read, taken from what comes in, put into what goes out."""

from __future__ import annotations

import re
from collections.abc import Iterable

from quart import request

from service.hosts import PREFIX_FORM, is_own

_LINK = re.compile(r'((?: href| src| action| formaction| hx-get| hx-post| data-[a-z]+)=")/(?!/)')


def read_forwarded(headers: Iterable[tuple[bytes, bytes]], trusted_proxies: int) -> str:
    """Return what the outermost proxy that is believed says in ``X-Forwarded-Prefix``, or nothing.

    Anything else than a plain path is no prefix: it goes into every link.
    """
    lines = [value for name, value in headers if name.lower() == b"x-forwarded-prefix"]
    said = b",".join(lines).decode("latin-1").split(",")
    prefix = said[-trusted_proxies:][0].strip().rstrip("/")
    return prefix if PREFIX_FORM.fullmatch(prefix) else ""


def place(path: str, prefix: str) -> dict[str, str]:
    """Return what a prefix changes in a scope, whose path has it, too (ASGI, "HTTP").

    The proxy may have taken it from the path or left it there.
    """
    if path == prefix:
        path += "/"
    elif not path.startswith(f"{prefix}/"):
        path = prefix + path
    return {"root_path": prefix, "path": path}


def place_links(page: str) -> str:
    """Return a page whose links lead to where the service is.

    Templates write paths from the service's own root. Nothing but an attribute looks like one:
    what shoppers and catalogues say is escaped, or went through the sanitizer.
    """
    root: str = request.root_path
    return _LINK.sub(rf"\1{root}/", page) if root else page


def place_address(address: str) -> str:
    """Return an address, of a picture say, as others must ask for it."""
    return f"{request.root_path}{address}" if is_own(address) else address
