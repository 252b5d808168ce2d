"""Behind the counter, by forms alone: who gets there, and what they do."""

from __future__ import annotations

import dataclasses
import re
import secrets
from collections.abc import Callable

import pytest
from quart import Quart

from service import accounts, clock, outbox
from service import create_app as make_app
from service.audit import COMMAND_LINE
from service.database import Connection, get_db
from service.outbox import OutboxEvent, Seals
from service.settings import Settings
from tests.pages.conftest import Visitor
from tests.support.checkout import quantity_in_stock
from tests.support.document import SETTINGS
from tests.support.keys import KEY
from tests.support.operators import find_id, operator_of
from tests.support.shopping import PASSWORD, Product, add_product, new_name

Open = Callable[[], Visitor]


@pytest.fixture
async def operator(app: Quart, open_browser: Open) -> Visitor:
    """An operator's browser."""
    name = (await operator_of(app)).account.username
    browser = open_browser()
    await browser.send_form("/login", username=name, password=PASSWORD)
    browser.headers["X-Name"] = name
    return browser


async def place(browser: Visitor, product: Product, quantity: int = 1) -> str:
    """Order something with an account; returns the order's number."""
    await browser.register()
    cart = (
        await browser.post("/api/v1/cart/lines", json={"sku": product.sku, "quantity": quantity})
    ).json()
    placed = await browser.post("/api/v1/orders", json={"expected_total": cart["total"]})
    number: str = placed.json()["number"]
    return number


PATHS = ["/admin", "/admin/", "/admin/nothing", "/admin/orders/K7RX-3MDT"]


async def test_nobody_else_learns_of_the_counter(
    app: Quart, open_browser: Open, operator: Visitor
) -> None:
    """Whoever is no operator, or no more, is told what is told of a page that isn't there."""
    guest, shopper = open_browser(), open_browser()
    await shopper.register()
    assert (await operator.get("/admin")).status_code == 200
    async with app.app_context():
        db = await get_db()
        account_id = await find_id(db, operator.headers["X-Name"])
        await accounts.set_role(db, account_id, None, COMMAND_LINE)
    for browser in (guest, shopper, operator):
        for method in ("GET", "POST", "DELETE"):
            for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}):
                told = [
                    await browser.request(method, path, headers=headers, content=b"")
                    for path in [*PATHS, "/nothing"]
                ]
                assert {answer.status_code for answer in told} == {404}
                for answer in told:
                    text = answer.text.replace(answer.headers["X-Request-Id"], "")
                    other = told[-1].text.replace(told[-1].headers["X-Request-Id"], "")
                    assert text == other


async def test_the_counter_is_closed_unless_it_is_opened() -> None:
    """Without the setting there are no such pages, in development either."""
    assert [
        each.default for each in dataclasses.fields(Settings) if each.name == "admin_pages"
    ] == [False]
    rules = make_app(dataclasses.replace(SETTINGS, admin_pages=False)).url_map.iter_rules()
    assert [rule.rule for rule in rules if rule.rule.startswith("/admin")] == []


async def test_the_day(operator: Visitor, open_browser: Open, product: Product) -> None:
    """What came in is shown on the day's page, and an order with whom it is for."""
    number = await place(open_browser(), product, 3)
    today = await operator.get("/admin")
    assert today.text.count(f'href="/admin/orders/{number}"') in {1, 2}
    shown = await operator.get(f"/admin/orders/{number}")
    assert f"The {product.sku}" in shown.text
    assert "@example.com" in shown.text


HIDDEN = re.compile(r'name="etag" value="([0-9a-f]+)"')


