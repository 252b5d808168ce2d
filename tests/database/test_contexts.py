"""The connection in every kind of context: hooks, copies, nested ones, teardown, tests' clients."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from quart import (
    Quart,
    copy_current_app_context,
    copy_current_request_context,
    current_app,
    g,
    session,
    websocket,
)
from quart.testing.connections import WebsocketResponseError
from quart_auth import current_user

from service import create_app
from service.database import Pool, get_db
from service.settings import Settings
from tests.database.conftest import Ledger, StartView, idle

StartApp = Callable[..., Awaitable[Quart]]


async def backend() -> int:
    """Return the number of the server's process behind the connection."""
    pid: int = await (await get_db()).fetchval("select pg_backend_pid()")
    return pid


async def test_before_the_start_it_says_what_to_do(settings: Settings) -> None:
    """Before the application has started, `get_db` says how to start it, wherever it is asked."""
    app = create_app(settings)
    async with app.app_context():
        with pytest.raises(RuntimeError, match=r"async with app\.test_app\(\)"):
            await get_db()
    async with app.test_request_context("/"):
        with pytest.raises(RuntimeError, match="before the application has started"):
            await get_db()


async def test_after_the_end_it_says_what_to_do(settings: Settings) -> None:
    """After the end `get_db` says what to do; and an application may be started again."""
    app = create_app(settings)
    for _ in range(2):
        async with app.test_app():
            async with app.app_context():
                assert await backend()
            assert (await app.test_client().get("/api/v1/products?limit=1")).status_code == 200
        async with app.app_context():
            with pytest.raises(RuntimeError, match="after the application's end"):
                await get_db()


async def test_it_hashes_again_after_a_second_start(settings: Settings) -> None:
    """An application that was started again logs people in."""
    app = create_app(settings)
    for _ in range(2):
        async with app.test_app():
            body = {"username": "nobody", "password": "no password of anybody's"}
            response = await app.test_client().post("/api/v1/session", json=body)
            assert response.status_code == 401


