"""Errors as pages, and what every page carries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

import asyncpg
import httpx
import pytest
from quart import Quart

from service.catalogue import queries
from service.settings import Limit
from tests.pages.conftest import Visitor
from tests.support.document import app as make_app
from tests.support.shopping import API, Product

HTML = {"Accept": "text/html"}


async def test_a_page_that_is_not_there(browser: Visitor) -> None:
    """A page that isn't there is a page with the request's id; the API's 404 stays its own."""
    page = await browser.get("/nothing", headers={"X-Request-Id": "seen-by-me"})
    assert page.status_code == 404
    assert "seen-by-me" in page.text
    for path in (f"{API}/nothing", "/livez/nothing"):
        problem = await browser.get(path, headers={"Accept": "text/html;q=0.9"})
        expected = "application/problem+json" if path.startswith("/api/") else "text/html"
        assert problem.headers["Content-Type"].startswith(expected)
    program = await browser.get("/nothing", headers={"Accept": "*/*"})
    assert program.headers["Content-Type"] == "application/problem+json"


async def test_a_form_from_another_site(browser: Visitor, product: Product) -> None:
    """A form from another site is refused as a page, and does nothing."""
    response = await browser.post(
        "/cart/lines", data={"sku": product.sku}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert response.status_code == 403
    assert "another site" in response.text
    assert "Nothing in your cart yet" in (await browser.get("/cart")).text


async def test_too_many_attempts(start_app: Callable[..., Awaitable[Quart]]) -> None:
    """The page says when to try again, and so does the header."""
    app = await start_app(throttle_account=Limit(1, 60))
    transport = httpx.ASGITransport(cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        form = {"username": "someone-throttled", "password": "wrong-wrong-wrong"}
        await client.post("/login", data=form, headers=HTML)
        response = await client.post("/login", data=form, headers=HTML)
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0
    assert "Please try again in" in response.text


async def test_the_database_is_away(start_app: Callable[..., Awaitable[Quart]]) -> None:
    """The page needs none, and says when to try again."""
    app = await start_app(database_url="postgresql://nobody@127.0.0.1:1/nothing")
    transport = httpx.ASGITransport(cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        response = await client.get("/", headers=HTML)
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert "Please try again in 1 second." in response.text


async def test_what_nobody_foresaw(browser: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page has the request's id, and nothing of the cause."""

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a secret cause")

    monkeypatch.setattr(queries, "select_product", fail)
    response = await browser.get("/products/anything")
    assert response.status_code == 500
    assert response.headers["X-Request-Id"] in response.text
    assert "secret cause" not in response.text


def _forms() -> list[str]:
    rules = make_app().url_map.iter_rules()
    return sorted(
        rule.rule.replace("<uuid:login_id>", "6a6bd2a4-3f9d-4f0a-9f9d-3f9d4f0a9f9d")
        .replace("<uuid:token_id>", "6a6bd2a4-3f9d-4f0a-9f9d-3f9d4f0a9f9d")
        .replace("<number>", "K7RX-3MDT")
        for rule in rules
        if "POST" in (rule.methods or ()) and not rule.rule.startswith("/api/")
    )


@pytest.mark.parametrize("path", _forms())
async def test_bad_forms(path: str, browser: Visitor) -> None:
    """Whatever a form holds, the answer is not our fault, for guests and others."""
    bad: list[tuple[bytes, str]] = [
        (b"", "application/x-www-form-urlencoded"),
        (b"sku=%00", "application/x-www-form-urlencoded"),
        (b"sku=%ff&username=%ed%a0%80&name=%ff", "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"sku=a&sku=b", "application/x-www-form-urlencoded"),
        (b"sku=a&quantity=1.0&expected_total=1.0", "application/x-www-form-urlencoded"),
        (b"expected_total=99999999999999999999", "application/x-www-form-urlencoded"),
        (b"sku=a&quantity=-1", "application/x-www-form-urlencoded"),
        (b"sku=a&quantity=9999999999", "application/x-www-form-urlencoded"),
        (b"theme=pink&locale=xx&page_size=10000", "application/x-www-form-urlencoded"),
        (b"username=" + b"a" * 5000 + b"&password=b", "application/x-www-form-urlencoded"),
        (b"unknown=1", "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % n for n in range(2000)), "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
        (b"x" * 100_000, "application/x-www-form-urlencoded"),
    ]
    for caller in ("guest", "signed in"):
        if caller == "signed in" and path != "/register":
            await browser.register()
        for body, kind in bad:
            response = await browser.post(path, content=body, headers={"Content-Type": kind})
            assert response.status_code < 500, (caller, body[:40], response.text)


@pytest.mark.parametrize("path", ["/", "/login", "/register", "/orders", "/products/x"])
@pytest.mark.parametrize(
    "query", ["q=%00", "q=%ff", "after=x", "q=a&q=b", "type=" + "x" * 999, "next=%0d%0a", "%"]
)
async def test_bad_queries(path: str, query: str, browser: Visitor) -> None:
    """Nothing that stands in a page's query is a 5xx."""
    await browser.register()
    assert (await browser.get(f"{path}?{query}")).status_code < 500


async def test_private_pages_are_not_kept(browser: Visitor, product: Product) -> None:
    """No page with anything of the shopper's own is stored anywhere, and caches tell them apart."""
    await browser.register()
    await browser.send_form("/cart/lines", sku=product.sku)
    for path in ("/", f"/products/{product.handle}", "/cart", "/checkout", "/account", "/orders",
                 "/preferences", "/login", "/nothing"):  # fmt: skip
        response = await browser.get(path)
        assert response.headers["Cache-Control"] == "no-store", path
        assert "Cookie" in response.headers["Vary"], path


@pytest.mark.parametrize("path", ["/products/{handle}", "/", "/?q={sku}", "/?type=Thing"])
async def test_a_page_may_be_kept(
    browser: Visitor,
    product: Product,
    observer: asyncpg.Connection[asyncpg.Record],
    path: str,
) -> None:
    """A page is kept for those without a cookie, and is 304 while nothing on it changes."""
    path = path.format(handle=product.handle, sku=product.sku)
    first = await browser.get(path)
    assert first.headers["Cache-Control"] == "public, max-age=60"
    assert "Cookie" in first.headers["Vary"]
    assert "Set-Cookie" not in first.headers
    known = {"If-None-Match": first.headers["ETag"]}
    assert (await browser.get(path, headers=known)).status_code == 304
    if product.handle in path:
        await observer.execute("update variants set stock = 1 where sku = $1", product.sku)
        assert (await browser.get(path, headers=known)).status_code == 200


@pytest.mark.parametrize("path", ["/", "/products/{handle}"])
@pytest.mark.parametrize("section", ["cart", "preferences", "flash", "login"])
async def test_a_page_of_ones_own_is_not_kept(
    browser: Visitor, product: Product, section: str, path: str
) -> None:
    """A page with anything of the browser's own on it is kept by nothing in between."""
    path = path.format(handle=product.handle)
    match section:
        case "cart":
            await browser.get("/cart/identity")
        case "preferences":
            await browser.send_form("/preferences", theme="dark", locale="de", page_size=10)
        case "flash":
            browser.follow_redirects = False
            await browser.send_form("/cart/lines", handle=product.handle, sku="nothing-like-it")
        case "login":
            await browser.register()
    response = await browser.get(path)
    assert response.headers["Cache-Control"] == "no-store"
    assert "Cookie" in response.headers["Vary"]


async def test_static_files(browser: Visitor) -> None:
    """Static files are kept for good with the hash of their content; gzip if asked."""
    page = (await browser.get("/")).text
    url = next(part for part in page.split('"') if part.startswith("/static/shop.css?v="))
    kept = await browser.get(url)
    assert "immutable" in kept.headers["Cache-Control"]
    assert kept.headers["Content-Encoding"] == "gzip"
    assert "Cookie" not in kept.headers["Vary"]
    assert "Set-Cookie" not in kept.headers
    script = await browser.get("/static/shop.js")
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    other = await browser.get("/static/shop.css?v=0", headers={"Accept-Encoding": "identity"})
    assert other.headers["Cache-Control"] == "no-cache"
    assert "Content-Encoding" not in other.headers
    assert other.text == kept.text
    known = {"If-None-Match": kept.headers["ETag"]}
    assert (await browser.get(url, headers=known)).status_code == 304
    for path in ("/static/nothing.css", "/static/../settings.py", "/static/%2e%2e/settings.py",
                 "/static/" + "a" * 5000, "/static/drawings"):  # fmt: skip
        assert (await browser.get(path)).status_code == 404


@pytest.mark.parametrize("query", ["after=garbage", "after=K7RX", "after=K7RX-3MDT"])
async def test_an_unusable_place_in_the_orders(browser: Visitor, query: str) -> None:
    """Is their beginning, or an empty list, not an error."""
    await browser.register()
    response = await browser.get(f"/orders?{query}")
    assert response.status_code == 200
    assert "Your orders" in response.text


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/cart/lines", {"sku": "a", "quantity": "x"}),
        ("/cart/quantity", {"quantity": "1"}),
        ("/cart/lines", {"unknown": "1"}),
    ],
)
async def test_pages_speak_to_people(browser: Visitor, path: str, fields: dict[str, str]) -> None:
    """A page says none of a parser's words, also where a form can't be read."""
    response = await browser.send_form(path, **fields)
    assert response.status_code == 422
    assert "Please go back and try again" in response.text
    for word in ("Expected", "field", "Object", "`"):
        assert word not in response.text.split("<main")[1].split("</main")[0]
    assert "<title>Error: " in response.text
