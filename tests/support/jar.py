"""One cookie jar, many requests at once, and answers that arrive in any order."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any

import pytest
from quart import Quart, Response

from service import clock

API = "/api/v1"


@dataclass
class Jar:
    """A browser's cookies for one service. Requests go out with what is in it then."""

    app: Quart
    cookies: dict[str, str] = field(default_factory=dict)

    async def send(self, method: str, path: str, json: Any = None) -> Response:
        """Send a request, without taking in what the answer sets."""
        client = self.app.test_client(use_cookies=False)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": cookie} if cookie else {}
        return await client.open(f"{API}{path}", method=method, json=json, headers=headers)

    def take(self, response: Response) -> None:
        """Take in what an answer sets, as a browser does when the answer arrives."""
        for header in response.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(header).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value

    async def ask(self, method: str, path: str, json: Any = None, *, status: int = 200) -> Any:
        """Send a request and take its answer in; returns the body."""
        response = await self.send(method, path, json)
        assert response.status_code == status, await response.get_data(as_text=True)
        self.take(response)
        return await response.get_json() if status != 204 else None

    async def at_once(
        self, requests: list[tuple[str, str, Any]], shuffled: random.Random
    ) -> list[Response]:
        """Send all at once, and take the answers in as they happen to arrive."""
        shuffled.shuffle(requests)
        responses = list(
            await asyncio.gather(
                *(self.send(method, path, json) for method, path, json in requests)
            )
        )
        shuffled.shuffle(responses)
        for response in responses:
            assert response.status_code < 400, await response.get_data(as_text=True)
            self.take(response)
        return responses

    def copy(self) -> Jar:
        """Return a copy of the browser's profile, as a thief or a backup has it."""
        return Jar(self.app, dict(self.cookies))


def later(patch: pytest.MonkeyPatch, *, seconds: float) -> None:
    """Set the service's clock ahead."""
    now = clock.now
    patch.setattr(clock, "now", lambda: now() + timedelta(seconds=seconds))
