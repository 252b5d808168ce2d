"""The request: its id, and its body, which is bounded in memory whatever a client sends."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Generator
from typing import Any, cast

from quart import Request, Websocket, g
from werkzeug.utils import cached_property

from quart_locker import incoming
from service.audit import Source
from service.errors import Malformed, TooLarge
from service.hosts import read_authority
from service.sessions import TokenRequest

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

LONGEST_USER_AGENT = 256
"""Characters of it that are kept."""

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class BoundedBody:
    """Stands in for Quart's, which keeps whatever arrives until somebody asks for it.

    This one forgets what it has, and all that follows, once there is more than ``limit``
    bytes. Awaiting it gives the whole, any number of times, or raises `TooLarge`.
    """

    def __init__(self, expected: int | None, limit: int | None) -> None:
        self._limit = limit or 0
        self._data = bytearray()
        self._settled = asyncio.Event()
        self._too_large = False
        self.complete = False
        """Whether the client has sent all of it."""
        if (expected or 0) > self._limit:
            self._give_up()

    def append(self, data: bytes) -> None:
        """Take in what has arrived; Quart 0.22 calls this."""
        if self._too_large:
            return
        self._data += data
        if len(self._data) > self._limit:
            self._give_up()

    async def put(self, data: bytes) -> None:
        """Take in what has arrived; Quart 0.23 calls this."""
        self.append(data)

    def _give_up(self) -> None:
        self._too_large = True
        self._data.clear()
        self._settled.set()

    def set_complete(self) -> None:
        self.complete = True
        self._settled.set()

    def set_result(self, data: bytes) -> None:
        """Take in the whole; Quart's test client calls this."""
        self.append(data)
        self.set_complete()

    def disconnect(self) -> None:
        self._settled.set()

    def clear(self) -> None:
        self._data.clear()

    def __await__(self) -> Generator[Any, None, bytes]:
        yield from self._settled.wait().__await__()
        if self._too_large:
            raise TooLarge
        if not self.complete:
            raise Malformed("The body broke off.")
        return bytes(self._data)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield await self


class ShopSocket(TokenRequest, Websocket):
    """Quart's WebSocket, for an application that has some of its own."""


class BoundedRequest(TokenRequest, Request):
    """Quart's request, with such a body."""

    body_class = BoundedBody  # type: ignore[assignment]
    body: BoundedBody  # type: ignore[assignment]

    @cached_property
    def host(self) -> str:
        """The host, or nothing where it can't be one: the router raises at some that can't."""
        given: str = super().host
        return given if read_authority(given) else ""

    @cached_property
    def may_have_body(self) -> bool:
        """Whether a body is announced; HTTP/2 needs no announcement."""
        return (
            bool(self.content_length)
            or "Transfer-Encoding" in self.headers
            or not self.http_version.startswith("1")
        )

    @property
    def is_unread(self) -> bool:
        """Whether an answer would come before the end of the body."""
        return self.may_have_body and not self.body.complete

    @cached_property
    def is_ambiguous(self) -> bool:
        """Whether another reader could see another end of the request (RFC 9112, 6.1)."""
        return self.http_version.startswith("1") and (
            "Transfer-Encoding" in self.headers
            and ("Content-Length" in self.headers or self.http_version == "1.0")
        )


def current_request() -> BoundedRequest:
    """Return the request itself, for who asks more of it than one thing."""
    return cast("BoundedRequest", incoming())


def ensure_request_id() -> str:
    """Return this request's id: the client's, if it will do, else one of our own.

    It is the same however often it is asked for, and there whatever failed before.
    """
    known: str | None = g.get("request_id")
    if known is None:
        given = incoming().headers.get("X-Request-Id", "")
        known = g.request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
    return known


def request_source() -> Source:
    """Return where the request comes from, for the record."""
    received = incoming()
    agent = "".join(filter(str.isprintable, received.headers.get("User-Agent", "")))
    return Source(received.remote_addr or "", agent[:LONGEST_USER_AGENT], g.request_id)
