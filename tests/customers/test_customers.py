"""What operators do with customers, over HTTP, and what customers get of themselves."""

from __future__ import annotations

import asyncio
import re
import secrets
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client
from werkzeug.security import generate_password_hash

from service import accounts
from service.audit import COMMAND_LINE
from service.database import Connection
from service.orders import new_number
from tests.support.operators import find_id, make_operator, operator_of
from tests.support.shopping import (
    API,
    PASSWORD,
    Product,
    add,
    get,
    make_token,
    new_name,
    register,
)

HASHED = generate_password_hash(PASSWORD, "pbkdf2:sha256:1000")
CUSTOMERS = f"{API}/admin/customers"


class Desk(NamedTuple):
    """An operator, and a customer who is logged in."""

    client: Client
    headers: dict[str, str]
    operator_id: str
    customer: Client
    id: str
    name: str

    async def ask(
        self, method: str, path: str, query: dict[str, Any] | None = None, **headers: str
    ) -> tuple[int, Any]:
        """Do something; returns status and body."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        response = await self.client.open(
            path, method=method, json=None, query_string=query, headers={**self.headers, **more}
        )
        return response.status_code, await response.get_json(silent=True)

    async def act(self, deed: str, **headers: str) -> tuple[int, Any]:
        return await self.ask("POST", f"{CUSTOMERS}/{self.id}/{deed}", None, **headers)

    async def is_in(self) -> bool:
        """Return whether the customer is logged in."""
        return bool((await get(self.customer, "/session"))["authenticated"])

    async def log_in(self) -> int:
        body = {"username": self.name, "password": PASSWORD}
        return (await self.customer.post(f"{API}/session", json=body)).status_code


@pytest.fixture
async def desk(app: Quart) -> Desk:
    operator, customer = await operator_of(app), app.test_client()
    name = f"zoe-{secrets.token_hex(5)}"
    user = (await register(customer, name))["user"]
    client = app.test_client()
    return Desk(client, operator.headers, str(operator.account.id), customer, user["id"], name)


async def test_found(desk: Desk, observer: Connection) -> None:
    """A customer is found by how the name or the address begins, and by id, page by page."""
    others = [f"{desk.name}{letter}" for letter in "ca"]
    for name in others:
        await accounts.import_account(observer, name, f"{name}@example.com", HASHED)
    expected = [desk.name, *sorted(others)]
    for text in (desk.name, desk.name.upper()):
        seen: list[str] = []
        after: str | None = ""
        while after is not None:
            query = {"q": text, "limit": 1, "after": after}
            status, page = await desk.ask("GET", CUSTOMERS, query)
            assert status == 200
            seen += [each["username"] for each in page["customers"]]
            after = page["next"]
        assert seen == expected
    for text, count in ((f"{desk.name}@exam", 1), (desk.id, 1), (str(uuid4()), 0), ("%", 0)):
        _, page = await desk.ask("GET", CUSTOMERS, {"q": text})
        assert [each["id"] for each in page["customers"]] == [desk.id] * count


async def test_disabled_and_enabled(desk: Desk) -> None:
    """Who is disabled is logged out and kept out, and is let in again; each is told once."""
    status, before = await desk.ask("GET", f"{CUSTOMERS}/{desk.id}")
    assert (status, before["disabled_at"]) == (200, None)
    key = secrets.token_hex(8)
    status, disabled = await desk.act("disable", Idempotency_Key=key)
    assert (status, disabled["disabled_at"] is not None) == (200, True)
    assert (await desk.act("disable", Idempotency_Key=key)) == (200, disabled)
    assert (await desk.act("disable")) == (200, disabled)
    assert not await desk.is_in()
    assert await desk.log_in() == 401
    _, page = await desk.ask("GET", CUSTOMERS, {"q": desk.name, "disabled": "true"})
    assert page["customers"] == [disabled]
    assert await desk.act("enable") == (200, before)
    assert await desk.log_in() == 200
    _, trail = await desk.ask("GET", f"{API}/admin/audit", {"account": desk.id})
    assert [each["event"] for each in trail["events"]] == [
        "logged_in",
        "account_enabled",
        "account_disabled",
        "registered",
    ]
    assert {each["by_account_id"] for each in trail["events"]} == {None, desk.operator_id}


async def test_logins_ended(desk: Desk) -> None:
    """A customer whose logins end is logged out everywhere, tokens too, and logs in again."""
    token = (await make_token(desk.customer))["token"]
    assert (await desk.act("end-sessions"))[0] == 204
    assert not await desk.is_in()
    by_token = await desk.client.get(f"{API}/account", headers={"Authorization": f"Bearer {token}"})
    assert by_token.status_code == 401
    assert await desk.log_in() == 200


async def test_deleted(desk: Desk, product: Product) -> None:
    """A deleted customer is gone, for a repeat as well; the order stays without the person."""
    total = (await add(desk.customer, product.sku, 2))["total"]
    body = {"expected_total": total}
    placed = await desk.customer.post(f"{API}/orders", json=body)
    number = (await placed.get_json())["number"]
    key = secrets.token_hex(8)
    for _ in range(2):
        status, _ = await desk.ask("DELETE", f"{CUSTOMERS}/{desk.id}", Idempotency_Key=key)
        assert status == 204
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/export"), ("POST", "/enable")):
        assert (await desk.ask(method, f"{CUSTOMERS}/{desk.id}{path}"))[0] == 404
    assert await desk.log_in() == 401
    status, order = await desk.ask("GET", f"{API}/admin/orders/{number}")
    assert (status, order["account_id"]) == (200, None)
    _, trail = await desk.ask("GET", f"{API}/admin/audit", {"account": desk.id, "limit": 1})
    (event,) = trail["events"]
    assert (event["event"], event["by_account_id"]) == ("account_deleted", desk.operator_id)


async def test_operators_are_not_customers(desk: Desk, observer: Connection) -> None:
    """Nobody behind the counter disables, logs out or deletes an operator, not even themselves."""
    other = (await make_operator(observer)).account.id
    for account_id in (other, desk.operator_id):
        for method, path in (
            ("POST", "/disable"),
            ("POST", "/enable"),
            ("POST", "/end-sessions"),
            ("DELETE", ""),
        ):
            status, told = await desk.ask(method, f"{CUSTOMERS}/{account_id}{path}")
            assert (status, told["code"]) == (409, "is_operator")


async def test_a_role_given_meanwhile(desk: Desk, observer: Connection) -> None:
    """Who becomes an operator while being deleted is one or gone, and never both."""
    for _ in range(5):
        name = f"role-{secrets.token_hex(5)}"
        await register(desk.client.app.test_client(), name)
        account_id = await find_id(observer, name)
        given, (deleted, _) = await asyncio.gather(
            accounts.set_role(observer, account_id, "operator", COMMAND_LINE),
            desk.ask("DELETE", f"{CUSTOMERS}/{account_id}"),
            return_exceptions=True,
        )
        stays = await accounts.select_known(observer, name)
        assert deleted == (409 if stays else 204)
        assert (stays is not None) == isinstance(given, accounts.KnownAccount)


async def test_export(desk: Desk, product: Product) -> None:
    """An export has all that is kept, nothing secret, and is the same for operators."""
    total = (await add(desk.customer, product.sku, 2))["total"]
    address = {
        "name": "Zoe",
        "country": "DE",
        "line1": "Unter den Linden 1",
        "city": "Berlin",
        "postal_code": "10117",
    }
    body = {"expected_total": total, "shipping_address": address, "note": "Ring twice."}
    placed = await desk.customer.post(f"{API}/orders", json=body)
    assert placed.status_code == 201, await placed.get_data()
    await add(desk.customer, product.sku, 3)
    await desk.customer.patch(f"{API}/preferences", json={"marketing_emails": True})
    token = await make_token(desk.customer)
    own = await get(desk.customer, "/account/export")
    assert own["user"]["username"] == desk.name
    assert own["preferences"]["marketing_emails"] is True
    assert own["marketing_emails_at"] < own["exported_at"]
    assert own["cart"] == [{"sku": product.sku, "quantity": 3, "metadata": {}}]
    (order,) = own["orders"]
    assert (order["note"], order["shipping_address"]["city"]) == ("Ring twice.", "Berlin")
    assert [each["id"] for each in own["tokens"]] == [token["id"]]
    assert (len(own["sessions"]), len(own["devices"])) == (1, 1)
    assert [each["event"] for each in own["events"]] == ["token_made", "registered"]
    assert token["token"] not in str(own)
    status, theirs = await desk.ask("GET", f"{CUSTOMERS}/{desk.id}/export")
    assert status == 200
    assert {**theirs, "exported_at": own["exported_at"]} == own
    _, trail = await desk.ask("GET", f"{API}/admin/audit", {"by": desk.operator_id})
    (event,) = trail["events"]
    assert (event["event"], event["account_id"]) == ("account_exported", desk.id)


async def test_export_of_many_orders(desk: Desk, product: Product, observer: Connection) -> None:
    """No order is left out, however many there are."""
    await observer.execute(
        """
        with placed as (
            insert into orders (
                number, account_id, status, placed_at, currency, total, cart_id, cart_revision
            )
            select number, $1::uuid, 'cancelled', now(), 'USD', 0, gen_random_uuid(), 1
            from unnest($3::text[]) as number
            returning id
        )
        insert into order_lines (
            order_id, position, variant_id, sku, title, options, quantity, unit_price, from_stock
        )
        select placed.id, 1, v.id, v.sku, 'A tent', '[]', 1, 0, false
        from placed join variants v on v.sku = $2
        """,
        desk.id,
        product.sku,
        [new_number() for _ in range(205)],
    )
    assert len((await get(desk.customer, "/account/export"))["orders"]) == 205


async def test_consent_has_a_time(desk: Desk, observer: Connection) -> None:
    """When somebody last said whether they want mail is kept, and no other change moves it."""

    async def said_at() -> Any:
        return (await get(desk.customer, "/account/export"))["marketing_emails_at"]

    async def change(**choices: Any) -> None:
        await desk.customer.patch(f"{API}/preferences", json=choices)

    await change(theme="dark")
    assert await said_at() is None
    await change(marketing_emails=True)
    first = await said_at()
    assert first
    await change(marketing_emails=True, theme="light")
    assert await said_at() == first
    await change(marketing_emails=False)
    assert await said_at() > first


async def test_consent_of_a_guest_comes_along(app: Quart) -> None:
    """What a guest said of mail is the account's from the log in on, with its time."""
    client = app.test_client()
    await client.patch(f"{API}/preferences", json={"marketing_emails": True})
    await register(client)
    exported = await get(client, "/account/export")
    assert exported["preferences"]["marketing_emails"] is True
    assert exported["marketing_emails_at"] is not None