async def test_the_end_waits_for_no_hook_of_its_own(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Hooks of the end may use the connection, whenever they were registered; nothing waits."""
    app = create_app(settings)
    seen = []

    async def look() -> None:
        seen.append(await backend())

    app.after_serving_funcs.insert(0, look)
    app.after_serving(look)

    @app.while_serving
    async def around() -> Any:
        await look()
        yield
        await look()

    began = time.monotonic()
    with caplog.at_level(logging.WARNING):
        async with app.test_app():
            pass
    assert len(seen) == 4
    assert time.monotonic() - began < 5
    assert "still in use" not in caplog.text


async def test_the_end_waits_for_no_test_client(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """A test client that keeps its contexts keeps no application from ending."""
    app = create_app(settings)
    app.add_url_rule("/view", view_func=backend_view)
    async with app.test_client() as client, app.test_app():
        assert (await client.get("/view")).status_code == 200
        assert (await client.get("/view")).status_code == 200
    assert "still in use" not in caplog.text


async def backend_view() -> dict[str, int]:
    return {"pid": await backend()}


@pytest.mark.session
async def test_a_copied_app_context_leaves_its_parent_alone(
    start_view: StartView, ledger: Ledger
) -> None:
    """The end of a copy doesn't end its parent; each has a connection of its own."""

    async def view() -> dict[str, Any]:
        # Quart 0.22 makes one copy for all calls of a function, which can't be under way at once.
        copied, another = copy_current_app_context(backend), copy_current_app_context(backend)
        before = await backend()
        others = await asyncio.gather(asyncio.create_task(copied()), asyncio.create_task(another()))
        again = await asyncio.create_task(copied())
        return {"kept": await backend() == before, "own": before not in (*others, again)}

    app = await start_view(view)
    found = await (await app.test_client().get("/view")).get_json()
    assert found == {"kept": True, "own": True}
    assert await idle(app) == 10
    assert ledger.is_even()


@pytest.mark.session
async def test_a_copied_request_context_has_a_connection_of_its_own(
    start_view: StartView, ledger: Ledger
) -> None:
    """A copy of a request's context has a connection of its own, and gives it back."""

    async def view() -> dict[str, Any]:
        @copy_current_request_context
        async def copied() -> int:
            return await backend()

        first = await asyncio.create_task(copied())
        before = await backend()
        others = [await asyncio.create_task(copied())]
        return {"kept": await backend() == before, "own": before not in others, "n": first > 0}

    app = await start_view(view)
    found = await (await app.test_client().get("/view")).get_json()
    assert found == {"kept": True, "own": True, "n": True}
    assert await idle(app) == 10
    assert ledger.is_even()


@pytest.mark.parametrize("kind", [copy_current_app_context, copy_current_request_context])
async def test_a_copy_where_none_is_left(start_view: StartView, kind: Any) -> None:
    """A pool of one has none for the copy while its parent holds it: 503 in its time."""

    async def view() -> str:
        await get_db()
        await asyncio.create_task(kind(backend)())
        return ""

    app = await start_view(view, pool_max=1, pool_timeout=0.05)
    assert (await app.test_client().get("/view")).status_code == 503
    assert await idle(app) == 1


@pytest.mark.session
async def test_a_nested_app_context_has_its_own(start_view: StartView, ledger: Ledger) -> None:
    """As in Flask, `app.app_context()` inside a request has a `g` and a connection of its own."""

    async def view() -> dict[str, bool]:
        outer = await backend()
        async with current_app.app_context():
            inner = await backend()
        return {"same": inner == outer, "kept": await backend() == outer}

    app = await start_view(view)
    found = await (await app.test_client().get("/view")).get_json()
    assert found == {"same": False, "kept": True}
    assert await idle(app) == 10
    assert ledger.is_even()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_own_teardown_functions_can_use_it(
    settings: Settings, ledger: Ledger, when: str
) -> None:
    """Teardown functions of one's own have the connection, and one that raises leaves none held."""
    app = create_app(settings)
    seen = []

    async def note(_: BaseException | None) -> None:
        if g.get("fails") is not None:
            seen.append(await backend())
        if g.get("fails"):
            raise ValueError("a teardown of one's own")

    if when == "before":
        app.teardown_appcontext_funcs.insert(0, note)
    else:
        app.teardown_appcontext(note)

    async with app.test_app():
        async with app.app_context():
            g.fails = False
            held = await backend()
        assert seen == [held]
        with pytest.raises((ValueError, ExceptionGroup)):
            await fail(app)
        assert await idle(app) == 10
    assert ledger.is_even()


async def fail(app: Quart) -> None:
    """Have a context whose teardown raises."""
    async with app.app_context():
        g.fails = True
        await backend()


def add_socket(app: Quart) -> None:
    @app.websocket("/socket")
    async def socket() -> None:
        signed_in = await current_user.is_authenticated
        await websocket.accept()
        await websocket.send_json(
            {
                "word": session.get("word"),
                "one": await (await get_db()).fetchval("select 1"),
                "signed_in": signed_in,
                "auth_id": current_user.auth_id,
            }
        )

    @app.get("/word")
    async def word() -> str:
        session["word"] = "kept"
        return ""


async def test_a_websocket_has_all_three(start_app: StartApp) -> None:
    """A WebSocket of an application has the session, the connection and `current_user`."""
    app = await start_app(add_socket)
    client = app.test_client()
    await client.get("/word")
    async with client.websocket("/socket") as socket:
        assert await socket.receive_json() == {
            "word": "kept",
            "one": 1,
            "signed_in": False,
            "auth_id": None,
        }
    assert await idle(app) == 10


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Host": "elsewhere.example"}, 400),
        ({"Authorization": "Bearer nothing-of-ours"}, 401),
    ],
)
async def test_a_websocket_of_another_site_is_refused(
    start_app: StartApp, headers: dict[str, str], status: int
) -> None:
    """Host and origin are asked of a WebSocket as of a request, and an error is one error."""
    app = await start_app(add_socket)
    with pytest.raises(WebsocketResponseError) as refused:
        async with app.test_client().websocket("/socket", headers=headers) as socket:
            await socket.receive_json()
    assert refused.value.response.status_code == status


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://localhost"}, {"Sec-Fetch-Site": "same-origin"}]
)
async def test_a_websocket_of_this_site_is_let_in(
    start_app: StartApp, headers: dict[str, str]
) -> None:
    """A page of this site may open a websocket."""
    app = await start_app(add_socket)
    async with app.test_client().websocket("/socket", headers=headers) as socket:
        assert (await socket.receive_json())["one"] == 1


async def test_a_pool_can_be_closed_from_anywhere(settings: Settings) -> None:
    """A pool is closed outside of every context as well, and closing it again does nothing."""
    app = create_app(settings)
    pool: Pool = app.extensions["locker"].get(Pool)
    await pool.open()
    await pool.close()
    await pool.close()
    assert pool.idle == 0
