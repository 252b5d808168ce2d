"""Reading changes nothing, whoever leads a browser to it."""

from __future__ import annotations

from typing import Any, TypeAlias

import asyncpg
from quart import Quart

from tests.support.shopping import Product, add, register

Observer: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

KEPT = (
    "select a::text from accounts a where id = $1",
    "select c::text from carts c where account_id = $1",
    "select o::text from orders o where account_id = $1",
    "select p::text from preferences p where account_id = $1",
    "select d::text from devices d where account_id = $1",
    "select a::text from audit a where account_id = $1 order by id",
    "select token_hash, ended_at, expires_at from logins where account_id = $1",
)


async def test_no_get_changes_anything(app: Quart, observer: Observer, product: Product) -> None:
    """Every route that can be read, as another site would lead there: no row differs after it.

    But for the time at which the login was last seen.
    """
    client = app.test_client()
    account_id = (await register(client))["user"]["id"]
    await add(client, product.sku)

    async def rows() -> list[Any]:
        return [list(map(tuple, await observer.fetch(rows, account_id))) for rows in KEPT]

    before = await rows()
    values = {"handle": product.handle, "sku": product.sku, "number": "AAAA-AAAA"}
    urls, read = app.url_map.bind("localhost"), []
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.arguments <= values.keys():
            path = urls.build(rule.endpoint, {name: values[name] for name in rule.arguments})
            response = await client.get(path, headers={"Sec-Fetch-Site": "cross-site"})
            assert response.status_code < 500
            read.append(path)
    assert len(read) > 20
    assert await rows() == before
