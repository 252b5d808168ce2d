"""How many of the project's own functions a request goes through, and how often it changes files.

    python -m benchmarks.calls [REQUEST]

serves Locker on a PostgreSQL of its own, without the page /locker, sends each request twice to a
test client, and counts the second time: calls, different functions, different files, and moves
from one file to another, with `sys.setprofile`. A coroutine that goes on after waiting is no new
call. The last column counts those calls alone that are in the service's own package. With the name
of a request it lists its calls, too.
"""

from __future__ import annotations

import asyncio
import io
import secrets
import sys
import tempfile
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import asyncpg
from quart import Response
from quart.testing import QuartClient

import service
from service import create_app
from service.catalogue import import_products
from service.devserver import PostgresServer
from service.migrations import migrate
from service.settings import Limit, Settings

ROOT = str(Path(service.__file__).parents[1])
OWN = (f"{ROOT}/service/", f"{ROOT}/quart-locker/")
API = "/api/v1"
PASSWORD = "correct horse battery staple"  # noqa: S105 - nobody's
SKU = "STEP"
PRODUCTS = f"""Handle,Title,Published,Option1 Name,Option1 Value,Variant SKU,Variant Price
step,A step,true,Title,Default Title,{SKU},15.99
""".encode()

Prepare = Callable[[QuartClient], Awaitable[Any]]


def require(status: int) -> None:
    """End where a request that has to succeed doesn't."""
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        raise SystemExit(f"answered {status}")


async def nothing(client: QuartClient) -> dict[str, Any]:  # noqa: ARG001 - as the others
    """Come with nothing."""
    return {}


async def in_cart(client: QuartClient) -> dict[str, Any]:
    """Have had an answer, as a guest with something in the cart."""
    response = await client.post(f"{API}/cart/lines", json={"sku": SKU})
    body: dict[str, Any] = await response.get_json()
    return {"expected_total": body["total"]}


async def signed_in(client: QuartClient) -> dict[str, Any]:
    """Have an account, be logged in, and have something in the cart."""
    name = f"step-{secrets.token_hex(5)}"
    account = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    response = await client.post(f"{API}/account", json=account)
    require(response.status_code)
    return {**await in_cart(client), "username": name, "password": PASSWORD}


async def come_back(client: QuartClient) -> dict[str, Any]:
    """Have an account with a cart, and a guest's cart in this browser."""
    known = await signed_in(client)
    await client.delete(f"{API}/session")
    await in_cart(client)
    return {name: known[name] for name in ("username", "password")}


async def at_checkout(client: QuartClient) -> dict[str, Any]:
    return {"expected_total": (await signed_in(client))["expected_total"]}


REQUESTS: list[tuple[str, str, str, Prepare, dict[str, Any] | None, bool]] = [
    ("GET product, API", "GET", f"{API}/products/step", nothing, None, False),
    ("POST cart line, guest", "POST", f"{API}/cart/lines", in_cart, {"sku": SKU}, False),
    ("… with Idempotency-Key", "POST", f"{API}/cart/lines", in_cart, {"sku": SKU}, True),
    ("… signed in", "POST", f"{API}/cart/lines", signed_in, {"sku": SKU}, False),
    ("POST session, with a merge", "POST", f"{API}/session", come_back, None, False),
    ("POST order", "POST", f"{API}/orders", at_checkout, None, False),
    ("product page, new guest", "GET", "/products/step", nothing, None, False),
    ("product page, signed in", "GET", "/products/step", signed_in, None, False),
]
"""What it is called, how it is sent, what comes before it, its body (what comes before returns
it, where there is none), and whether it has an Idempotency-Key."""


COLUMNS = ("calls", "functions", "files", "moves", "service's")


class Browser(QuartClient):
    """A test client that comes by HTTPS, as cookies are sent by nothing else in production."""

    async def open(self, path: str, **options: Any) -> Response:
        return await super().open(path, scheme="https", **options)


class Trace:
    """The project's own calls, while it is on."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self._frames: dict[int, Any] = {}

    def __enter__(self) -> Self:
        sys.setprofile(self._see)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        self._frames.clear()

    def _see(self, frame: Any, event: str, _: Any) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(OWN) or id(frame) in self._frames:
            return
        # Kept, so that no other frame gets its id: a coroutine has one frame for all its life.
        self._frames[id(frame)] = frame
        self.calls.append((code.co_filename, code.co_qualname))

    def row(self) -> tuple[int, ...]:
        """Return the figures, and the calls that are the service's own (not quart_locker's)."""
        files = [file for file, _ in self.calls]
        moves = sum(one != other for one, other in pairwise(files))
        own = sum(file.startswith(OWN[0]) for file in files)
        return len(files), len(set(self.calls)), len(set(files)), moves, own


async def measure(url: str, *, show: str = "") -> None:
    db = await asyncpg.connect(url)
    await migrate(db)
    await import_products(db, io.BytesIO(PRODUCTS), currency="USD")
    await db.close()
    settings = Settings(
        environment="production",
        database_url=url,
        secret_key=secrets.token_hex(32),
        allowed_hosts=("localhost",),
        argon2=(64, 1, 1),
        log_level="ERROR",
        throttle_total=Limit(0, 0),
    )
    app = create_app(settings)
    print(f"{'':28}" + "".join(f"{name:>11}" for name in COLUMNS))
    async with app.test_app():
        for name, method, path, prepare, body, keyed in REQUESTS:
            for _ in range(2):  # once to have everything imported, compiled and prepared
                client = Browser(app)
                prepared = await prepare(client)
                content = prepared if body is None and method == "POST" else body
                headers = {"Idempotency-Key": secrets.token_hex(8)} if keyed else {}
                with Trace() as trace:
                    response = await client.open(path, method=method, json=content, headers=headers)
                require(response.status_code)
            print(f"{name:28}" + "".join(f"{number:11}" for number in trace.row()))
            if show == name:
                for file, function in trace.calls:
                    print("   ", file.removeprefix(f"{ROOT}/"), function)


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="locker-calls-") as folder,
        PostgresServer(Path(folder) / "postgres", durable=False) as server,
    ):
        asyncio.run(measure(server.dsn, show=" ".join(sys.argv[1:])))


if __name__ == "__main__":
    main()
