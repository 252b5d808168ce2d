"""Behind nginx and HAProxy, as docs/operations.md has them set up, the shop works as it should."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.proxies.conftest import Proxy
from tests.support.certificates import HOST
from tests.support.shopping import API, PASSWORD, Product, new_name
from tests.support.wire import HTTP2_UPGRADE

pytestmark = pytest.mark.slow


@pytest.fixture(params=["HTTP/1.1", "HTTP/2"])
def browser(request: pytest.FixtureRequest, proxy: Proxy) -> Iterator[httpx.Client]:
    """A browser on a page of the shop; what it says of proxies is not to be believed."""
    with httpx.Client(
        base_url=f"https://127.0.0.1:{proxy.port}",
        headers={
            "Host": HOST,
            "Origin": f"https://{HOST}",
            "X-Forwarded-For": "203.0.113.9",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Proto": "http",
            "Accept-Encoding": "gzip",
        },
        verify=proxy.context(),
        http2=request.param == "HTTP/2",
        timeout=20,
    ) as client:
        # The name is for TLS; the address, where it is.
        client.event_hooks = {"request": [set_name]}
        await_backend(client)
        assert client.get("/livez").http_version == request.param
        yield client


def set_name(request: httpx.Request) -> None:
    request.extensions["sni_hostname"] = HOST


def await_backend(client: httpx.Client) -> None:
    """Wait until the proxy knows that the service is ready; HAProxy asks it first."""
    until = time.monotonic() + 20
    while client.get("/livez").status_code == 503 and time.monotonic() < until:
        time.sleep(0.1)


def test_journey(browser: httpx.Client, product: Product) -> None:
    """A shopper finds, registers, comes back, changes the cart as it was seen, and orders."""
    name = new_name()
    browser.post(f"{API}/cart/lines", json={"sku": product.sku, "quantity": 2}).raise_for_status()
    account = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    browser.post(f"{API}/account", json=account).raise_for_status()
    cart = browser.get(f"{API}/cart")
    assert [line["quantity"] for line in cart.json()["lines"]] == [2]
    line = f"{API}/cart/lines/{product.sku}"
    seen = {"If-Match": cart.headers["ETag"]}
    assert browser.put(line, json={"quantity": 3}, headers=seen).status_code == 200
    assert browser.put(line, json={"quantity": 4}, headers=seen).status_code == 412
    browser.delete(f"{API}/session").raise_for_status()
    assert browser.get(f"{API}/cart").json()["lines"] == []
    login = {"username": name, "password": PASSWORD}
    browser.post(f"{API}/session", json=login).raise_for_status()
    total = browser.get(f"{API}/cart").json()["total"]
    ordered = browser.post(f"{API}/orders", json={"expected_total": total})
    assert ordered.status_code == 201
    # The address is the browser's own, whatever it says.
    [device, *_] = browser.get(f"{API}/account/sessions").json()["sessions"]
    assert device["ip"] == "127.0.0.1"


def test_pages(browser: httpx.Client, product: Product) -> None:
    """Pages come with what they need, and their links lead to the shop."""
    page = browser.get("/", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "evil.example" not in page.text
    added = browser.get(f"/products/{product.handle}")
    assert added.status_code == 200


def test_body_too_large(proxy: Proxy) -> None:
    """A body that is too large ends at the proxy, with 413, before it has come."""
    with proxy.connected() as connection:
        opening = f"POST {API}/session HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 65537\r\n\r\n"
        connection.sendall(opening.encode())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("upgrade", [HTTP2_UPGRADE, "Upgrade: websocket\r\nConnection: Upgrade"])
def test_no_tunnel(proxy: Proxy, upgrade: str) -> None:
    """An upgrade doesn't get through: the answer is an ordinary one, and nothing follows it."""
    with proxy.connected() as connection:
        opening = f"GET /livez HTTP/1.1\r\nHost: {HOST}\r\n{upgrade}\r\n\r\n"
        connection.sendall(opening.encode())
        answer = connection.recv(65_536)
    assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400", b"HTTP/1.1 404"))
    assert b" 101 " not in answer


def test_other_hosts(proxy: Proxy) -> None:
    """A host that isn't the shop's is refused."""
    with proxy.connected() as connection:
        connection.sendall(
            b"GET /api/v1/cart HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
        )
        answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 400")
