"""The service below a path: links, cookies and documents lead to where it is."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from quart import Quart

from service import create_app
from service.errors import SettingsError
from service.settings import Settings
from tests.support.shopping import API, add_product, new_name, register

LINK = re.compile(
    r' (?:href|src|action|hx-get|hx-post|data-root|data-identity|data-path)="(/[^"]*)"'
)
PAGES = (
    "/",
    "/cart",
    "/login",
    "/register",
    "/account",
    "/orders",
    "/preferences",
    "/checkout",
    "/locker",
    "/docs",
    "/suggestions?q=tent",
    "/nothing",
)


@asynccontextmanager
async def below(settings: Settings, **changes: Any) -> AsyncIterator[Quart]:
    app = create_app(dataclasses.replace(settings, **changes))
    async with app.test_app():
        yield app


def named_in(page: str) -> list[str]:
    return LINK.findall(page)


@pytest.mark.parametrize("front", ["/shop", ""], ids=["path kept", "path taken"])
@pytest.mark.parametrize("named", ["setting", "header"])
async def test_a_shoppers_visit(settings: Settings, named: str, front: str) -> None:
    """Every link of every page leads below the prefix, and so do redirects and cookies."""
    changes: dict[str, Any] = {"prefix": "/shop"} if named == "setting" else {"trusted_proxies": 1}
    headers = {} if named == "setting" else {"X-Forwarded-Prefix": "/shop"}
    async with below(settings, **changes) as app:
        client: Any = app.test_client(use_cookies=False)
        jar: dict[str, str] = {}

        async def ask(method: str, path: str, **more: Any) -> Any:
            cookies = "; ".join(f"{name}={value}" for name, value in jar.items())
            response = await client.open(
                front + path,
                method=method,
                headers={**headers, "Accept": "text/html", "Cookie": cookies},
                **more,
            )
            for line in response.headers.getlist("Set-Cookie"):
                name, _, rest = line.partition("=")
                jar[name] = rest.partition(";")[0]
                assert f"Path={'/shop' if named == 'setting' else '/'};" in f"{line};"
            return response

        name = new_name()
        form = {"username": name, "email": f"{name}@shop.example", "password": "correct horse 9"}
        made = await ask("POST", "/register", form=form)
        assert (made.status_code, made.headers["Location"]) == (303, "/shop/")
        for path in PAGES:
            page = await ask("GET", path)
            if page.status_code == 303:
                assert page.headers["Location"].startswith("/shop/"), path
                continue
            links = named_in(await page.get_data(as_text=True))
            assert all(link.startswith("/shop/") for link in links), (path, links)
        out = await ask("POST", "/logout")
        assert out.headers["Location"] == "/shop/"
        asked = await ask("GET", "/orders")
        assert asked.headers["Location"] == "/shop/login?next=%2Forders"


async def test_documents(settings: Settings) -> None:
    """The OpenAPI document, robots.txt and the sitemap name addresses below the prefix."""
    async with below(settings, prefix="/shop") as app:
        client: Any = app.test_client()
        document = await (await client.get("/shop/openapi.json")).get_json()
        assert document["servers"] == [{"url": "/shop"}]
        robots = await (await client.get("/shop/robots.txt")).get_data(as_text=True)
        assert "Disallow: /shop/account" in robots
        assert "/shop/sitemap.xml" in robots
        sitemap = await (await client.get("/shop/sitemap.xml")).get_data(as_text=True)
        assert all("/shop/" in each for each in re.findall("<loc>(.*?)</loc>", sitemap))


async def test_the_api(settings: Settings) -> None:
    """The API is below the prefix too, and so is where it says that an order is."""
    async with below(settings, prefix="/shop") as app:
        product = await add_product(settings.database_url)
        client: Any = app.test_client()
        name, password = new_name(), "correct horse 9 battery"
        account = {"username": name, "email": f"{name}@shop.example", "password": password}
        made = await client.post(f"/shop{API}/account", json=account)
        assert made.status_code == 201
        added = await client.post(f"/shop{API}/cart/lines", json={"sku": product.sku})
        total = (await added.get_json())["total"]
        placed = await client.post(f"/shop{API}/orders", json={"expected_total": total})
        assert placed.headers["Location"].startswith(f"/shop{API}/orders/")
        assert (await client.get(placed.headers["Location"])).status_code == 200


async def test_probes_need_no_prefix(settings: Settings) -> None:
    """What asks a process by its own address needs to know nothing of the proxy."""
    async with below(settings, prefix="/shop") as app:
        for path in ("/livez", "/readyz", "/shop/livez"):
            assert (await app.test_client().get(path)).status_code == 200


@pytest.mark.parametrize(
    "said",
    [
        "//evil.example",
        "https://evil.example",
        "/shop/../admin",
        "/.",
        '/"><script>',
        "/" + "a" * 60_000,
        "/a b",
        "shop",
        "/%2e%2e",
    ],
)
async def test_no_prefix_is_made_of_anything(settings: Settings, said: str) -> None:
    """What a proxy says that is no plain path changes no link."""
    async with below(settings, trusted_proxies=1) as app:
        page = await app.test_client().get("/login", headers={"X-Forwarded-Prefix": said})
        assert "/register" in {link.partition("?")[0] for link in named_in(str(await page.data))}


async def test_no_cache_keeps_what_a_header_made(settings: Settings) -> None:
    """A page for a prefix that a header said stays in that browser: it fits no other's address."""
    async with below(settings, trusted_proxies=1) as app:
        for path in ("/", "/robots.txt"):
            for headers in ({}, {"X-Forwarded-Prefix": "/evil"}):
                page = await app.test_client().get(path, headers=headers)
                kept = page.headers["Cache-Control"]
                assert ("public" in kept, "private" in kept) == (not headers, bool(headers))


