"""The same views on this service: what has to change is in this file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from quart import Quart, Response, abort, g, request, session, stream_with_context

from service.database import get_db

LOG: list[str] = []


def note(name: str) -> None:
    g.notes = [*g.get("notes", []), name]


def add_views(app: Quart) -> None:  # noqa: C901 - a list of views
    """Add the classic shop's views; `get_db` and its teardown are the service's own."""

    @app.before_request
    async def before() -> None:
        note("before")

    @app.after_request
    async def after(response: Response) -> Response:
        note("after")
        LOG.append(" ".join(g.notes))
        return response

    @app.get("/notes")
    async def notes() -> list[str]:
        note("view")
        names: list[str] = g.notes
        return names

    @app.get("/twice")
    async def twice() -> dict[str, bool]:
        return {"same": await get_db() is await get_db()}

    @app.get("/no-connection")
    async def no_connection() -> str:
        return ""

    @app.get("/broken")
    async def broken() -> str:
        await get_db()
        abort(418)

    @app.get("/stream")
    async def stream() -> Response:
        g.word = "kept"

        @stream_with_context
        async def words() -> AsyncIterator[str]:
            yield g.get("word", "gone")

        return Response(words())

    @app.post("/login")
    async def log_in() -> dict[str, Any]:
        body = await request.get_json()
        session["user_id"], session["username"] = "1", body["username"]
        session.permanent = body.get("remember", False)
        return {}

    @app.post("/logout")
    async def log_out() -> dict[str, Any]:
        session.pop("user_id", None)
        session.pop("username", None)
        return {}

    @app.get("/who")
    async def who() -> dict[str, Any]:
        return {"username": session.get("username")}

    @app.post("/cart")
    async def add() -> dict[str, Any]:
        session.setdefault("cart", {"lines": {}})
        return {}

    @app.post("/cart/nested")
    async def add_in_place() -> dict[str, Any]:
        session["cart"]["lines"]["sku"] = 1
        return {}

    @app.get("/cart")
    async def cart() -> dict[str, Any]:
        shown: dict[str, Any] = session.get("cart", {})
        return shown
