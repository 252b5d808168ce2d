"""A registration sent again with the same `Idempotency-Key`."""

from __future__ import annotations

import asyncio
from typing import Any

from quart import Quart
from quart.typing import TestClientProtocol as Client
from werkzeug.datastructures import Headers

from service.database import Connection
from tests.support.shopping import API, PASSWORD, Product, add, get, new_name


async def post_account(
    client: Client, name: str, key: str = "one", **changes: str
) -> tuple[int, Any, Headers]:
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD, **changes}
    response = await client.post(f"{API}/account", json=body, headers={"Idempotency-Key": key})
    return response.status_code, await response.get_json(), response.headers


async def test_a_missed_registration_can_be_sent_again(
    app: Quart, observer: Connection, product: Product
) -> None:
    """The repeat has the first answer, and a login with the account's cart as it is now."""
    name = new_name()
    client, again = app.test_client(), app.test_client()
    await add(client, product.sku, 2)
    status, first, headers = await post_account(client, name)
    assert status == 201
    assert "Idempotent-Replayed" not in headers
    await add(client, product.sku)

    status, second, headers = await post_account(again, name)

    assert (status, second) == (201, first)
    assert headers["Idempotent-Replayed"] == "true"
    assert (await get(again, "/session"))["user"] == first["user"]
    assert (await get(again, "/cart"))["quantity"] == 3
    # Both browsers are logged in, each by a login of its own.
    assert (await get(client, "/session"))["authenticated"]
    assert (
        await observer.fetchval(
            "select count(*) from logins join accounts on accounts.id = account_id "
            "where username = $1",
            name,
        )
        == 2
    )


async def test_a_repeat_has_the_same_name_address_and_password(app: Quart) -> None:
    """A repeat of a registration with another password or key lets nobody in."""
    name = new_name()
    await post_account(app.test_client(), name)
    for changes, code in (
        ({"password": "another password altogether"}, "username_taken"),
        ({"email": f"{new_name()}@example.com"}, "username_taken"),
        ({"username": new_name()}, "email_taken"),
        ({"key": "two"}, "username_taken"),
    ):
        client = app.test_client()
        status, problem, headers = await post_account(client, name, **changes)
        assert (status, problem["code"]) == (409, code)
        assert "Idempotent-Replayed" not in headers
        assert not (await get(client, "/session"))["authenticated"]


async def test_two_registrations_at_once_make_one_account(app: Quart) -> None:
    """Of five with the same key at once all have the same answer, and all are logged in."""
    name = new_name()
    clients = [app.test_client() for _ in range(5)]
    answers = await asyncio.gather(*(post_account(client, name) for client in clients))
    assert {status for status, _, _ in answers} == {201}
    assert len({body["user"]["id"] for _, body, _ in answers}) == 1
    for client in clients:
        assert (await get(client, "/session"))["authenticated"]


async def test_no_password_is_kept_with_the_key(app: Quart, observer: Connection) -> None:
    """What is stored of a registration is its answer, without the password or a digest of it."""
    name = new_name()
    await post_account(app.test_client(), name, key=name)
    await post_account(app.test_client(), new_name(), key=name, password="another one entirely")
    rows = await observer.fetch(
        "select fingerprint, body from idempotency_keys where key = $1", name
    )
    assert len({row["fingerprint"] for row in rows}) == 1
    assert all(PASSWORD.encode() not in row["body"] for row in rows)


async def test_a_deleted_account_leaves_no_answers(app: Quart, observer: Connection) -> None:
    """What was remembered under an account's keys goes with the account."""
    name, client = new_name(), app.test_client()
    _, first, _ = await post_account(client, name)
    response = await client.delete(f"{API}/account", json={"current_password": PASSWORD})
    assert response.status_code == 204
    assert not await observer.fetchval(
        "select count(*) from idempotency_keys where scope = $1", first["user"]["id"]
    )
    status, second, _ = await post_account(client, name)
    assert status == 201
    assert second["user"]["id"] != first["user"]["id"]
