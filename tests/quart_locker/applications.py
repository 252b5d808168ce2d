"""Applications of other people's, which have `quart_locker` and nothing of the shop."""

from __future__ import annotations

from http.cookies import Morsel, SimpleCookie
from typing import Any

from quart import Quart, Response, request, session

from quart_locker import SectionedSessions
from tests.support.keys import KEY


def plain_app(**config: Any) -> Quart:
    """Return an application with a key and no session of ours yet; ``/`` shows and changes it."""
    app = Quart(__name__)
    app.testing = True
    app.config.update({"SECRET_KEY": KEY, **config})

    @app.route("/", methods=["GET", "PATCH"])
    async def kept() -> dict[str, Any]:
        for key, value in (await request.get_json() or {}).items():
            if key == "permanent":
                session.permanent = value
            elif value is None:
                session.pop(key, None)
            else:
                session[key] = value
        return dict(session)

    @app.get("/elsewhere")
    async def elsewhere() -> str:
        return ""

    return app


def sectioned_app(**config: Any) -> Quart:
    """Return such an application with a section for the cart."""
    app = plain_app(**config)
    SectionedSessions(app, sections=["cart"])
    return app


def sent(response: Response) -> dict[str, Morsel[str]]:
    """Return what an answer sets, by name."""
    headers = response.headers.getlist("Set-Cookie")
    return dict(morsel for header in headers for morsel in SimpleCookie(header).items())
