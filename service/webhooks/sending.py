"""Sending one message: signed, to where it may go, in bounded time, with a bounded answer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from types import TracebackType
from typing import Self

import httpcore
from standardwebhooks import Webhook as Signer

from service.errors import Invalid
from service.outbox import Attempted, check_url
from service.settings import Settings
from service.tracing import Tracer

from .networks import AddressRefused, GuardedNetwork

LONGEST_ANSWER = 65_536
"""Bytes of an answer that are read; what it says is not looked at."""
SUCCESS = 2
"""The first digit of what means that it was taken."""
CONNECTIONS = 64
KEPT_FOR = 5.0
"""Seconds that a connection waits for the next message."""
AGENT = f"locker/{version('locker')}"

WORDS: tuple[tuple[type[Exception], str], ...] = (
    (AddressRefused, "its name leads to a private network: LOCKER_WEBHOOK_PRIVATE"),
    (httpcore.ConnectError, "no connection"),
    (httpcore.TimeoutException, "no answer in time"),
    (TimeoutError, "no answer in time"),
    (ssl.SSLError, "TLS failed"),
    (Exception, "the connection broke"),
)
"""What is stored of an error: nothing that came from the other side."""


class Sender:
    """Sends, over connections that are kept for a while; to be used with ``async with``."""

    def __init__(self, settings: Settings, tracer: Tracer | None = None) -> None:
        self._settings = settings
        self._tracer = tracer or Tracer()
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=CONNECTIONS,
            keepalive_expiry=KEPT_FOR,
            network_backend=GuardedNetwork(private=settings.webhook_private),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._pool.aclose()

    async def send(
        self, url: str, message_id: str, body: bytes, secrets: Sequence[str], now: datetime
    ) -> Attempted:
        """Send a message, signed by each of the secrets; returns what came of it.

        Delivered is what is answered with 2xx. A redirect is an answer like any other.
        """
        try:
            check_url(url, http=self._settings.webhook_http)
        except Invalid as error:
            return Attempted(error=error.errors[0]["message"])
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "User-Agent": AGENT,
            "Webhook-Id": message_id,
            "Webhook-Timestamp": str(int(now.timestamp())),
            "Webhook-Signature": " ".join(
                Signer(secret).sign(message_id, now, body.decode()) for secret in secrets
            ),
        }
        try:
            async with asyncio.timeout(self._settings.webhook_timeout):
                with self._tracer.sending("POST", url) as sent:
                    status = await self._post(url, {**headers, **sent.headers}, body)
                    sent.answered(status)
        except Exception as error:  # noqa: BLE001 - whatever it is, this attempt failed
            return Attempted(error=next(text for kind, text in WORDS if isinstance(error, kind)))
        return Attempted(status, "" if status // 100 == SUCCESS else f"answered {status}")

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        async with self._pool.stream(
            "POST", url, headers=list(headers.items()), content=body
        ) as response:
            length = 0
            async for part in response.aiter_stream():
                length += len(part)
                if length > LONGEST_ANSWER:
                    break
            return response.status
