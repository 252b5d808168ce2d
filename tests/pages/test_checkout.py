"""The checkout by forms alone: for whom, where to, with an account and without."""

from __future__ import annotations

import dataclasses
import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from html import unescape
from typing import Any, cast

import httpx
import pytest

from service import create_app
from service.database import Connection
from service.settings import Limit, Settings
from tests.pages.conftest import Visitor
from tests.support.checkout import DELIVERY
from tests.support.shopping import API, PASSWORD, Product, add_product

TOTAL = 1599
GUEST = {**DELIVERY, "guest": "true"}
FOCUSED = re.compile(r'<(?:input|select|textarea) id="([^"]+)"[^>]* autofocus')
WRONG = re.compile(r'<(?:input|select|textarea) id="([^"]+)"[^>]* aria-invalid="true"')
REQUIRED = re.compile(r'<(?:input|select) id="shipping_address\.(\w+)"[^>]* required')
LABELS = re.compile(r'<label for="shipping_address\.(\w+)">([^<]+?) ?<')


@pytest.fixture
async def guest(browser: Visitor, product: Product) -> Visitor:
    """Somebody without an account, with one thing in the cart."""
    await browser.send_form("/cart/lines", sku=product.sku)
    return browser


@asynccontextmanager
async def visiting(settings: Settings, **changes: Any) -> AsyncIterator[Visitor]:
    """Visit a shop with other settings."""
    app = create_app(dataclasses.replace(settings, **changes))
    async with (
        app.test_app(),
        Visitor(
            transport=httpx.ASGITransport(cast("Any", app)),
            base_url="http://localhost",
            headers={"Accept": "text/html"},
            follow_redirects=True,
        ) as visitor,
    ):
        yield visitor


async def order(visitor: Visitor, **changes: str) -> httpx.Response:
    return await visitor.send_form("/checkout", expected_total=TOTAL, **{**GUEST, **changes})


async def said(visitor: Visitor, number: str) -> dict[str, Any]:
    answer: dict[str, Any] = (await visitor.get(f"{API}/orders/{number}")).json()
    return answer


async def test_three_ways_to_order(guest: Visitor) -> None:
    """A guest is offered to log in, to register, and to order without: each leads back here."""
    asked = unescape((await guest.get("/checkout")).text).replace("%2F", "/")
    assert 'name="next" value="/checkout"' in asked
    assert 'href="/register?next=/checkout"' in asked
    assert 'href="/checkout?guest=true"' in asked
    shown = await guest.get("/checkout?guest=true")
    assert (shown.status_code, shown.url.path) == (200, "/checkout")


async def test_where_guests_may_not(settings: Settings, product: Product) -> None:
    """Where an order needs an account, nothing offers to do without, and nothing is ordered."""
    async with visiting(settings, guest_checkout=False) as visitor:
        await visitor.send_form("/cart/lines", sku=product.sku)
        for path in ("/checkout", "/checkout?guest=true"):
            asked = await visitor.get(path)
            assert asked.url.path == "/login"
            assert "Order as a guest" not in asked.text
        assert (await order(visitor)).url.path == "/login"
        assert product.handle in (await visitor.get("/cart")).text


async def test_too_many_orders_of_guests(settings: Settings, product: Product) -> None:
    """One order too many from a network is refused with the form as it was filled in."""
    limits = {"trusted_proxies": 1, "throttle_orders": Limit(1, 3_600)}
    async with visiting(settings, **limits) as visitor:
        visitor.headers["X-Forwarded-For"] = f"203.0.113.{secrets.randbelow(250)}"
        statuses = []
        for _ in range(2):
            await visitor.send_form("/cart/lines", sku=product.sku)
            answer = await order(visitor)
            statuses.append(answer.status_code)
        assert statuses == [200, 429]
        assert int(answer.headers["Retry-After"]) > 0
        assert 'value="Unter den Linden 1"' in answer.text
        assert product.handle in (await visitor.get("/cart")).text


async def test_a_guest_orders(
    guest: Visitor, open_browser: Callable[[], Visitor], observer: Connection
) -> None:
    """The order says whom it is for; sent twice it is one, which nobody else sees."""
    change = {
        "contact.phone": "+49 30 123456",
        "shipping_address.name": "Charles Babbage",
        "note": "Ring twice\r\nplease",
    }
    placed = await order(guest, **change)
    again = await order(guest, **change)
    assert again.url == placed.url
    assert placed.url.path.startswith("/orders/")
    assert "Thank you" in placed.text
    assert "Thank you" not in again.text
    for words in (
        "Ada Lovelace", "ada@example.com", "+49 30 123456", "Charles Babbage",
        "Unter den Linden 1", "10117 Berlin", "Germany", "Ring twice\nplease",
    ):  # fmt: skip
        assert words in placed.text, words
    number = placed.url.path.rpartition("/")[2]
    assert (await said(guest, number))["note"] == "Ring twice\nplease"
    assert await observer.fetchval(
        "select count(*) from orders where contact->>'phone' = '+49 30 123456' and number = $1",
        number,
    )
    stranger = open_browser()
    assert (await stranger.get(placed.url.path)).url.path == "/login"
    await stranger.register()
    for path in (placed.url.path, f"{placed.url.path}/cancel"):
        assert (await stranger.get(path)).status_code == 404
    assert (await stranger.send_form(f"{placed.url.path}/cancel")).status_code == 404
    assert (await guest.get(placed.url.path)).status_code == 200


