"""What differs from Flask. Each test is a row of the guide."""

from __future__ import annotations

import asyncio
import json
import zlib
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from quart import Quart, g, session, websocket

from service.database import Pool, get_db
from tests.support.shopping import PASSWORD, new_name
from tests.support.shops import FlaskShop, LockerShop, Shop

Start = Callable[..., Awaitable[Quart]]


async def test_nested_changes_count(flask: FlaskShop, locker: LockerShop) -> None:
    """Flask loses a change inside a nested value unless `session.modified` is set; Locker not."""
    for shop, kept in ((flask, {}), (locker, {"sku": 1})):
        await shop.ask("POST", "/cart")
        await shop.ask("POST", "/cart/nested")
        assert (await shop.ask("GET", "/cart")).body == {"lines": kept}


async def test_cart_and_login_have_cookies_of_their_own(
    flask: FlaskShop, locker: LockerShop
) -> None:
    """Flask rewrites all of the session with each change; Locker only the section that changed."""
    for shop, names in ((flask, {"session"}), (locker, {"session-cart"})):
        await shop.ask("POST", "/login", {"username": "ada"})
        assert set((await shop.ask("POST", "/cart")).cookies) == names


async def test_a_stream_has_a_g_of_its_own(flask: FlaskShop, locker: LockerShop) -> None:
    """`stream_with_context` keeps Flask's `g`; Quart gives the generator a new, empty one."""
    assert (await flask.ask("GET", "/stream")).body == "kept"
    assert (await locker.ask("GET", "/stream")).body == "gone"


async def test_teardown_runs_before_the_response_is_sent(start_app: Start) -> None:
    """The connection is back when a generator begins, so fetch first and stream afterwards."""
    seen: list[bool] = []

    def prepare(app: Quart) -> None:
        @app.get("/stream")
        async def stream() -> Any:
            connection = await get_db()

            async def rows() -> Any:
                # It is given back in a task of its own, which is quick, but not at once.
                await app.extensions["locker"].get(Pool).settle()
                try:
                    await connection.fetchval("select 1")
                except asyncpg.InterfaceError:
                    seen.append(True)
                yield "done"

            return rows(), 200

    app = await start_app(prepare)
    response = await app.test_client().get("/stream")
    assert await response.get_data(as_text=True) == "done"
    assert seen == [True]


async def test_gathered_calls_share_one_connection(start_app: Start) -> None:
    """Tasks of one request get the request's one connection, and must take turns with it."""

    def prepare(app: Quart) -> None:
        @app.get("/gather")
        async def gather() -> list[bool]:
            first, second = await asyncio.gather(get_db(), get_db())
            answers = await asyncio.gather(
                first.fetchval("select pg_sleep(0.05)"),
                second.fetchval("select 1"),
                return_exceptions=True,
            )
            refused = any(isinstance(answer, asyncpg.InterfaceError) for answer in answers)
            return [first is second, refused]

    app = await start_app(prepare)
    assert await (await app.test_client().get("/gather")).get_json() == [True, True]


async def test_a_background_task_has_a_g_and_a_connection_of_its_own(start_app: Start) -> None:
    """`app.add_background_task` runs in a context of its own, which gives its connection back."""
    seen: dict[str, Any] = {}

    def prepare(app: Quart) -> None:
        async def work() -> None:
            seen["word"] = g.get("word", "gone")
            seen["answer"] = await (await get_db()).fetchval("select 1")

        @app.get("/later")
        async def later() -> str:
            g.word = "kept"
            app.add_background_task(work)
            return ""

    app = await start_app(prepare)
    await app.test_client().get("/later")
    await asyncio.gather(*app.background_tasks)
    assert seen == {"word": "gone", "answer": 1}


async def test_a_task_that_outlives_its_request_gets_no_connection(start_app: Start) -> None:
    """`asyncio.create_task` keeps the request's `g`, whose connection is given back by then."""
    over = asyncio.Event()
    tasks: list[asyncio.Task[Any]] = []

    def prepare(app: Quart) -> None:
        async def work() -> Any:
            await over.wait()
            return await get_db()

        @app.get("/task")
        async def task() -> str:
            tasks.append(asyncio.create_task(work()))
            return ""

    app = await start_app(prepare)
    await app.test_client().get("/task")
    over.set()
    with pytest.raises(RuntimeError, match="has ended"):
        await tasks[0]


async def test_a_websocket_cannot_change_the_session(
    start_app: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """A websocket reads the session; a change in it is lost, and logged as an error."""

    def prepare(app: Quart) -> None:
        @app.websocket("/ws")
        async def ws() -> None:
            await websocket.accept()
            session["word"] = "lost"
            await websocket.send("changed")

        @app.get("/word")
        async def word() -> dict[str, Any]:
            return {"word": session.get("word")}

    app = await start_app(prepare)
    client = app.test_client()
    async with client.websocket("/ws") as connection:
        assert await connection.receive() == "changed"
    assert await (await client.get("/word")).get_json() == {"word": None}
    assert "websocket" in caplog.text


async def test_waiting_for_a_connection_has_an_end(start_app: Start) -> None:
    """The pool is bounded, and so is the wait for it: 503 with `Retry-After`."""
    held, let_go = asyncio.Event(), asyncio.Event()

    def prepare(app: Quart) -> None:
        @app.get("/hold")
        async def hold() -> str:
            await get_db()
            held.set()
            await let_go.wait()
            return ""

    app = await start_app(prepare, pool_max=1, pool_timeout=0.05)
    holding = asyncio.create_task(app.test_client().get("/hold"))
    await held.wait()
    response = await app.test_client().get("/api/v1/products")
    let_go.set()
    await holding
    assert response.status_code == 503
    assert response.headers["Retry-After"]


async def test_a_saved_cookie_is_worth_nothing_after_logging_out(
    flask: FlaskShop, locker: LockerShop
) -> None:
    """Flask's session logs in again with a cookie from before; a login here is also a row."""
    await flask.ask("POST", "/login", {"username": "ada"})
    saved = flask.cookie("session")
    await flask.ask("POST", "/logout")
    flask.set_cookie("session", saved)
    assert (await flask.ask("GET", "/who")).body == {"username": "ada"}

    name = new_name()
    account = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    assert (await locker.ask("POST", "/api/v1/account", account)).status == 201
    saved = locker.cookie("session")
    await locker.ask("DELETE", "/api/v1/session")
    locker.set_cookie("session", saved)
    assert (await locker.ask("GET", "/api/v1/session")).body["authenticated"] is False


async def test_the_session_is_in_the_cookie_for_all_to_read(shops: list[Shop]) -> None:
    """Flask's session is not kept on the server, and neither is this one: signed, not secret."""
    for shop in shops:
        await shop.ask("POST", "/login", {"username": "ada"})
        assert readable(shop.cookie("session"))["username"] == "ada"


def readable(cookie: str) -> dict[str, Any]:
    """Return what a session cookie says, without any key."""
    payload = cookie.lstrip(".").split(".")[0]
    text = urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    content: dict[str, Any] = json.loads(zlib.decompress(text) if cookie[0] == "." else text)
    return content