async def test_an_order_is_sent_by_forms(
    operator: Visitor, open_browser: Open, database_url: str, observer: Connection
) -> None:
    """Found by its number, sent in part, the rest cancelled with its stock, and noted."""
    tent = await add_product(database_url, stock=10)
    shopper = open_browser()
    number = await place(shopper, tent, 3)
    page = await operator.get("/admin/orders", params={"q": number.lower()})
    assert page.url.path == f"/admin/orders/{number}"
    etag, units = HIDDEN.findall(page.text)[0], f"units.{tent.sku}"
    for entered, status, message in (
        ("x", 422, "Use a whole number."),
        ("4", 409, "Only 3 left."),
        ("0", 409, "Say how many of which are sent."),
    ):
        wrong = await operator.send_form(
            f"/admin/orders/{number}/fulfil", etag=etag, tracking="1Z999", **{units: entered}
        )
        assert (wrong.status_code, message in wrong.text) == (status, True)
        assert 'value="1Z999"' in wrong.text
        assert (f'id="{units}-error"' in wrong.text) == (entered != "0")
    sent = await operator.send_form(
        f"/admin/orders/{number}/fulfil", etag=etag, tracking="1Z999", **{units: "2"}
    )
    assert "Left to be sent: 1." in sent.text
    late = await operator.send_form(f"/admin/orders/{number}/cancel", etag=etag)
    assert (late.status_code, "has changed meanwhile" in late.text) == (412, True)
    slip = await operator.get(f"/admin/orders/{number}/slip")
    assert "<td>1</td>" in slip.text
    (etag, *_) = HIDDEN.findall(late.text)
    noted = await operator.send_form(f"/admin/orders/{number}/note", etag=etag, note="<b>Called")
    assert "&lt;b&gt;Called" in noted.text
    (etag, *_) = HIDDEN.findall(noted.text)
    done = await operator.send_form(f"/admin/orders/{number}/cancel", etag=etag)
    assert "back on the shelf" in done.text
    assert await quantity_in_stock(observer, tent.sku) == 8
    seen = (await shopper.get(f"/orders/{number}")).text
    assert "1Z999" in seen
    assert "2 sent, 1 cancelled" in seen
    assert "Called" not in seen
    assert number in (await operator.get("/admin/orders?status=fulfilled")).text
    assert "No such order" in (await operator.get("/admin/orders?q=nobody+at+all")).text


async def test_stock_is_corrected_by_forms(
    operator: Visitor, open_browser: Open, database_url: str, observer: Connection
) -> None:
    """What was sold since the page was shown stays sold; what is wrong is said at its field."""
    tent = await add_product(database_url, stock=10)
    shown = await operator.get("/admin/stock", params={"q": tent.sku.lower()})
    assert 'name="seen" value="10"' in shown.text
    await place(open_browser(), tent, 3)
    form = {"sku": tent.sku, "seen": "10", "q": tent.sku}
    wrong = await operator.send_form("/admin/stock", counted="many", **form)
    assert (wrong.status_code, 'id="counted-1-error"' in wrong.text) == (422, True)
    assert re.search(r'id="counted-1"[^>]* value="many"[^>]* autofocus', wrong.text)
    done = await operator.send_form("/admin/stock", counted="8", **form)
    assert (done.url.path, done.url.params["q"]) == ("/admin/stock", tent.sku)
    assert await quantity_in_stock(observer, tent.sku) == 5
    hidden = await operator.send_form("/admin/products", handle=tent.handle, published="false")
    assert "is hidden" in hidden.text
    assert (await open_browser().get(f"/products/{tent.handle}")).status_code == 404
    assert tent.sku in (await operator.get(f"/admin/stock?low=5&q={tent.sku}")).text
    assert "Nothing like that" in (await operator.get(f"/admin/stock?low=4&q={tent.sku}")).text
    assert (await operator.get("/admin/stock?low=x&after=~")).url.path == "/admin/stock"


