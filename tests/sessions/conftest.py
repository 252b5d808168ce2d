"""The service with pages that read and write the session as they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from http.cookies import Morsel, SimpleCookie
from types import MethodType
from typing import Any

import pytest
from quart import Quart, Response, request, session, websocket

from quart_locker import SectionCookie
from service import clock
from service.sessions import ShopSessions
from service.settings import Settings

StartShelf = Callable[..., Awaitable[Quart]]
Later = Callable[[float], None]


def add_pages(app: Quart) -> None:
    """``/session`` shows and changes it, ``/nested`` what is inside; ``/elsewhere`` doesn't ask."""

    @app.get("/elsewhere")
    async def ignore() -> str:
        return ""

    @app.get("/session")
    async def show() -> dict[str, Any]:
        content = {key: value for key, value in session.items() if key != "_permanent"}
        return {"new": session.new, "permanent": session.permanent, **content}

    @app.patch("/session")
    async def change() -> dict[str, Any]:
        for key, value in (await request.get_json()).items():
            if key == "permanent":
                session.permanent = value
            elif value is None:
                session.pop(key, None)
            else:
                session[key] = value
        return dict(session)

    @app.post("/nested")
    async def nested() -> str:
        session["cart"]["lines"][0]["quantity"] += 1
        session["basket"].append("apple")
        return ""


def add_socket(app: Quart) -> None:
    """``/socket`` shows the session, and changes it when told; its end can be waited for.

    The service itself makes a request of each handshake; an application with its sessions may not.
    """
    app.asgi_app = MethodType(Quart.asgi_app, app)  # type: ignore[method-assign]

    @app.websocket("/socket")
    async def socket() -> None:
        await websocket.send_json(dict(session))
        if await websocket.receive() == "change":
            session["basket"] = []

    over = app.extensions["sockets over"] = asyncio.Queue()

    @app.teardown_websocket
    async def note_the_end(_: BaseException | None) -> None:
        over.put_nowait(None)


@pytest.fixture
def start_shelf(start_app: Callable[..., Awaitable[Quart]]) -> StartShelf:
    """Start the service with these pages; settings as for `start_app`."""

    def prepare(app: Quart) -> None:
        add_pages(app)
        add_socket(app)

    async def start(**changes: Any) -> Quart:
        return await start_app(prepare, **changes)

    return start


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Let the given seconds pass for the service (or come back, if negative)."""
    passed = 0.0
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(seconds=passed))

    def later(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    return later


def cookie_of(settings: Settings, section: str) -> SectionCookie:
    """Return how a section travels in a service with these settings."""
    return ShopSessions(settings).jar(Quart(__name__)).cookies[section]


async def show(app: Quart, cookies: dict[str, str]) -> dict[str, Any]:
    """Return the session that these cookies make, and nothing may go wrong."""
    response = await app.test_client(use_cookies=False).get(
        "/session",
        headers={"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())},
    )
    assert response.status_code == 200
    body: dict[str, Any] = await response.get_json()
    return body


async def keep(app: Quart, content: dict[str, Any]) -> dict[str, str]:
    """Put content into a new session; returns its cookies."""
    response = await app.test_client(use_cookies=False).patch("/session", json=content)
    assert response.status_code == 200
    return {name: morsel.value for name, morsel in set_cookies(response).items()}


def set_cookies(response: Response) -> dict[str, Morsel[str]]:
    """Return what an answer sets, by name; each name is set once."""
    headers = response.headers.getlist("Set-Cookie")
    morsels = [morsel for header in headers for morsel in SimpleCookie(header).items()]
    assert len(dict(morsels)) == len(morsels)
    return dict(morsels)
