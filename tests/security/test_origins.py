"""Pages of other origins: those that are trusted may use the API, and nobody else."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import pytest
from quart import Quart

from service import create_app
from service.errors import SettingsError
from service.settings import Settings
from tests.support.shopping import API, make_token, register

FRONT = "https://www.shop.example"
SHOUTED = "HTTPS://APP.Shop.Example:443"
OTHERS = (
    "https://evil.example",
    "http://www.shop.example",
    "https://www.shop.example:8443",
    "https://www.shop.example.evil.example",
    "https://www.shop.example/",
    "https://www.shop.example@evil.example",
    "https://evil.example https://www.shop.example",
    "https://shop.example",
    "https://x.www.shop.example",
    "null",
    "*",
    "",
)
NO_HEADERS: dict[str, str] = {}
UNSAFE = (
    ("POST", "/cart/lines", {"sku": "nothing"}),
    ("PUT", "/cart/lines/nothing", {"quantity": 0}),
    ("PATCH", "/preferences", {"theme": "dark"}),
    ("DELETE", "/cart", None),
)


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[Quart]:
    """The service, with two origins that it trusts."""
    app = create_app(dataclasses.replace(settings, trusted_origins=(FRONT, SHOUTED)))
    async with app.test_app():
        yield app


def cors_of(response: Any) -> dict[str, str]:
    return {
        name.title(): value
        for name, value in response.headers.items()
        if name.lower().startswith("access-control-")
    }


@pytest.mark.parametrize("origin", [FRONT, "https://app.shop.example", "https://APP.shop.example"])
async def test_a_trusted_page_may_ask_and_read(app: Quart, origin: str) -> None:
    """Each of its requests is let in with the session, and the answer names its very origin."""
    client: Any = app.test_client()
    for site in ("same-site", "cross-site", None):
        headers = {"Origin": origin} | ({"Sec-Fetch-Site": site} if site else {})
        for method, path, body in UNSAFE:
            response = await client.open(API + path, method=method, json=body, headers=headers)
            assert response.status_code != 403, (site, method)
            allowed = cors_of(response)
            assert allowed["Access-Control-Allow-Origin"] == origin
            assert allowed["Access-Control-Allow-Credentials"] == "true"
            assert "ETag" in allowed["Access-Control-Expose-Headers"]
            assert "Origin" in response.vary


async def test_errors_may_be_read(app: Quart) -> None:
    """A trusted page reads what went wrong, whatever it was and wherever it was noticed."""
    client: Any = app.test_client()
    asks: tuple[tuple[str, str, dict[str, str], int], ...] = (
        ("GET", "/nothing", {}, 404),
        ("GET", "/account", {}, 401),
        ("PUT", "/session", {}, 405),
        ("POST", "/session", {"Content-Type": "text/plain"}, 415),
        ("GET", "/cart", {"Authorization": "Bearer locker_rw_" + "x" * 32}, 401),
        ("GET", "/cart", {"Host": "evil.example"}, 400),
    )
    for method, path, headers, status in asks:
        response = await client.open(
            API + path, method=method, headers={"Origin": FRONT, **headers}
        )
        assert response.status_code == status, path
        assert cors_of(response)["Access-Control-Allow-Origin"] == FRONT, path


async def test_preflights_are_answered(app: Quart) -> None:
    """A browser that asks first is told what the route takes, and for how long that holds."""
    response = await app.test_client().options(
        f"{API}/cart/lines/a/b",
        headers={
            "Origin": FRONT,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type,if-match,idempotency-key",
        },
    )
    allowed = cors_of(response)
    assert response.status_code == 200
    assert {"PUT", "DELETE"} <= set(allowed["Access-Control-Allow-Methods"].split(", "))
    sent = allowed["Access-Control-Allow-Headers"].lower().split(", ")
    assert {
        "authorization",
        "content-type",
        "idempotency-key",
        "if-match",
        "if-none-match",
        "locker-cart",
        "locker-order-key",
        "x-request-id",
    } == set(sent)
    assert int(allowed["Access-Control-Max-Age"]) > 0
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("origin", OTHERS)
async def test_no_other_origin_gets_a_header(app: Quart, origin: str) -> None:
    """An origin that isn't listed, to the letter, is told nothing, token or not."""
    client: Any = app.test_client()
    await register(client)
    token = (await make_token(client))["token"]
    for method in ("GET", "OPTIONS", "DELETE"):
        for headers in NO_HEADERS, {"Authorization": f"Bearer {token}"}:
            response = await client.open(
                f"{API}/cart",
                method=method,
                headers={"Origin": origin, "Access-Control-Request-Method": "DELETE", **headers},
            )
            assert cors_of(response) == {}
            assert "Origin" in response.vary
            if method == "DELETE" and not headers:
                assert response.status_code == 403


async def test_pages_stay_the_shops_own(app: Quart) -> None:
    """A trusted page may not send the shop's forms, nor read its pages."""
    client: Any = app.test_client()
    for path in ("/cart/lines", "/login", "/logout", "/locker"):
        response = await client.post(path, form={"sku": "x"}, headers={"Origin": FRONT})
        assert response.status_code in {403, 404, 405}, path
        assert cors_of(response) == {}
    for path in ("/", "/static/favicon.svg", "/livez", "/openapi.json"):
        response = await client.get(path, headers={"Origin": FRONT})
        assert cors_of(response) == {}, path


async def test_one_answer_for_all_is_kept_for_each_origin(app: Quart) -> None:
    """A cache that keeps a list for everybody doesn't give one origin's header to another."""
    for headers in ({}, {"Origin": FRONT}):
        response = await app.test_client().get(f"{API}/products", headers=headers)
        assert "Origin" in response.vary


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "www.shop.example",
        "https://*.shop.example",
        "https://www.shop.example/",
        "https://www.shop.example/app",
        "https://user@www.shop.example",
        "null",
        "capacitor://localhost",
    ],
)
def test_what_is_no_origin_stops_the_start(settings: Settings, text: str) -> None:
    """What no browser would send as an origin, or would be many, is refused with what to write."""
    with pytest.raises(SettingsError, match=r"LOCKER_TRUSTED_ORIGINS.*no origin"):
        dataclasses.replace(settings, trusted_origins=(text,))


def test_production_trusts_https_alone(settings: Settings) -> None:
    """An origin that anybody on the wire can write doesn't get at sessions in production."""
    production = dataclasses.replace(
        settings, environment="production", secure_cookies=True, metrics="off"
    )
    with pytest.raises(SettingsError, match="must be https"):
        dataclasses.replace(production, trusted_origins=("http://localhost:5173",))
    dataclasses.replace(settings, trusted_origins=("http://localhost:5173",))
