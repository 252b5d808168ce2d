"""A device that its owner logged in on before: let in when strangers have used up the attempts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import pytest
from quart import Quart, Response
from quart.typing import TestClientProtocol as Client

from service.accounts import Hasher, revoke_all_logins
from service.audit import COMMAND_LINE
from service.logins import Device, select_new_devices
from service.settings import Limit
from tests.support.operators import find_id
from tests.support.shopping import API, PASSWORD, get, log_in, make_token, new_name, register
from tests.throttling.test_throttling import WRONG, statuses, try_password

Observer: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

StartApp = Callable[..., Awaitable[Quart]]
PHONE = "198.51.100.77"


@pytest.fixture
async def app(start_app: StartApp) -> Quart:
    """The service, with few attempts at an account."""
    return await start_app(throttle_account=Limit(3, 600), trusted_proxies=1)


async def use_up(app: Quart, name: str) -> None:
    """Guess, as strangers, until nobody unknown may try any more."""
    tried = await statuses(app.test_client(), name, 4, "203.0.113.99")
    assert tried == [401, 401, 401, 429]


async def shopper(app: Quart) -> tuple[Client, str]:
    """Return a browser that logged in before and is logged out, and the user name."""
    client = app.test_client()
    name = (await register(client))["user"]["username"]
    await client.delete(f"{API}/session")
    return client, name


async def told(response: Response) -> tuple[int, Any, Any]:
    """Return all that an answer says, but what differs from one request to the next."""
    body = await response.get_json()
    headers = {name.lower(): text for name, text in response.headers}
    wait = int(headers.pop("retry-after", 0))
    del headers["x-request-id"]
    return (
        response.status_code,
        {key: value for key, value in body.items() if key != "request_id"},
        (headers, wait > 0),
    )


async def test_guesses_from_elsewhere_do_not_lock_the_owner_out(app: Quart) -> None:
    """Guesses from elsewhere don't keep the owner from logging in on their own phone."""
    phone, name = await shopper(app)
    await use_up(app, name)
    stranger = await try_password(app.test_client(), name, PASSWORD, PHONE)
    assert stranger.status_code == 429
    for number in range(5):
        assert (await try_password(phone, name, PASSWORD, f"{PHONE}{number}")).status_code == 200
        await phone.delete(f"{API}/session")


@pytest.mark.parametrize("which", ["throttle_address", "throttle_total"])
async def test_network_used_up_does_not_lock_the_owner_out(
    start_app: StartApp, observer: Observer, which: str
) -> None:
    """A limit of the network or of everything, used up, doesn't lock out a known device."""
    await observer.execute("delete from attempts")
    app = await start_app(**{which: Limit(2, 600)}, trusted_proxies=1)
    phone = app.test_client()
    response = await phone.post(
        f"{API}/account",
        json={"username": (name := new_name()), "email": f"{name}@e.example", "password": PASSWORD},
        headers={"X-Forwarded-For": "192.0.2.99"},
    )
    assert response.status_code == 201
    assert await statuses(app.test_client(), new_name(), 3, PHONE) == [401, 401, 429]
    assert (await try_password(app.test_client(), name, PASSWORD, PHONE)).status_code == 429
    assert (await try_password(phone, name, PASSWORD, PHONE)).status_code == 200


async def test_no_answer_tells_whether_a_device_is_familiar(app: Quart) -> None:
    """A wrong password has one answer, on the owner's device, another's, and for nobody.

    Before the attempts are used up and after, in status, body and headers.
    """
    phone, name = await shopper(app)
    other, _ = await shopper(app)
    unknown = new_name()
    before = [
        await told(await try_password(client, who, WRONG, PHONE))
        for client, who in ((phone, name), (other, name), (other, unknown))
    ]
    assert before[0] == before[1] == before[2]
    assert before[0][0] == 401
    for who in (name, unknown):
        await statuses(app.test_client(), who, 4, "203.0.113.99")
    after = [
        await told(await try_password(client, who, password, PHONE))
        for client, who, password in (
            (phone, name, WRONG),
            (other, name, WRONG),
            (other, name, PASSWORD),
            (other, unknown, WRONG),
            (app.test_client(), name, PASSWORD),
        )
    ]
    assert all(each == after[0] for each in after)
    assert after[0][0] == 429