async def test_the_link_to_keep(guest: Visitor, open_browser: Callable[[], Visitor]) -> None:
    """The link shows the order elsewhere, leaves no key in the address, and lets one cancel."""
    placed = await order(guest)
    (link,) = re.findall(r'id="link">([^<]+)<', placed.text)
    link = unescape(link)
    for member in (False, True):
        other = open_browser()
        if member:
            await other.register()
        wrong = await other.get(link[:-4] + "AAAA")
        assert wrong.status_code == 404
        shown = await other.get(link)
        assert str(shown.url) == f"http://localhost{placed.url.path}"
        assert "Unter den Linden 1" in shown.text
        assert (await other.get(placed.url.path)).status_code == 200
    assert "Cancelled" in (await other.send_form(f"{placed.url.path}/cancel")).text
    assert "Cancelled" in (await guest.get(placed.url.path)).text


@pytest.mark.parametrize("key", ["x", "%FF", "%E2%82%AC", "a" * 300, "locker_order_"])
async def test_a_key_that_is_none(guest: Visitor, key: str) -> None:
    """Whatever stands where a key should be shows nothing, and breaks nothing."""
    placed = await order(guest)
    await guest.send_form("/logout")
    guest.cookies.clear()
    answer = await guest.get(f"{placed.url.path}?key={key}")
    assert answer.status_code in {400, 404}


async def test_an_account_is_offered_and_gets_nothing(guest: Visitor) -> None:
    """After a guest's order an account is offered; the order doesn't join it, and that is said."""
    placed = await order(guest)
    assert "This order stays apart from it" in placed.text
    assert 'href="/register"' in placed.text
    await guest.register()
    assert placed.url.path not in (await guest.get("/orders")).text
    shown = await guest.get(placed.url.path)
    assert shown.status_code == 200
    assert "Keep this link" in shown.text


async def test_all_that_is_wrong_at_once(guest: Visitor, observer: Connection) -> None:
    """Each mistake is said at its field, the first has the focus, and all that was typed stays."""
    wrong = {
        "contact.email": "nobody",
        "contact.name": "",
        "contact.phone": "call me",
        "shipping_address.line1": "",
        "shipping_address.postal_code": "1011",
        "other_billing": "true",
        "billing_address.country": "US",
        "billing_address.line1": "1 Infinite <Loop>",
        "billing_address.postal_code": "x",
        "note": "Ring twice",
    }
    before = await observer.fetchval("select count(*) from orders")
    refused = await order(guest, **wrong)
    assert refused.status_code == 422
    assert WRONG.findall(refused.text) == [
        "contact.email",
        "contact.name",
        "contact.phone",
        "shipping_address.line1",
        "shipping_address.postal_code",
        "billing_address.city",
        "billing_address.region",
        "billing_address.postal_code",
    ]
    assert FOCUSED.findall(refused.text) == ["contact.email"]
    text = unescape(refused.text)
    for typed in ('value="nobody"', 'value="call me"', 'value="1011"', 'value="Berlin"',
                  'value="1 Infinite <Loop>"', ">\nRing twice<", 'value="true" checked',
                  '<option value="US" selected>'):  # fmt: skip
        assert typed in text, typed
    assert await observer.fetchval("select count(*) from orders") == before
    assert (await order(guest)).url.path.startswith("/orders/")


@pytest.mark.parametrize(
    "sent",
    [{}, {"contact": "x"}, {"contact": "x", "contact.email": "y"}, {"shipping_address.x": "1"},
     {"expected_total": "1.0"}, {"expected_total.x": "1"}, {"guest.x": "1"},
     {"other_billing": "maybe"},
     {"shipping_address.country": "\u00df\u00df"}, {"shipping_address.country": "ZZ"},
     {"shipping_address.country": "../"}, {"note": "x" * 1001}, {"contact.name": "x" * 201},
     {"metadata": "{}"}, {"metadata.a": "b"}, {"contact.email.x": "1"}],
)  # fmt: skip
async def test_forms_that_no_page_sends(guest: Visitor, sent: dict[str, str]) -> None:
    """A form that is wrong in itself is refused with the page, and nothing is ordered."""
    fields = {**GUEST, "expected_total": str(TOTAL), **sent} if sent else {"guest": "true"}
    refused = await guest.post("/checkout", data=fields)
    assert refused.status_code == 422
    assert refused.text.count("<h1") == 1
    assert 'class="error"' in refused.text
    shown = await guest.post("/checkout", data={**fields, "refresh": "true"})
    assert shown.status_code == 200


async def test_a_full_note_with_many_lines(guest: Visitor) -> None:
    """A line break is one character of a note, as the browser counts."""
    note = "\r\n".join(["x" * 9] * 100)
    placed = await order(guest, note=note)
    assert placed.url.path.startswith("/orders/")


