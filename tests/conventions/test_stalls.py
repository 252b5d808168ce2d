"""The event loop is nobody's to hold: whatever a request has in it, the others don't notice."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass

import asyncpg
import pytest

from service.http.operators import AREA
from service.settings import Settings
from tests.support.awkward import Awkward, Route, routes
from tests.support.document import app
from tests.support.operators import make_operator
from tests.support.serving import Served, serve
from tests.support.shopping import API, PASSWORD, new_name

# Thousands of requests, with nothing beside them: `make test-document`.
pytestmark = pytest.mark.slow

MOST = 50.0
"""Milliseconds that the loop may be held."""
TRIES = 3
"""A collection of garbage, or a busy machine, isn't the input's doing."""


class Client:
    """A client of a few bytes' comfort: it sends what no library would."""

    def __init__(self, served: Served) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
        self.cookie = b""
        self.authorization = ""

    def send(self, request: Awkward) -> int:
        """Send the request; returns the status, or 0 where the connection ended without one."""
        connection = self._connection
        names = {name for name, _ in request.headers}
        try:
            connection.putrequest(
                request.method, request.path, skip_host=True, skip_accept_encoding=True
            )
            if "Host" not in names:
                connection.putheader("Host", "localhost")
            if self.cookie and len(b"".join(value for _, value in request.headers)) < 1000:
                connection.putheader("Cookie", self.cookie)
            for name, value in request.headers:
                connection.putheader(name, value)
            if request.path.startswith(AREA) and "Authorization" not in names:
                connection.putheader("Authorization", self.authorization)
            if request.body is not None:
                if "Content-Type" not in names:
                    connection.putheader("Content-Type", "application/json")
                connection.putheader("Content-Length", str(len(request.body)))
            connection.endheaders(request.body)
            response = connection.getresponse()
            response.read()
        except (http.client.HTTPException, OSError):
            connection.close()
            return 0
        return response.status

    def stall(self) -> float:
        """Return the longest stall since it was last asked for, in milliseconds."""
        self._connection.request("GET", "/stall")
        return float(self._connection.getresponse().read())

    def close(self) -> None:
        self._connection.close()

    def register(self) -> None:
        name = new_name()
        body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        headers = {"Content-Type": "application/json", "Host": "localhost"}
        self._connection.request("POST", f"{API}/account", json.dumps(body), headers)
        response = self._connection.getresponse()
        response.read()
        cookies = response.headers.get_all("Set-Cookie") or []
        self.cookie = "; ".join(cookie.split(";")[0] for cookie in cookies).encode()


async def authorize(settings: Settings) -> str:
    """Return what an operator's request is authorized by."""
    db = await asyncpg.connect(settings.database_url)
    try:
        return (await make_operator(db)).headers["Authorization"]
    finally:
        await db.close()


@dataclass
class Sweep:
    """What has been sent so far, and what it came to."""

    client: Client
    sent: int = 0
    longest: float = 0.0
    by: str = ""


@pytest.fixture(scope="module")
def sweep(settings: Settings) -> Iterator[Sweep]:
    """The service as it is served, with a watch on its loop; tells the figure at the end."""
    with (
        serve(settings, app="tests.support.stalls:create_app()", trusted_proxies=1) as served,
        contextlib.closing(Client(served)) as client,
    ):
        client.authorization = asyncio.run(authorize(settings))
        sweep = Sweep(client)
        yield sweep
    print(  # noqa: T201 - the figure is what it is for
        f"\n{sweep.sent} requests; the loop was held for {sweep.longest:.1f} ms at most,"
        f" by {sweep.by}"
    )


ROUTES = routes(app())
FIRST = {route.kind: route for route in reversed(ROUTES)}
"""One of each kind: its every field of a head is tried by itself."""


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_no_input_holds_the_loop(route: Route, sweep: Sweep) -> None:
    """The largest and most awkward input to a route holds the loop for less than 50 ms.

    Signed in, so that it gets as far as it can.
    """
    each_field = FIRST[route.kind] is route
    client, requests = sweep.client, list(route.awkward_requests(each_field=each_field))
    client.register()
    # The first page of a kind has its template compiled, once and for all.
    client.send(Awkward("a page", route.method, requests[0].path, [("Accept", b"text/html")]))
    client.stall()
    for request in requests:
        client.send(request)
    sweep.sent += len(requests)
    stall, what = client.stall(), "all of them"
    if stall >= MOST:
        stall, what = max((_least_stall(client, request), request.what) for request in requests)
    if stall > sweep.longest:
        sweep.longest, sweep.by = stall, str(route)
    assert stall < MOST, what


def _least_stall(client: Client, request: Awkward) -> float:
    """Return the least of a few tries, which is the input's own doing."""
    stalls = []
    for _ in range(TRIES):
        client.send(request)
        stalls.append(client.stall())
        if stalls[-1] < MOST:
            break
    return min(stalls)
