"""``g``: the locker for one visit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from quart import Quart, Response, g

from tests.database.conftest import StartView


async def test_new_for_each_request(start_view: StartView) -> None:
    """What one request leaves in ``g``, the next one doesn't find."""

    async def view() -> dict[str, bool]:
        found = "note" in g
        g.note = "mine"
        return {"found": found}

    client = (await start_view(view)).test_client()
    for _ in range(3):
        assert await (await client.get("/view")).get_json() == {"found": False}


async def test_own_for_each_of_two_at_once(start_view: StartView) -> None:
    """Two requests that run at the same time don't see each other's ``g``."""
    both = asyncio.Barrier(2)

    async def view() -> dict[str, bool]:
        g.note = object()
        mine = g.note
        await both.wait()
        return {"kept": g.note is mine}

    client = (await start_view(view)).test_client()
    for response in await asyncio.gather(client.get("/view"), client.get("/view")):
        assert await response.get_json() == {"kept": True}


async def test_shared_by_every_function(start_view: StartView) -> None:
    """Whatever a request calls, plain, awaited or as a task, has the same ``g``."""

    def plain() -> None:
        g.notes.append("plain")

    async def awaited() -> None:
        g.notes.append("awaited")

    async def view() -> list[str]:
        g.notes = []
        plain()
        await awaited()
        await asyncio.create_task(awaited())
        notes: list[str] = g.notes
        return notes

    client = (await start_view(view)).test_client()
    assert await (await client.get("/view")).get_json() == ["plain", "awaited", "awaited"]


async def test_set_before_read_after(start_app: Callable[..., Awaitable[Quart]]) -> None:
    """What ``before_request`` sets, the view, ``after_request`` and teardown read."""
    read = []

    def prepare(app: Quart) -> None:
        @app.before_request
        async def before() -> None:
            g.note = "set before"

        @app.get("/view")
        async def view() -> str:
            read.append(("view", g.note, g.request_id))
            return ""

        @app.after_request
        async def after(response: Response) -> Response:
            read.append(("after", g.note, g.request_id))
            return response

        @app.teardown_appcontext
        async def teardown(_: BaseException | None) -> None:
            if "note" in g:  # the start has a context too
                read.append(("teardown", g.note, g.request_id))

    client = (await start_app(prepare)).test_client()
    response = await client.get("/view", headers={"X-Request-Id": "one"})
    assert response.headers["X-Request-Id"] == "one"
    assert read == [(where, "set before", "one") for where in ("view", "after", "teardown")]


async def test_gone_at_the_end(start_view: StartView) -> None:
    """After the response there is no ``g``, and the next context's is empty."""

    async def view() -> str:
        g.note = "mine"
        return ""

    app = await start_view(view)
    await app.test_client().get("/view")
    with pytest.raises(RuntimeError):
        g.get("note")
    async with app.app_context():
        assert list(g) == []
