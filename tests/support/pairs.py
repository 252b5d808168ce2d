"""A genuine Flask session and ours, put through the same steps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import flask
import quart

from service.sessions import ShopSessions
from service.settings import Settings
from tests.support.keys import KEY

Step = Callable[[Any], Any]

SETTINGS = Settings(
    environment="development",
    database_url="postgresql://127.0.0.1/nowhere",
    secret_key=KEY,
    allowed_hosts=("localhost",),
    secure_cookies=False,
)


def sessions_app(step: Callable[[], Any]) -> quart.Quart:
    """Return an application that has our session and nothing else; ``/`` takes a step."""
    app = quart.Quart(__name__)
    app.session_interface = ShopSessions(SETTINGS)  # type: ignore[assignment]
    app.testing = True

    @app.get("/")
    async def take() -> str:
        step()
        return ""

    @app.errorhandler(TypeError)
    async def tell(error: TypeError) -> tuple[str, int]:
        return str(error), 500

    return app


class Pair:
    """Two browsers, one at Flask and one here; each step is one request at each."""

    def __init__(self) -> None:
        self._step: Step = lambda _: None
        self._outcomes: list[Any] = []
        theirs = flask.Flask(__name__)
        theirs.secret_key = KEY
        theirs.testing = True

        @theirs.get("/")
        def take() -> str:
            self._take(flask.session)
            return ""

        self._theirs = theirs.test_client()
        self._ours = sessions_app(lambda: self._take(quart.session)).test_client()

    def _take(self, session: Any) -> None:
        self._outcomes.append(attempt(self._step, session))

    async def both(self, step: Step) -> Any:
        """Return what came of the step, which must be the same at both."""
        self._step = step
        self._outcomes.clear()
        assert self._theirs.get("/").status_code == 200
        assert (await self._ours.get("/")).status_code == 200
        theirs, ours = self._outcomes
        assert ours == theirs, f"{ours} is not {theirs}"
        return ours

    async def ours(self, step: Step) -> quart.Response:
        """Take a step here alone."""
        self._step = step
        self._outcomes.clear()
        response: quart.Response = await self._ours.get("/")
        return response

    @property
    def outcome(self) -> Any:
        """What came of the last step."""
        return self._outcomes[-1]


def attempt(step: Step, session: Any) -> Any:
    """Return what a step gives, or the kind of error it raises."""
    try:
        return step(session)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return type(error)


def run_pair(steps: list[Step]) -> None:
    """Take the steps, each in a request of its own, and compare all of the session after each."""

    async def run() -> None:
        pair = Pair()
        for step in steps:
            await pair.both(step)
            await pair.both(dict)

    asyncio.run(run())