@pytest.mark.parametrize(
    ("country", "required", "labels"),
    [
        ("DE", {"country", "line1", "postal_code", "city"}, {"postal_code": "Postal code"}),
        ("US", {"country", "line1", "postal_code", "city", "region"},
         {"postal_code": "ZIP code", "region": "State"}),
        ("CA", {"country", "line1", "postal_code", "city", "region"}, {"region": "Province"}),
        ("JP", {"country", "line1", "postal_code", "region"}, {"region": "Prefecture"}),
        ("HK", {"country", "line1", "region"}, {"region": "Area", "city": "District"}),
        ("IE", {"country", "line1", "city"}, {"postal_code": "Eircode", "region": "County"}),
        ("", {"country", "line1", "city"}, {"postal_code": "Postal code", "region": "Region"}),
    ],
)  # fmt: skip
async def test_another_country_asks_for_other_parts(
    guest: Visitor, country: str, required: set[str], labels: dict[str, str]
) -> None:
    """The form comes back with the country's parts and names for them, and what was typed."""
    changed = await order(guest, refresh="true", **{"shipping_address.country": country})
    assert changed.status_code == 200
    assert "aria-invalid" not in changed.text
    assert set(REQUIRED.findall(changed.text)) == required
    assert labels.items() <= dict(LABELS.findall(changed.text)).items()
    assert 'value="Berlin"' in changed.text
    assert 'value="10117"' in changed.text


async def test_what_a_country_does_not_write_is_not_ordered(guest: Visitor) -> None:
    """A state that was chosen before the country was another is no part of the address."""
    placed = await order(guest, **{"shipping_address.region": "CA"})
    address = (await said(guest, placed.url.path.rpartition("/")[2]))["shipping_address"]
    assert (address["region"], address["country"]) == ("", "DE")


async def test_browsers_can_fill_it_in(guest: Visitor) -> None:
    """Each field has its name for browsers that fill in (HTML standard, "Autofill")."""
    page = (await order(guest, refresh="true", **{"shipping_address.country": "US"})).text
    tokens = dict(re.findall(r'<(?:input|select) id="([^"]+)"[^>]* autocomplete="([^"]+)"', page))
    parts = {"country": "country", "name": "name", "line1": "address-line1",
             "line2": "address-line2", "city": "address-level2", "region": "address-level1",
             "postal_code": "postal-code"}  # fmt: skip
    assert {name: token for name, token in tokens.items() if "." in name} == {
        "contact.email": "email",
        "contact.name": "name",
        "contact.phone": "tel",
        **{f"shipping_address.{name}": f"shipping {token}" for name, token in parts.items()},
        **{f"billing_address.{name}": f"billing {token}" for name, token in parts.items()},
    }


async def test_the_browser_says_a_country(guest: Visitor) -> None:
    """The country is the one that the browser's language names, until somebody chooses."""
    for language, country in (("de-AT,de;q=0.9", "AT"), ("pt-BR", "BR")):
        page = await guest.get("/checkout?guest=true", headers={"Accept-Language": language})
        assert f'<option value="{country}" selected>' in page.text
    page = await guest.get("/checkout?guest=true", headers={"Accept-Language": "eo, x-y-zz"})
    assert " selected>" not in page.text


async def test_an_account_types_it_once(browser: Visitor, product: Product) -> None:
    """An account's checkout has its address, and from then on what the last order said."""
    name = await browser.register()
    await browser.send_form("/cart/lines", sku=product.sku)
    first = await browser.get("/checkout")
    assert f'value="{name}@example.com"' in first.text
    placed = await order(browser, **{"contact.email": "other@example.com", "guest": "false"})
    assert "other@example.com" in placed.text
    assert "Keep this link" not in placed.text
    await browser.send_form("/cart/lines", sku=product.sku)
    second = await browser.get("/checkout")
    for value in ("Ada Lovelace", "Unter den Linden 1", "Berlin", "10117", f"{name}@example.com"):
        assert f'value="{value}"' in second.text, value
    assert '<option value="DE" selected>' in second.text


async def test_a_changed_cart_keeps_what_was_typed(
    guest: Visitor, database_url: str, product: Product
) -> None:
    """When a price moved the form comes back filled in, with the new total to agree to."""
    await add_product(database_url, sku=product.sku, price="17.00")
    refused = await order(guest)
    assert refused.status_code == 409
    assert "has changed meanwhile" in refused.text
    assert 'value="Unter den Linden 1"' in refused.text
    assert 'name="expected_total" value="1700"' in refused.text


async def test_logged_out_elsewhere_meanwhile(
    guest: Visitor, open_browser: Callable[[], Visitor]
) -> None:
    """A form of an account whose login has ended orders nothing as a guest, but leads back."""
    name = await guest.register()
    await guest.send_form("/logout")
    refused = await order(guest, guest="false")
    assert (refused.url.path, refused.url.params["next"]) == ("/login", "/checkout")
    back = await guest.send_form("/login", username=name, password=PASSWORD, next="/checkout")
    assert back.url.path == "/checkout"
