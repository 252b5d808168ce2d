"""Shoppers who write down every request and every answer, and don't give up on one."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

from tests.support.shopping import API, PASSWORD, new_name


@dataclass(frozen=True)
class Event:
    """A request and what came of it; ``status`` is None where no answer arrived."""

    shopper: str
    method: str
    path: str
    sent: dict[str, Any] | None
    key: str | None
    status: int | None
    answer: dict[str, Any]

    @property
    def done(self) -> bool:
        return self.status in {200, 201}


@dataclass
class History:
    """All that was asked for and answered."""

    events: list[Event] = field(default_factory=list)

    def of(self, shopper: str, method: str, path: str) -> list[Event]:
        """Return the shopper's requests of this kind."""
        wanted = (shopper, method, path)
        return [each for each in self.events if (each.shopper, each.method, each.path) == wanted]


class Shopper:
    """An account and its browser. Each change is asked for under a key, until it is answered."""

    def __init__(self, client: httpx.AsyncClient, history: History) -> None:
        self.client = client
        self.history = history
        self.name = new_name()

    async def send(
        self, method: str, path: str, body: dict[str, Any] | None = None, key: str | None = None
    ) -> Event:
        """Ask once; whatever happens is written down."""
        status: int | None = None
        answer: dict[str, Any] = {}
        try:
            response = await self.client.request(
                method,
                f"{API}{path}",
                json=body,
                headers={"Idempotency-Key": key} if key else {},
            )
            status = response.status_code
            answer = response.json() if response.content else {}
        except httpx.TransportError:
            pass
        event = Event(self.name, method, path, body, key, status, answer)
        self.history.events.append(event)
        return event

    async def insist(
        self, method: str, path: str, body: dict[str, Any] | None = None, key: str | None = None
    ) -> Event:
        """Ask, with one key, until there is an answer; one that says "later" is none."""
        key = key or secrets.token_hex(8)
        while True:
            event = await self.send(method, path, body, key)
            if event.status not in {None, HTTPStatus.SERVICE_UNAVAILABLE}:
                return event
            # The service may be starting: to ask at once would only keep it from that.
            await asyncio.sleep(0.01)

    async def register(self) -> None:
        body = {"username": self.name, "email": f"{self.name}@example.com", "password": PASSWORD}
        registered = await self.insist("POST", "/account", body)
        assert registered.done, registered

    async def add(self, sku: str, quantity: int = 1) -> Event:
        return await self.insist("POST", "/cart/lines", {"sku": sku, "quantity": quantity})