async def test_a_stranger_sets_no_prefix(settings: Settings) -> None:
    """The prefix of a header counts from a proxy that is believed, and from nobody else."""
    async with below(settings) as app:
        page = await app.test_client().get("/login", headers={"X-Forwarded-Prefix": "/evil"})
        assert b"/evil" not in await page.data
    async with below(settings, trusted_proxies=1) as app:
        page = await app.test_client().get("/login", headers={"X-Forwarded-Prefix": "/evil, /shop"})
        assert b"/evil" not in await page.data
        assert b'"/shop/register' in await page.data


@pytest.mark.parametrize("prefix", ["shop", "/shop/", "/", "//shop", "/sh op", "/..", '/"'])
def test_what_is_no_prefix_stops_the_start(settings: Settings, prefix: str) -> None:
    """A prefix that no path could begin with is refused with an example of one."""
    with pytest.raises(SettingsError, match="LOCKER_PREFIX must be a path"):
        dataclasses.replace(settings, prefix=prefix)


@pytest.mark.parametrize("name", ["", "__Host-session", "a b", "a;b", "sessión", "x" * 41])
def test_what_is_no_cookie_name_stops_the_start(settings: Settings, name: str) -> None:
    """A name that browsers wouldn't take, or that promises what isn't so, is refused."""
    with pytest.raises(SettingsError, match="LOCKER_COOKIE_NAME must be"):
        dataclasses.replace(settings, cookie_name=name)


async def test_two_services_on_one_host(settings: Settings) -> None:
    """Two services with names of their own for cookies don't log each other's shoppers out."""
    async with below(settings) as one, below(settings, cookie_name="second") as two:
        first: Any = one.test_client()
        second: Any = two.test_client()
        await register(first)
        names = {cookie.name for cookie in first.cookie_jar}
        second.cookie_jar = first.cookie_jar
        await register(second)
        assert {cookie.name for cookie in second.cookie_jar} > names
        assert "second" in {cookie.name for cookie in second.cookie_jar}
        for client in (first, second):
            assert (await client.get(f"{API}/account")).status_code == 200


@pytest.mark.parametrize(
    ("prefix", "name"), [("", "__Host-session"), ("/shop", "__Secure-session")]
)
async def test_names_say_what_browsers_hold(settings: Settings, prefix: str, name: str) -> None:
    """`__Host-` is for the whole host alone; below a prefix it is `__Secure-` and the path."""
    async with below(settings, secure_cookies=True, prefix=prefix) as app:
        made = await app.test_client().get(f"{prefix}{API}/cart", scheme="https")
        cookie = made.headers["Set-Cookie"]
        assert cookie.startswith(f"{name}-cart=")
        assert f"Path={prefix or '/'};" in f"{cookie};"
