"""What its owner can change about an account, as the other browser and a token see it."""

from __future__ import annotations

import asyncio
from typing import Any, TypeAlias

import asyncpg
import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from service.accounts import Hasher
from service.errors import WrongCredentials
from tests.support.shopping import (
    API,
    PASSWORD,
    Product,
    add,
    get,
    log_in,
    make_token,
    new_name,
    register,
)

Observer: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

NEW_PASSWORD = "a brand new secret of mine"


async def two_clients(app: Quart) -> tuple[Client, Client, dict[str, Any]]:
    """Return two browsers signed in to one account, and the account."""
    mine, other = app.test_client(), app.test_client()
    user = (await register(mine))["user"]
    await log_in(other, user["username"])
    return mine, other, user


async def bearer(client: Client) -> dict[str, str]:
    made = await make_token(client)
    return {"Authorization": f"Bearer {made['token']}"}


async def is_signed_in(client: Client) -> bool:
    return bool((await get(client, "/session"))["authenticated"])


async def test_password_change_ends_every_other_login_and_token(app: Quart) -> None:
    """After a new password another browser is a guest at its next request, and a token 401."""
    mine, other, user = await two_clients(app)
    token = await bearer(other)
    response = await mine.put(
        f"{API}/account/password",
        json={"current_password": PASSWORD, "new_password": NEW_PASSWORD},
    )
    assert response.status_code == 204
    assert await is_signed_in(mine)
    assert not await is_signed_in(other)
    stranger = app.test_client(use_cookies=False)
    assert (await stranger.get(f"{API}/account", headers=token)).status_code == 401
    for password, status in ((PASSWORD, 401), (NEW_PASSWORD, 200)):
        response = await app.test_client().post(
            f"{API}/session", json={"username": user["username"], "password": password}
        )
        assert response.status_code == status


async def test_password_change_gives_the_login_another_token(app: Quart) -> None:
    """A cookie saved before the change is worth nothing after it, this browser's included."""
    mine, thief = app.test_client(), app.test_client()
    await register(mine)
    async with mine.session_transaction() as session, thief.session_transaction() as copy:
        copy.update({name: session[name] for name in ("user_id", "username", "login")})
    assert await is_signed_in(thief)
    await mine.put(
        f"{API}/account/password",
        json={"current_password": PASSWORD, "new_password": NEW_PASSWORD},
    )
    assert await is_signed_in(mine)
    assert not await is_signed_in(thief)


async def test_token_can_change_the_password_and_ends_with_it(app: Quart) -> None:
    """A token that knows the password may change it; that ends the token and every login."""
    mine, other, _ = await two_clients(app)
    token = await bearer(mine)
    stranger = app.test_client(use_cookies=False)
    response = await stranger.put(
        f"{API}/account/password",
        json={"current_password": PASSWORD, "new_password": NEW_PASSWORD},
        headers=token,
    )
    assert response.status_code == 204
    assert "Set-Cookie" not in response.headers
    assert (await stranger.get(f"{API}/account", headers=token)).status_code == 401
    assert not await is_signed_in(mine)
    assert not await is_signed_in(other)


async def test_two_password_changes_at_once_leave_one(app: Quart) -> None:
    """Of two changes at once that knew the old password one is done, the other refused."""
    mine, other, user = await two_clients(app)
    passwords = ["the first one of the two", "the second one of the two"]
    responses = await asyncio.gather(
        *(
            client.put(
                f"{API}/account/password",
                json={"current_password": PASSWORD, "new_password": password},
            )
            for client, password in zip((mine, other), passwords, strict=True)
        )
    )
    statuses = [response.status_code for response in responses]
    assert sorted(statuses) in ([204, 401], [204, 403])
    holds = passwords[statuses.index(204)]
    response = await app.test_client().post(
        f"{API}/session", json={"username": user["username"], "password": holds}
    )
    assert response.status_code == 200


