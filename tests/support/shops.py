"""Both shops behind one face, so that they can be put through the same steps."""

from __future__ import annotations

from dataclasses import dataclass
from http.cookies import Morsel, SimpleCookie
from typing import Any, Protocol

from flask.testing import FlaskClient
from quart import Quart
from quart.typing import TestClientProtocol

from service.database import Pool


@dataclass(frozen=True)
class Answer:
    """What a shop answered: the body as JSON where it is, else as text."""

    status: int
    body: Any
    cookies: dict[str, Morsel[str]]


class Shop(Protocol):
    """A shop and one browser in it."""

    log: list[str]

    async def ask(self, method: str, path: str, json: Any = None) -> Answer: ...

    def cookie(self, name: str) -> str: ...

    def set_cookie(self, name: str, value: str) -> None: ...

    async def open_connections(self) -> int:
        """Return how many connections requests hold at this moment."""
        ...


class FlaskShop:
    """The classic one."""

    def __init__(self, client: FlaskClient, log: list[str]) -> None:
        self._client = client
        self.log = log

    async def ask(self, method: str, path: str, json: Any = None) -> Answer:
        response = self._client.open(path, method=method, json=json)
        body = response.get_json() if response.is_json else response.get_data(as_text=True)
        return Answer(response.status_code, body, parse(response.headers.getlist("Set-Cookie")))

    def cookie(self, name: str) -> str:
        cookie = self._client.get_cookie(name)
        return cookie.value if cookie else ""

    def set_cookie(self, name: str, value: str) -> None:
        self._client.set_cookie(name, value)

    async def open_connections(self) -> int:
        return self.log.count("open") - self.log.count("close")


class LockerShop:
    """The same views on this service."""

    def __init__(self, app: Quart, client: TestClientProtocol, log: list[str]) -> None:
        self._pool: Pool = app.extensions["locker"].get(Pool)
        self._client = client
        self._idle: int = self._pool.idle
        self.log = log

    async def ask(self, method: str, path: str, json: Any = None) -> Answer:
        response = await self._client.open(path, method=method, json=json)
        body = await (response.get_json() if response.is_json else response.get_data(as_text=True))
        return Answer(response.status_code, body, parse(response.headers.getlist("Set-Cookie")))

    def cookie(self, name: str) -> str:
        assert self._client.cookie_jar is not None
        return next(
            (cookie.value or "" for cookie in self._client.cookie_jar if cookie.name == name), ""
        )

    def set_cookie(self, name: str, value: str) -> None:
        self._client.set_cookie("localhost", name, value)

    async def open_connections(self) -> int:
        # Each is given back in a task of its own.
        await self._pool.settle()
        idle: int = self._pool.idle
        return self._idle - idle


def parse(headers: list[str]) -> dict[str, Morsel[str]]:
    """Return the cookies that an answer sets."""
    cookies: dict[str, Morsel[str]] = {}
    for header in headers:
        cookies |= SimpleCookie(header).items()
    return cookies
