"""Requests straight to the application, for sweeps that make thousands of them.

A client's own part of a request, such as reading the address and keeping cookies, is as much as
the service's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import httpx
from quart import Quart

Fields = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Answer:
    status_code: int
    headers: httpx.Headers
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


@dataclass(frozen=True)
class Caller:
    """A client that sends what it is given, with ``headers`` where a request has none such."""

    app: Quart
    headers: Mapping[bytes, bytes]

    async def request(
        self, method: str, target: str, *, content: bytes | None = None, headers: Fields = ()
    ) -> Answer:
        """Return the answer; the request comes as Hypercorn gives it on."""
        own = [(name.lower(), value) for name, value in headers]
        named = {name for name, _ in own}
        if content is not None:
            own.append((b"content-length", str(len(content)).encode()))
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.1"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [*((n, v) for n, v in self.headers.items() if n not in named), *own],
            "client": ("127.0.0.1", 12345),
            "server": ("localhost", 80),
            "extensions": {},
        }
        body = iter([{"type": "http.request", "body": content or b"", "more_body": False}])
        sent: list[Any] = []

        async def receive() -> Any:
            message = next(body, None)
            # The client stays to the end.
            return message or await asyncio.Future()

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)  # type: ignore[arg-type]
        return Answer(
            sent[0]["status"],
            httpx.Headers(sent[0]["headers"]),
            b"".join(message.get("body", b"") for message in sent[1:]),
        )