async def test_a_customer_is_looked_after_by_forms(
    operator: Visitor, open_browser: Open, product: Product
) -> None:
    """Found, disabled, let in, logged out, exported and deleted, each of it in the audit."""
    customer = open_browser()
    number = await place(customer, product)
    name = (await customer.get("/api/v1/account")).json()["username"]
    found = await operator.get("/admin/customers", params={"q": name[:-1].upper()})
    (path,) = set(re.findall(r'href="(/admin/customers/[0-9a-f-]{36})"', found.text))
    shown = await operator.get(path)
    assert f"{name}@example.com" in shown.text
    assert f'href="/admin/orders/{number}"' in shown.text
    disabled = await operator.send_form(f"{path}/disable")
    assert "can log in no more" in disabled.text
    assert not (await customer.get("/api/v1/session")).json()["authenticated"]
    refused = await customer.send_form("/login", username=name, password=PASSWORD)
    assert refused.status_code == 401
    assert f"{name} can log in again." in (await operator.send_form(f"{path}/enable")).text
    await customer.send_form("/login", username=name, password=PASSWORD)
    assert "Logins and tokens ended: 1." in (await operator.send_form(f"{path}/end-sessions")).text
    export = await operator.get(f"{path}/export")
    assert "attachment" in export.headers["Content-Disposition"]
    assert export.json()["orders"][0]["number"] == number
    wrong = await operator.send_form(f"{path}/delete", username="somebody")
    assert (wrong.status_code, "This is another user name." in wrong.text) == (422, True)
    assert "Its orders stay." in (await operator.send_form(f"{path}/delete", username=name)).text
    assert (await operator.get(path)).status_code == 404
    trail = await operator.get("/admin/audit", params={"account": path.rpartition("/")[2]})
    for kind in ("exported", "disabled", "enabled", "deleted"):
        assert trail.text.count(f"<strong>Account {kind}</strong>") == 1
    only = await operator.get("/admin/audit?event=account_deleted")
    assert "<strong>Account enabled</strong>" not in only.text
    assert "Nothing of the kind." in (await operator.get("/admin/audit?account=nobody")).text


async def test_an_operators_account_is_none_of_theirs(app: Quart, operator: Visitor) -> None:
    """An operator's page says why nothing of it can be done, and nothing is."""
    other = str((await operator_of(app)).account.id)
    name = (await operator_of(app)).account.username
    for deed, form in (
        ("disable", {}),
        ("enable", {}),
        ("end-sessions", {}),
        ("delete", {"username": name}),
    ):
        told = await operator.send_form(f"/admin/customers/{other}/{deed}", **form)
        assert told.status_code in {409, 422}
    assert (await operator.get(f"/admin/customers/{other}")).text.count("Disabled") == 0


async def test_dead_letters_are_seen_to_by_forms(operator: Visitor, observer: Connection) -> None:
    """What nobody took is shown with its reason, tried again or given up; a webhook is switched."""
    name, about = new_name()[:30], secrets.token_hex(5)
    url = "http://127.0.0.1:9/hook"
    webhook, _ = await outbox.add_webhook(observer, Seals(KEY), COMMAND_LINE, name, url, http=True)
    try:
        event = OutboxEvent("order.placed", about, clock.now(), {"number": about})
        await outbox.tell(observer, event)
        die = "update deliveries set state = 'dead', error = 'answered 500' where webhook_id = $1"
        await observer.execute(die, webhook.id)
        shown = await operator.get("/admin/webhooks")
        assert "answered 500" in shown.text
        (key,) = re.findall(
            rf'value="(evt_[0-9a-f]+)"><input type="hidden" name="webhook" value="{name}">'
            r"<button class=\"quiet\">Give up",
            shown.text,
        )
        for path, told, state in (
            ("retry", "It is tried again at once", "pending"),
            ("skip", "It is given up.", "skipped"),
            ("skip", "Somebody else has seen to it", "skipped"),
        ):
            done = await operator.send_form(f"/admin/webhooks/{path}", event=key, webhook=name)
            assert told in done.text
            stored = await observer.fetchval(
                "select state from deliveries where webhook_id = $1", webhook.id
            )
            assert stored == state
        for enabled, told in (("false", "is sent nothing more"), ("true", "is sent to again")):
            done = await operator.send_form("/admin/webhooks", name=name, enabled=enabled)
            assert f"{name} {told}" in done.text
        missing = await operator.send_form("/admin/webhooks", name="nobody's", enabled="true")
        assert missing.status_code == 404
    finally:
        await outbox.remove_webhook(observer, COMMAND_LINE, name)