async def test_audit_is_filtered(desk: Desk) -> None:
    """Events are found by account, kind, time, subject and operator, page by page."""
    await desk.act("disable")
    await desk.act("enable")
    for query, kinds in (
        ({"event": "account_disabled"}, ["account_disabled"]),
        ({"since": "2999-01-01T00:00:00Z"}, []),
        ({"until": "2000-01-01T00:00:00Z"}, []),
        ({"subject": "nothing"}, []),
        ({"by": desk.operator_id}, ["account_enabled", "account_disabled"]),
        ({"by": desk.id}, []),
    ):
        status, trail = await desk.ask("GET", f"{API}/admin/audit", {"account": desk.id, **query})
        assert status == 200
        assert [each["event"] for each in trail["events"]] == kinds
    seen: list[str] = []
    after: int | None = None
    while True:
        asked = {"account": desk.id, "limit": 1, **({"after": after} if after else {})}
        _, page = await desk.ask("GET", f"{API}/admin/audit", asked)
        seen += [each["event"] for each in page["events"]]
        after = page["next"]
        if after is None:
            break
    assert seen == ["account_enabled", "account_disabled", "registered"]


@pytest.mark.parametrize("said", ["nothing", "yes"])
@pytest.mark.parametrize("sent", [{}, {"marketing_emails": "true"}])
async def test_consent_at_registration(app: Quart, said: str, sent: dict[str, str]) -> None:
    """The page's box is ticked for who said yes before alone; what it says is kept and timed."""
    client, name = app.test_client(), new_name()
    if said == "yes":
        await client.patch(f"{API}/preferences", json={"marketing_emails": True})
    page = await (await client.get("/register")).get_data(as_text=True)
    (box,) = re.findall(r'<input type="checkbox" name="marketing_emails"[^>]*>', page)
    assert ("checked" in box) is (said == "yes")
    form = {"username": name, "email": f"{name}@example.com", "password": PASSWORD, **sent}
    headers = {"Sec-Fetch-Site": "same-origin"}
    assert (await client.post("/register", form=form, headers=headers)).status_code == 303
    exported = await get(client, "/account/export")
    assert exported["preferences"]["marketing_emails"] is bool(sent)
    assert exported["marketing_emails_at"] is not None
