"""A Flask app of the classic kind, as Flask's own tutorial has it: what people move away from."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, abort, g, request, session, stream_with_context

LOG: list[str] = []
"""What happened, in order; the connections opened and closed among it."""


def get_db() -> sqlite3.Connection:
    if "db" not in g:
        g.db = sqlite3.connect(":memory:")
        LOG.append("open")
    db: sqlite3.Connection = g.db
    return db


def close_db(_: BaseException | None = None) -> None:
    db = g.pop("db", None)
    if db is not None:
        db.close()
        LOG.append("close")


def note(name: str) -> None:
    g.notes = [*g.get("notes", []), name]


def create_app(secret_key: str) -> Flask:  # noqa: C901 - a list of views
    """Return the shop: a connection in ``g``; login, cart and preferences in ``session``."""
    app = Flask("shop")
    app.secret_key = secret_key
    app.teardown_appcontext(close_db)

    @app.before_request
    def before() -> None:
        note("before")

    @app.after_request
    def after(response: Response) -> Response:
        note("after")
        LOG.append(" ".join(g.notes))
        return response

    @app.get("/notes")
    def notes() -> list[str]:
        note("view")
        names: list[str] = g.notes
        return names

    @app.get("/twice")
    def twice() -> dict[str, bool]:
        return {"same": get_db() is get_db()}

    @app.get("/no-connection")
    def no_connection() -> str:
        return ""

    @app.get("/broken")
    def broken() -> str:
        get_db()
        abort(418)

    @app.get("/stream")
    def stream() -> Response:
        g.word = "kept"

        def words() -> Iterator[str]:
            yield g.get("word", "gone")

        return Response(stream_with_context(words()))

    @app.post("/login")
    def log_in() -> dict[str, Any]:
        body = request.get_json()
        session["user_id"], session["username"] = "1", body["username"]
        session.permanent = body.get("remember", False)
        return {}

    @app.post("/logout")
    def log_out() -> dict[str, Any]:
        session.pop("user_id", None)
        session.pop("username", None)
        return {}

    @app.get("/who")
    def who() -> dict[str, Any]:
        return {"username": session.get("username")}

    @app.post("/cart")
    def add() -> dict[str, Any]:
        session.setdefault("cart", {"lines": {}})
        return {}

    @app.post("/cart/nested")
    def add_in_place() -> dict[str, Any]:
        session["cart"]["lines"]["sku"] = 1
        return {}

    @app.get("/cart")
    def cart() -> dict[str, Any]:
        shown: dict[str, Any] = session.get("cart", {})
        return shown

    return app
