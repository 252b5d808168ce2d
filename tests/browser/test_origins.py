"""Pages of other origins, in a real browser over TLS: what `fetch` lets them do, and what not.

The shop is ``api.shop.example``. ``www.shop.example`` is of its site, ``app.example`` of another;
the origins that nobody listed are of the one and of the other as well.
"""

from __future__ import annotations

import http.server
import json
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from service.settings import Settings
from tests.support.certificates import make_certificate
from tests.support.chromium import find_chromium, running_browser
from tests.support.clients_page import code
from tests.support.serving import serve
from tests.support.shopping import PASSWORD, add_product, new_name

pytestmark = pytest.mark.asyncio(loop_scope="session")

API = "https://api.shop.example/api/v1"
SAME_SITE, OTHER_SITE = "https://www.shop.example", "https://app.example"
UNLISTED = ("https://old.shop.example", "https://evil.example")
HOSTS = [origin.removeprefix("https://") for origin in (SAME_SITE, OTHER_SITE, *UNLISTED)]
MODULE = code("From a browser app", "js")
OpenPage = Callable[[str], Awaitable[Page]]


class Blank(http.server.BaseHTTPRequestHandler):
    """Answers every address with the same page, which has the module of the documentation."""

    def do_GET(self) -> None:
        is_module = self.path == "/shop.js"
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if is_module else "text/html")
        self.end_headers()
        self.wfile.write(MODULE.encode() if is_module else b"<!doctype html><title>A page</title>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@contextmanager
def front_ends(certificate: tuple[Path, Path]) -> Iterator[int]:
    """Serve the page over TLS on a free port, whatever the name."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Blank)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    # Not while it is accepted: a handshake that nobody ends would keep all the others waiting.
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def ports(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[int]]:
    """Those of the shop, and of the pages that others serve."""
    if find_chromium() is None:
        pytest.skip("no Chromium here (Debian: apt install chromium)")
    folder = tmp_path_factory.mktemp("certificate")
    make_certificate(folder)
    certificate = folder / "shop.example.crt", folder / "shop.example.key"
    shop = serve(
        settings,
        tls=certificate,
        secure_cookies=True,
        allowed_hosts=("api.shop.example", "127.0.0.1"),
        trusted_origins=(SAME_SITE, OTHER_SITE),
    )
    with shop as served, front_ends(certificate) as port:
        yield [served.port, port]


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(ports: list[int]) -> AsyncIterator[OpenPage]:
    """Open pages of these origins, all in one browser, which has one jar of cookies."""
    rules = [f"MAP api.shop.example:443 127.0.0.1:{ports[0]}"]
    rules += [f"MAP {host}:443 127.0.0.1:{ports[1]}" for host in HOSTS]
    async with running_browser(f"--host-resolver-rules={','.join(rules)}") as browser:
        context = await browser.new_context(ignore_https_errors=True)

        async def open_one(origin: str) -> Page:
            page = await context.new_page()
            await page.goto(f"{origin}/")
            return page

        yield open_one


@pytest_asyncio.fixture(loop_scope="session")
async def sku(settings: Settings) -> str:
    return (await add_product(settings.database_url)).sku


async def call(page: Page, function: str, *arguments: Any) -> Any:
    """Call a function of the documentation's module; returns what it refused, too."""
    return await page.evaluate(
        """async ([name, given]) => {
            const shop = await import("/shop.js");
            try { return await shop[name](...given); }
            catch (error) { return {error: error.name, ...error}; }
        }""",
        [function, arguments],
    )


async def attempt(page: Page, method: str, path: str, **request: Any) -> str:
    """Send a request by `fetch`; returns what the page gets to know of its answer."""
    told: str = await page.evaluate(
        """async ([url, request]) => {
            try {
                const response = await fetch(url, request);
                return `${response.type} ${response.status}`;
            } catch (error) { return error.name; }
        }""",
        [f"https://api.shop.example{path}", {"method": method, **request}],
    )
    return told


def account() -> dict[str, str]:
    name = new_name()
    return {"username": name, "email": f"{name}@example.com", "password": PASSWORD}


def as_json(body: dict[str, Any]) -> dict[str, Any]:
    return {"headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}


async def test_a_page_of_the_same_site_has_the_session(open_page: OpenPage, sku: str) -> None:
    """A listed subdomain's page orders as a guest, registers, changes, and logs out."""
    page = await open_page(SAME_SITE)
    order = await call(page, "buy", sku, "ada@example.com")
    assert (order["status"], len(order["lines"])) == ("placed", 1)
    shown = await call(page, "ask", "GET", f"/orders/{order['number']}")
    assert shown["number"] == order["number"]

    cart = await call(page, "ask", "POST", "/cart/lines", {"sku": sku, "quantity": 3})
    body = account()
    login = await call(page, "ask", "POST", "/account", body)
    assert [line["outcome"] for line in login["merge"]["lines"]] == ["added"]
    path = f"/cart/lines/{sku}"
    stale = {"If-Match": cart["etag"]}
    refused = await call(page, "ask", "PUT", path, {"quantity": 9}, stale)
    assert (refused["status"], refused["cart"]["quantity"]) == (412, 3)
    now = {"If-Match": refused["cart"]["etag"]}
    changed = await call(page, "ask", "PUT", path, {"quantity": 4}, now)
    assert changed["quantity"] == 4
    liked = await call(page, "ask", "PATCH", "/preferences", {"theme": "dark"})
    assert liked["theme"] == "dark"
    again = await call(page, "buy", sku, "ada@example.com")
    assert again["lines"][0]["quantity"] == 6
    assert (await call(page, "ask", "POST", f"/orders/{again['number']}/cancel"))["status"] == (
        "cancelled"
    )

    cookies = await page.context.cookies()
    assert {cookie["domain"] for cookie in cookies} == {"api.shop.example"}
    assert all(each["secure"] and each["sameSite"] == "Lax" for each in cookies)
    assert await page.evaluate("document.cookie") == ""
    assert (await call(page, "ask", "GET", "/account"))["username"] == body["username"]
    assert await call(page, "ask", "DELETE", "/session") is None
    assert (await call(page, "ask", "GET", "/account"))["code"] == "unauthenticated"


async def test_a_trusted_page_reads_the_headers(open_page: OpenPage, sku: str) -> None:
    """What a program needs of an answer's head is there for the script to read."""
    page = await open_page(SAME_SITE)
    read = await page.evaluate(
        """async ([url, body]) => {
            const headers = {"Content-Type": "application/json", "X-Request-Id": "mine"};
            headers["Idempotency-Key"] = crypto.randomUUID();
            const request = {method: "POST", credentials: "include", headers, body};
            await fetch(url.replace("/lines", ""), {credentials: "include"});
            await fetch(url, request);
            const {headers: told} = await fetch(url, request);
            return ["ETag", "Idempotent-Replayed", "X-Request-Id"].map(name => told.get(name));
        }""",
        [f"{API}/cart/lines", json.dumps({"sku": sku})],
    )
    assert read[0].startswith('"')
    assert read[1:] == ["true", "mine"]


async def test_a_page_of_another_site_has_tokens(open_page: OpenPage, sku: str) -> None:
    """A listed page of another site does the journey by tokens, and never has a cookie."""
    page = await open_page(OTHER_SITE)
    body = account()
    wish = {"name": "first", "scopes": ["read"]}
    made = await call(page, "ask", "POST", "/account", {**body, "token": wish}, {}, "omit")
    order = await call(page, "buyElsewhere", sku, body["username"], PASSWORD)
    assert (order["status"], order["lines"][0]["quantity"]) == ("placed", 2)
    headers = {"Authorization": f"Bearer {made['token']['token']}"}
    listed = await call(page, "ask", "GET", "/orders", None, headers, "omit")
    assert [each["number"] for each in listed["orders"]] == [order["number"]]
    refused = await call(page, "ask", "DELETE", "/cart", None, headers, "omit")
    assert (refused["status"], refused["code"]) == (403, "forbidden")

    # It may ask for cookies as it likes: none is kept, and none is sent that the shop's site has.
    await call(page, "ask", "POST", "/account", account())
    assert await page.context.cookies() == []
    assert (await call(page, "ask", "GET", "/session"))["authenticated"] is False
    ours = await open_page(SAME_SITE)
    await call(ours, "ask", "POST", "/account", account())
    assert (await call(ours, "ask", "GET", "/session"))["authenticated"] is True
    assert (await call(page, "ask", "GET", "/session"))["authenticated"] is False


@pytest.mark.parametrize("origin", UNLISTED)
@pytest.mark.parametrize("way", ["session", "token"])
async def test_any_other_page_is_refused(
    open_page: OpenPage, sku: str, origin: str, way: str
) -> None:
    """A page that isn't listed learns nothing at any step and changes nothing, with a token too."""
    ours, page = await open_page(SAME_SITE), await open_page(origin)
    body = {**account(), "token": {"name": "stolen", "scopes": ["read", "write"]}}
    made = await call(ours, "ask", "POST", "/account", body, {}, "omit")
    guest = await call(ours, "ask", "POST", "/carts", None, {}, "omit")
    await call(
        ours, "ask", "POST", "/session", {"username": body["username"], "password": PASSWORD}
    )
    placed = await call(ours, "buy", sku, "ada@example.com")
    kept = await call(ours, "ask", "POST", "/cart/lines", {"sku": sku})
    bearer = {"Authorization": f"Bearer {made['token']['token']}"}
    cart = {"Locker-Cart": guest["token"]}
    number, line = placed["number"], {"sku": sku, "quantity": 1}
    checkout = {"expected_total": kept["total"], "contact": {"email": "eve@example.com"}}
    steps: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", "/products", None),
        ("GET", "/cart", None),
        ("GET", "/account", None),
        ("GET", "/orders", None),
        ("GET", f"/orders/{number}", None),
        ("POST", "/carts", {}),
        ("POST", "/cart/lines", line),
        ("PUT", f"/cart/lines/{sku}", {"quantity": 9}),
        ("DELETE", f"/cart/lines/{sku}", None),
        ("DELETE", "/cart", None),
        ("PATCH", "/preferences", {"theme": "dark"}),
        ("POST", "/account", account()),
        ("POST", "/session", {"username": body["username"], "password": PASSWORD}),
        ("POST", "/orders", checkout),
        ("POST", f"/orders/{number}/cancel", None),
        ("DELETE", "/account/sessions", None),
        ("DELETE", "/session", None),
    ]
    kinds = [bearer, cart] if way == "token" else [{}]
    for method, path, sent in steps:
        for headers in kinds:
            request = as_json(sent) if sent is not None else {"headers": {}}
            request["headers"] |= headers
            request["credentials"] = "include" if way == "session" else "omit"
            told = await attempt(page, method, f"/api/v1{path}", **request)
            assert told == "TypeError", (method, path, headers)
            # What is sent without asking first, for the sake of what it does.
            if method in {"GET", "POST"}:
                blind = {"mode": "no-cors", "credentials": "include", "body": request.get("body")}
                told = await attempt(page, method, f"/api/v1{path}", **blind)
                assert told in {"opaque 0", "TypeError"}, (method, path)

    assert (await call(ours, "ask", "GET", "/session"))["authenticated"] is True
    assert (await call(ours, "ask", "GET", "/cart"))["etag"] == kept["etag"]
    assert (await call(ours, "ask", "GET", f"/orders/{number}"))["status"] == "placed"
    assert len((await call(ours, "ask", "GET", "/orders"))["orders"]) == 1
    assert (await call(ours, "ask", "GET", "/preferences"))["theme"] != "dark"
    theirs = await call(ours, "ask", "GET", "/cart", None, cart, "omit")
    assert theirs["lines"] == []


@pytest.mark.parametrize("origin", [SAME_SITE, OTHER_SITE, *UNLISTED])
async def test_the_shops_forms_are_its_own(open_page: OpenPage, sku: str, origin: str) -> None:
    """No page of another origin, listed or not, sends a form of the shop's pages."""
    ours, page = await open_page(SAME_SITE), await open_page(origin)
    await call(ours, "ask", "POST", "/account", account())
    kept = await call(ours, "ask", "POST", "/cart/lines", {"sku": sku})
    for path, form in (("/cart/lines", f"sku={sku}&quantity=5"), ("/logout", "")):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        request = {"credentials": "include", "headers": headers, "body": form}
        assert await attempt(page, "POST", path, mode="no-cors", **request) == "opaque 0"
        assert await attempt(page, "POST", path, **request) == "TypeError"
    assert (await call(ours, "ask", "GET", "/cart"))["etag"] == kept["etag"]
    assert (await call(ours, "ask", "GET", "/session"))["authenticated"] is True
