"""What came in, read in one way before anybody looks at it.

Where a request was sent to and where it comes from can each be said in several places; here each
gets one answer, in the ASGI scope, for all that follows.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import unquote

from hypercorn.middleware import ProxyFixMiddleware

from .prefix import place, read_forwarded

ASGIScope = MutableMapping[str, Any]

_PEER = "locker.peer"
_ABSOLUTE = re.compile(rb"https?://(?P<authority>[^/?#]*)(?P<path>.*)", re.IGNORECASE)
_ADDRESS = re.compile(
    r"\[(?P<bracketed>[0-9A-Fa-f:.]+)\](:[0-9]+)?|(?P<with_port>[0-9.]+):[0-9]+|(?P<plain>.+)"
)


class Arrival:
    """ASGI middleware around the service; believes ``trusted_proxies`` proxies in front of it.

    The service is below ``prefix``, or below what such a proxy says in ``X-Forwarded-Prefix``,
    whether the proxy takes that away from the path or not.
    """

    def __init__(self, app: Any, trusted_proxies: int, prefix: str = "") -> None:
        self._app = app
        self._trusted_proxies = trusted_proxies
        self._prefix = prefix
        self._forwarding: Any = (
            ProxyFixMiddleware(self._know, mode="legacy", trusted_hops=trusted_proxies)  # type: ignore[arg-type]
            if trusted_proxies
            else self._know
        )

    async def __call__(self, scope: ASGIScope, receive: Any, send: Any) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        scope = {**scope, **_read_target(scope), _PEER: scope.get("client")}
        prefix = self._prefix
        if self._trusted_proxies and not prefix:
            prefix = read_forwarded(scope["headers"], self._trusted_proxies)
        if prefix:
            scope |= place(scope["path"], prefix)
        await self._forwarding(scope, receive, send)

    async def _know(self, scope: ASGIScope, receive: Any, send: Any) -> None:
        """Take the peer as the client where what was forwarded is no address."""
        peer = scope[_PEER]
        scope["client"] = _read_client(scope.get("client")) or _read_client(peer) or peer
        await self._app(scope, receive, send)


def _read_target(scope: ASGIScope) -> dict[str, Any]:
    """Return what an absolute target changes: its host is the one that counts (RFC 9112, 3.2.2)."""
    form = _ABSOLUTE.fullmatch(scope.get("raw_path") or b"")
    if form is None:
        return {}
    path = form["path"] or b"/"
    headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"host"]
    return {
        "path": unquote(path.decode("ascii", "replace")),
        "raw_path": path,
        "headers": [*headers, (b"host", form["authority"])],
    }


def _read_client(client: tuple[str, int] | None) -> tuple[str, int] | None:
    address = read_address(client[0]) if client else None
    return (address, client[1]) if client and address else None


def read_address(text: str) -> str | None:
    """Return an IP address in its one form, or None if it isn't one.

    Without the port, the brackets and the zone that some proxies add, and as IPv4 where it is
    mapped into IPv6.
    """
    form = _ADDRESS.fullmatch(text.strip())
    if form is None:
        return None
    try:
        address = ipaddress.ip_address(
            (form["bracketed"] or form["with_port"] or form["plain"]).partition("%")[0]
        )
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)