async def test_log_in_that_meets_a_password_change_does_not_outlive_it(
    app: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log in that checked the old password before the change is refused after it."""
    mine = app.test_client()
    name = (await register(mine))["user"]["username"]
    hasher = app.extensions["locker"].get(Hasher)
    checked, changed = asyncio.Event(), asyncio.Event()
    verify = hasher.verify

    async def verify_and_wait(*arguments: Any, **more: Any) -> bool:
        right: bool = await verify(*arguments, **more)
        checked.set()
        await changed.wait()
        return right

    monkeypatch.setattr(hasher, "verify", verify_and_wait)
    logging_in = asyncio.create_task(
        app.test_client().post(f"{API}/session", json={"username": name, "password": PASSWORD})
    )
    await checked.wait()
    monkeypatch.setattr(hasher, "verify", verify)
    response = await mine.put(
        f"{API}/account/password",
        json={"current_password": PASSWORD, "new_password": NEW_PASSWORD},
    )
    assert response.status_code == 204
    changed.set()
    response = await logging_in
    assert response.status_code == WrongCredentials.status
    assert (await response.get_json())["code"] == WrongCredentials.code


async def test_email_changes(app: Quart) -> None:
    """After a change of the address the new one logs in, and the old one no longer does."""
    mine = app.test_client()
    user = (await register(mine))["user"]
    email = f"{new_name()}@example.org"
    response = await mine.patch(
        f"{API}/account", json={"email": email, "current_password": PASSWORD}
    )
    assert response.status_code == 200
    assert await response.get_json() == {**user, "email": email}
    await log_in(app.test_client(), email)
    response = await app.test_client().post(
        f"{API}/session", json={"username": user["email"], "password": PASSWORD}
    )
    assert response.status_code == 401


async def test_email_of_another_account_is_taken(app: Quart) -> None:
    """Two accounts can't have one address, in whatever case it is written."""
    mine, other = app.test_client(), app.test_client()
    await register(mine)
    taken = (await register(other))["user"]["email"]
    response = await mine.patch(
        f"{API}/account", json={"email": taken.upper(), "current_password": PASSWORD}
    )
    assert response.status_code == 409
    assert (await response.get_json())["code"] == "email_taken"


async def test_deleted_account_is_gone_at_once(
    app: Quart, product: Product, observer: Observer
) -> None:
    """A deleted account's logins and tokens end, nothing of it stays, and its name is free."""
    mine, other, user = await two_clients(app)
    await add(mine, product.sku)
    token = await bearer(mine)
    response = await mine.delete(f"{API}/account", json={"current_password": PASSWORD})
    assert response.status_code == 204
    assert not await is_signed_in(mine)
    assert not await is_signed_in(other)
    stranger = app.test_client(use_cookies=False)
    assert (await stranger.get(f"{API}/account", headers=token)).status_code == 401
    for table in ("logins", "carts", "preferences"):
        assert not await observer.fetch(
            f"select from {table} where account_id = $1",
            user["id"],
        )
    await register(mine, user["username"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/account", {"email": "new@example.com"}),
        ("DELETE", "/account", {}),
        ("PUT", "/account/password", {"new_password": NEW_PASSWORD}),
    ],
)
async def test_wrong_current_password_changes_nothing(
    app: Quart, method: str, path: str, body: dict[str, str]
) -> None:
    """Each change needs the password: 403 `wrong_password` without it, and 401 for a guest."""
    mine, other, user = await two_clients(app)
    body = {**body, "current_password": "not my password at all"}
    response = await mine.open(f"{API}{path}", method=method, json=body)
    assert response.status_code == 403
    assert (await response.get_json())["code"] == "wrong_password"
    assert await get(other, "/account") == user
    await log_in(app.test_client(), user["username"])
    guest = app.test_client()
    assert (await guest.open(f"{API}{path}", method=method, json=body)).status_code == 401


async def test_weak_new_password_is_refused(app: Quart) -> None:
    """The rules for passwords hold for a change as for a registration."""
    mine, other, user = await two_clients(app)
    for weak in ("short", f"xx{user['username']}xx".upper()):
        response = await mine.put(
            f"{API}/account/password", json={"current_password": PASSWORD, "new_password": weak}
        )
        assert response.status_code == 422
        assert (await response.get_json())["code"] == "weak_password"
    assert await is_signed_in(other)