async def test_known_device_costs_a_hash_whatever_account_is_tried(
    app: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the attempts are used up, the time doesn't tell whose device it is either."""
    phone, name = await shopper(app)
    other, _ = await shopper(app)
    unknown = new_name()
    for who in (name, unknown):
        await statuses(app.test_client(), who, 4, "203.0.113.99")
    hasher, hashed = app.extensions["locker"].get(Hasher), []
    verify = hasher.verify

    async def count(*arguments: Any, **more: Any) -> bool:
        hashed.append(arguments)
        return bool(await verify(*arguments, **more))

    monkeypatch.setattr(hasher, "verify", count)
    for client, who in ((phone, name), (other, name), (other, unknown)):
        before = len(hashed)
        assert (await try_password(client, who, WRONG, PHONE)).status_code == 429
        assert len(hashed) == before + 1


async def test_guesses_on_a_known_device_are_bounded(app: Quart) -> None:
    """A known device has one count for all names: no place to guess without end."""
    phone, name = await shopper(app)
    for who in (name, "ada-of-nowhere"):
        await use_up(app, who)
    for who in (name, "ada-of-nowhere", name):
        assert await statuses(phone, who, 1, PHONE) == [429]
    assert (await try_password(phone, name, PASSWORD, PHONE)).status_code == 429


async def test_a_right_guess_is_taken_back_from_the_device(app: Quart) -> None:
    """Mistyped twice and then right, over and over, the owner stays welcome."""
    phone, name = await shopper(app)
    await use_up(app, name)
    for _ in range(4):
        assert (await try_password(phone, name, PASSWORD, PHONE)).status_code == 200
    assert await statuses(phone, name, 2, PHONE) == [429, 429]
    assert (await try_password(phone, name, PASSWORD, PHONE)).status_code == 200


async def change_password(client: Client, name: str, observer: Observer) -> None:
    body = {"current_password": PASSWORD, "new_password": PASSWORD}
    assert (await client.put(f"{API}/account/password", json=body)).status_code == 204


async def log_out_everywhere(client: Client, name: str, observer: Observer) -> None:
    assert (await client.delete(f"{API}/account/sessions")).status_code == 204


async def log_out_by_token(client: Client, name: str, observer: Observer) -> None:
    token = {"Authorization": f"Bearer {(await make_token(client))['token']}"}
    response = await client.app.test_client().delete(f"{API}/account/sessions", headers=token)
    assert response.status_code == 204


async def log_out_there(client: Client, name: str, observer: Observer) -> None:
    for login in (await get(client, "/account/sessions"))["sessions"]:
        if not login["current"]:
            await client.delete(f"{API}/account/sessions/{login['id']}")


async def let_an_operator_do_it(client: Client, name: str, observer: Observer) -> None:
    await revoke_all_logins(observer, await find_id(observer, name), COMMAND_LINE)


@pytest.mark.parametrize(
    "end",
    [change_password, log_out_everywhere, log_out_by_token, log_out_there, let_an_operator_do_it],
)
async def test_owner_ends_what_a_device_may(
    app: Quart, observer: Observer, end: Callable[[Client, str, Observer], Awaitable[None]]
) -> None:
    """A device that was lost is a stranger's from then on, also once its cookie is back."""
    lost, name = await shopper(app)
    await log_in(lost, name)
    laptop = app.test_client()
    await log_in(laptop, name)
    await end(laptop, name, observer)
    await use_up(app, name)
    assert (await try_password(lost, name, PASSWORD, PHONE)).status_code == 429


@pytest.mark.parametrize("end", [change_password, log_out_everywhere])
async def test_device_that_asks_stays_known(
    app: Quart, observer: Observer, end: Callable[[Client, str, Observer], Awaitable[None]]
) -> None:
    """Whoever ends all others stays at home where they do it."""
    laptop = app.test_client()
    name = (await register(laptop))["user"]["username"]
    await end(laptop, name, observer)
    await use_up(app, name)
    assert (await try_password(laptop, name, PASSWORD, PHONE)).status_code == 200


async def test_cookie_of_a_device_is_no_login(app: Quart) -> None:
    """A device's cookie by itself shows and does nothing; one tampered with is no device."""
    phone, name = await shopper(app)
    cookies = {each.name: each.value or "" for each in phone.cookie_jar or ()}
    genuine = cookies["session-device"]
    alone = app.test_client(use_cookies=False)
    answers = {}
    for text in (genuine, genuine + "A"):
        headers = {"Cookie": f"session-device={text}"}
        session = await (await alone.get(f"{API}/session", headers=headers)).get_json()
        assert not session["authenticated"]
        assert (await alone.get(f"{API}/account", headers=headers)).status_code == 401
    await use_up(app, name)
    for text, status in ((genuine + "A", 429), (genuine, 200)):
        response = await alone.post(
            f"{API}/session",
            json={"username": name, "password": PASSWORD},
            headers={"Cookie": f"session-device={text}"},
        )
        answers[status] = response.status_code
    assert answers == {429: 429, 200: 200}


async def test_devices_of_an_account_are_bounded(app: Quart, observer: Observer) -> None:
    """The least used makes room for another."""
    first, name = await shopper(app)
    second = app.test_client()
    for client in (second, first, *(app.test_client() for _ in range(19))):
        await log_in(client, name)
    assert (
        await observer.fetchval(
            "select count(*) from devices join accounts on accounts.id = account_id "
            "where username = $1",
            name,
        )
        == 20
    )
    await use_up(app, name)
    assert (await try_password(second, name, PASSWORD, PHONE)).status_code == 429
    assert (await try_password(first, name, PASSWORD, PHONE)).status_code == 200


async def test_one_device_may_be_known_to_several_accounts(app: Quart) -> None:
    """A family's computer lets each of them in."""
    computer, one = await shopper(app)
    another = (await register(computer))["user"]["username"]
    for name in (one, another):
        await use_up(app, name)
        assert (await try_password(computer, name, PASSWORD, PHONE)).status_code == 200


async def test_log_in_on_a_new_device_can_be_seen(app: Quart) -> None:
    """The list of logins shows the first on another device, and not the next one there."""
    laptop = app.test_client()
    name = (await register(laptop))["user"]["username"]
    phone = app.test_client()
    for new in (True, False):
        await log_in(phone, name)
        logins = (await get(laptop, "/account/sessions"))["sessions"]
        assert {each["current"]: each["new_device"] for each in logins} == {True: False, False: new}


async def test_new_devices_are_those_since_and_not_this_one(app: Quart, observer: Observer) -> None:
    """The newest first, and three at most."""
    client = app.test_client()
    user = (await register(client))["user"]
    async with client.session_transaction() as session:
        mine = Device.read(session["device"])
    assert mine is not None
    account_id = UUID(user["id"])
    newest = "select max(used_at) from devices where account_id = $1"
    since = await observer.fetchval(newest, account_id)
    for number in range(4):
        response = await app.test_client().post(
            f"{API}/session",
            json={"username": user["username"], "password": PASSWORD},
            headers={"User-Agent": f"Browser {number}"},
        )
        assert response.status_code == 200
    assert await select_new_devices(observer, account_id, mine, since) == [
        "Browser 3",
        "Browser 2",
        "Browser 1",
    ]
    now = await observer.fetchval(newest, account_id)
    assert await select_new_devices(observer, account_id, mine, now) == []
