"""What the session costs a request, without the request: `python -m benchmarks.sessions`.

A login and a cart of three lines are read from their cookies, and saved: once as they are, once
with a line more. It prints processor time, the best of nine times 500.
"""

from __future__ import annotations

import asyncio
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable
from functools import partial

from quart import Quart, Response, session
from quart.wrappers import Request

from quart_locker import SectionedSessions, Session

ROUNDS, TIMES = 9, 500

app = Quart(__name__)
app.config["SECRET_KEY"] = secrets.token_hex(32)
sessions = SectionedSessions(app, sections=("cart", "preferences"))


async def make_cookies() -> str:
    """Return the header with the cookies of a shopper who is signed in."""

    @app.get("/")
    async def begin() -> str:
        session.permanent = True
        session["user_id"], session["username"] = str(uuid.uuid4()), "somebody"
        session["login"] = secrets.token_urlsafe(32)
        ids = {name: str(uuid.uuid4()) for name in ("id", "account", "next")}
        session["cart"] = {**ids, "revision": 7, "lines": [[1017, 1], [2017, 2], [3017, 3]]}
        return ""

    response = await app.test_client().get("/")
    return "; ".join(each.split(";")[0] for each in response.headers.getlist("Set-Cookie"))


async def visit(request: Request, change: Callable[[Session], None]) -> None:
    opened = await sessions.open_session(app, request)
    opened.get("user_id"), opened.get("login"), opened.get("cart")
    change(opened)
    await sessions.save_session(app, opened, Response(""))


def add_line(opened: Session) -> None:
    cart = opened["cart"]
    opened["cart"] = {**cart, "revision": 8, "lines": [*cart["lines"], [9000, 2]]}


async def best(action: Callable[[], Awaitable[None]]) -> float:
    """Return microseconds of processor time."""
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(TIMES):
            await action()
        times.append((time.process_time() - began) / TIMES * 1e6)
    return min(times)


async def main() -> None:
    cookies = await make_cookies()
    async with app.test_request_context("/", headers={"Cookie": cookies}) as context:
        for what, change in (("read", lambda _: None), ("read, the cart changed", add_line)):
            took = await best(partial(visit, context.request, change))
            print(f"{what}: {took:.0f} µs")


if __name__ == "__main__":
    asyncio.run(main())
