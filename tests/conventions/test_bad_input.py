"""Every bad input on every route: refused in problem+json, never our fault, and nothing written.

The requests are made from the document, so a new route is swept without anyone asking for it.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import asyncpg
import httpx
import pytest
from quart import Quart

from service import create_app
from service.settings import Settings
from tests.support.asgi import Answer, Caller
from tests.support.bad_input import Bad, bad_requests
from tests.support.databases import lasting_database
from tests.support.document import OPERATIONS, Operation, resolve
from tests.support.operators import operator_of
from tests.support.shopping import API, PASSWORD, Product, new_name

CALLERS = ("guest", "signed in")
SWEPT = [
    pytest.param(operation, caller, id=f"{operation.id}-{caller}")
    for operation in OPERATIONS
    for caller in (("operator",) if operation.for_operators else CALLERS)
]


@pytest.fixture(scope="module")
def swept_url(server_url: str, template: str) -> Iterator[str]:
    """A database of this file's own: all of it is compared, over and over."""
    with lasting_database(server_url, template) as url:
        yield url


@pytest.fixture(scope="module")
def settings(settings: Settings, swept_url: str) -> Settings:
    return dataclasses.replace(settings, database_url=swept_url)


@pytest.fixture(scope="module")
async def app(settings: Settings) -> AsyncIterator[Quart]:
    """The service; bodies may be large, so that those that nest deeply are read at all."""
    app = create_app(dataclasses.replace(settings, max_body=2_000_000))
    async with app.test_app():
        yield app


@pytest.fixture
async def caller(request: pytest.FixtureRequest, app: Quart, product: Product) -> Caller:
    """A guest, an account or an operator, with something in the cart."""
    transport = httpx.ASGITransport(cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        added = await client.post(f"{API}/cart/lines", json={"sku": product.sku})
        assert added.status_code == 201
        if request.param == "signed in":
            name = new_name()
            account = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
            assert (await client.post(f"{API}/account", json=account)).status_code == 201
        if request.param == "operator":
            client.headers.update((await operator_of(app)).headers)
            # The first use of a token is noted.
            await client.get(f"{API}/admin/nothing")
        # As the client would send them.
        headers = client.build_request("GET", "/").headers
        return Caller(app, {name.lower(): value for name, value in headers.raw})


async def stored(observer: asyncpg.Connection[asyncpg.Record]) -> dict[str, str]:
    """Return each table's content, short; that somebody was refused may be recorded."""
    tables = await observer.fetch(
        "select format('%I', tablename) as name from pg_tables where schemaname = 'public'"
    )
    return {
        name: await observer.fetchval(
            f"select count(*) || md5(string_agg(t::text, ' ' order by t::text)) from {name} as t"  # noqa: S608
            " where to_jsonb(t) ->> 'event' is distinct from 'refused'"
        )
        for (name,) in tables
    }


def complaint(operation: Operation, bad: Bad, response: Answer) -> str | None:
    """Return what is wrong with the answer."""
    if response.headers["Content-Type"] != "application/problem+json":
        return f"{response.status_code} {response.headers['Content-Type']}"
    problem = response.json()
    got = (response.status_code, problem["code"])
    if got not in bad.expected or problem["status"] != response.status_code:
        return f"{got}: {problem}"
    if problem["request_id"] != response.headers["X-Request-Id"]:
        return "another request's id"
    if problem["code"] not in operation.codes(response.status_code):
        return f"{got} is not in the document"
    declared = resolve(operation.declared["responses"][str(response.status_code)])
    base, own = resolve(declared["content"]["application/problem+json"]["schema"])["allOf"]
    undeclared = problem.keys() - resolve(base)["properties"].keys() - own["properties"].keys()
    return f"{undeclared} not in the document" if undeclared else None


@pytest.mark.parametrize(("operation", "caller"), SWEPT, indirect=["caller"])
async def test_bad_input_is_refused(
    operation: Operation,
    caller: Caller,
    observer: asyncpg.Connection[asyncpg.Record],
) -> None:
    """Bad input is refused with the status and code it deserves, and leaves no trace."""
    before = await stored(observer)
    wrong = {}
    for bad in bad_requests(operation):
        headers = [(name.encode(), value.encode("latin-1")) for name, value in bad.headers.items()]
        response = await caller.request(
            operation.method, bad.path, content=bad.body, headers=headers
        )
        if found := complaint(operation, bad, response):
            wrong[bad.what] = found
    assert wrong == {}
    assert await stored(observer) == before


@pytest.mark.parametrize("caller", CALLERS, indirect=True)
async def test_a_byte_order_mark_before_a_body_is_ignored(caller: Caller) -> None:
    """Every operation that takes a body answers as it does without the mark."""
    headers = [(b"Content-Type", b"application/json")]
    for operation in OPERATIONS:
        if operation.schema is None:
            continue
        body = json.dumps(operation.body).encode()
        # Twice, as the first may change what the second finds.
        codes = [
            (
                await caller.request(
                    operation.method, operation.path(), content=content, headers=headers
                )
            ).status_code
            for content in (body, body, b"\xef\xbb\xbf" + body)
        ]
        assert codes[1] == codes[2] != 400, operation.id


@pytest.mark.parametrize(
    ("operation", "caller"),
    [case for case in SWEPT if case.values[1] != "signed in"],
    indirect=["caller"],
)
async def test_odd_headers_break_nothing(operation: Operation, caller: Caller) -> None:
    """Whatever stands in a header, a cookie above all, the answer is not our fault.

    Every operation gets every header, and in each a third of the values: those of its turn.
    """
    odd = [
        b"",
        b"\xff",
        b"a" * 8000,
        b'"',
        b"=",
        b";=;",
        b"\xed\xa0\x80",
        b"%00",
        b"-1",
        b"W/",
        b",,",
    ]
    names = (
        "Accept Accept-Encoding Accept-Language Access-Control-Request-Method Authorization "
        "Cookie Expect Forwarded Idempotency-Key If-Match If-Modified-Since If-None-Match "
        "Locker-Cart Locker-Order-Key Origin Range Referer Sec-Fetch-Site User-Agent "
        "X-Forwarded-For X-Forwarded-Prefix X-Forwarded-Proto X-Request-Id traceparent"
    )
    for turn, name in enumerate(names.split(), OPERATIONS.index(operation)):
        for value in odd[turn % 3 :: 3]:
            response = await caller.request(
                operation.method,
                operation.path(),
                content=b"{}" if operation.schema else None,
                headers=[(b"Content-Type", b"application/json"), (name.encode(), value)],
            )
            assert response.status_code < 500, (name, value, response.text)
            assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", response.headers["X-Request-Id"])
