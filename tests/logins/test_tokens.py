"""API tokens: who they stand for, what they may do, and how they end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import asyncpg
import msgspec
import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from service import clock
from service.accounts import logins_api as api
from service.accounts import session as accounts
from service.accounts.api_types import TokenInput
from service.http.idempotency import Key
from service.logins import hash_token
from tests.support.bad_input import UNKNOWN_TOKENS
from tests.support.document import OPERATIONS, Operation
from tests.support.shopping import API, PASSWORD, Product, add, get, log_in, make_token, register

OF_API = [
    operation
    for operation in OPERATIONS
    if operation.template.startswith(API) and not operation.for_operators
]


Observer: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

StartApp = Callable[..., Awaitable[Quart]]


def bearer(token: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {token['token']}"}


@pytest.fixture
def stranger(app: Quart) -> Client:
    """A client without cookies."""
    return app.test_client(use_cookies=False)


async def test_token_stands_for_its_account(
    client: Client, stranger: Client, product: Product
) -> None:
    """A token sees and changes its owner's cart, and no cookie is read or sent with it."""
    user = (await register(client))["user"]
    token = bearer(await make_token(client))
    response = await stranger.post(f"{API}/cart/lines", json={"sku": product.sku}, headers=token)
    assert response.status_code == 201
    assert "Set-Cookie" not in response.headers
    assert (await get(client, "/cart"))["quantity"] == 1
    response = await stranger.get(f"{API}/session", headers=token)
    assert (await response.get_json())["user"] == user
    assert "Set-Cookie" not in response.headers


async def test_cookies_beside_a_token_count_for_nothing(
    app: Quart, client: Client, product: Product
) -> None:
    """With a token, whoever the cookies say is signed in is not who is asking."""
    owner = (await register(client))["user"]
    token = bearer(await make_token(client))
    other = app.test_client()
    await register(other)
    await add(other, product.sku)
    response = await other.get(f"{API}/session", headers=token)
    body = await response.get_json()
    assert (body["user"], body["cart"]["quantity"]) == (owner, 0)


async def test_token_is_shown_once_and_kept_as_a_hash(client: Client, observer: Observer) -> None:
    """The text has a known prefix and 128 bits or more; the table has only its digest."""
    token = await make_token(client) if await register(client) else {}
    text = token["token"]
    assert text.startswith("locker_rw_")
    assert len(text.removeprefix("locker_rw_")) * 6 >= 128
    listed = (await get(client, "/account/tokens"))["tokens"]
    assert listed == [{name: value for name, value in token.items() if name != "token"}]
    assert text not in str(await observer.fetch("select logins::text from logins"))
    assert (
        await observer.fetchval("select name from logins where token_hash = $1", hash_token(text))
        == "backup"
    )


@pytest.mark.parametrize("scopes", [["read"], ["write"]])
async def test_scope_bounds_what_a_token_may(
    signed_in: Client, stranger: Client, product: Product, scopes: list[str]
) -> None:
    """`read` is for safe methods and `write` for the others; 403 for what is not covered."""
    token = bearer(await make_token(signed_in, scopes=scopes))
    read = await stranger.get(f"{API}/cart", headers=token)
    body = {"sku": product.sku}
    write = await stranger.post(f"{API}/cart/lines", json=body, headers=token)
    refused, done = (write, read) if scopes == ["read"] else (read, write)
    assert refused.status_code == 403
    assert (await refused.get_json())["code"] == "forbidden"
    assert done.status_code in {200, 201}
    assert (await get(signed_in, "/cart"))["quantity"] == (scopes == ["write"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/session", {"username": "nobody", "password": PASSWORD}),
        ("DELETE", "/session", None),
        ("POST", "/account", {"username": "xyz", "email": "x@y.example", "password": PASSWORD}),
        ("POST", "/account/tokens", {"name": "another", "current_password": PASSWORD}),
    ],
)
async def test_token_has_no_session_and_makes_no_token(
    signed_in: Client, stranger: Client, method: str, path: str, body: Any
) -> None:
    """What is about a browser's login, or would let a token outlive its end, is forbidden."""
    token = bearer(await make_token(signed_in))
    response = await stranger.open(f"{API}{path}", method=method, json=body, headers=token)
    assert response.status_code == 403
    assert (await response.get_json())["code"] == "forbidden"


@pytest.mark.parametrize("operation", OF_API, ids=lambda each: each.id)
async def test_invalid_token_is_401_on_every_route(
    operation: Operation, app: Quart, caplog: pytest.LogCaptureFixture
) -> None:
    """An invalid token is never a guest: 401 of every operation, of those for guests as well.

    And by the operation's own check, not because the answer was stopped on its way out.
    """
    client = app.test_client()
    for header in (
        *(f"Bearer {token}" for token in UNKNOWN_TOKENS),
        f"Bearer {UNKNOWN_TOKENS[0][:-11]}",
        "Bearer",
        "Bearer ",
        "bearer x",
        "Bearer locker_",
    ):
        response = await client.open(
            operation.path(),
            method=operation.method,
            json=operation.body if operation.schema else None,
            headers={"Authorization": header},
        )
        assert response.status_code == 401, header
        assert (await response.get_json())["code"] == "unauthenticated"
        assert "Set-Cookie" not in response.headers
    assert "left a token unchecked" not in caplog.text


async def test_login_of_a_session_is_no_token(signed_in: Client, app: Quart) -> None:
    """What a session's cookie holds can't be used as a token."""
    async with signed_in.session_transaction() as session:
        text = session["login"]
    for attempt in (text, f"locker_rw_{text}"):
        response = await app.test_client(use_cookies=False).get(
            f"{API}/account", headers={"Authorization": f"Bearer {attempt}"}
        )
        assert response.status_code == 401


async def test_widening_the_scope_in_the_text_breaks_the_token(
    signed_in: Client, stranger: Client
) -> None:
    """A token whose text has a wider scope is invalid, as the hash covers the scopes."""
    text = (await make_token(signed_in, scopes=["read"]))["token"]
    widened = {"Authorization": f"Bearer {text.replace('_r_', '_rw_')}"}
    response = await stranger.get(f"{API}/account", headers=widened)
    assert response.status_code == 401


async def test_token_expires(
    signed_in: Client, stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token ends when its days are over, however much it was used, and leaves the list."""
    token = await make_token(signed_in, expires_in_days=1)
    start = datetime.now(UTC)
    monkeypatch.setattr(clock, "now", lambda: start + timedelta(hours=23))
    assert (await stranger.get(f"{API}/account", headers=bearer(token))).status_code == 200
    monkeypatch.setattr(clock, "now", lambda: start + timedelta(hours=25))
    assert (await stranger.get(f"{API}/account", headers=bearer(token))).status_code == 401


async def test_disuse_does_not_end_a_token(
    start_app: StartApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unlike a login, a token needs no use to stay valid."""
    client = (await start_app(login_idle=60)).test_client()
    await register(client)
    token = bearer(await make_token(client))
    start = datetime.now(UTC)
    monkeypatch.setattr(clock, "now", lambda: start + timedelta(days=80))
    assert (await client.get(f"{API}/account", headers=token)).status_code == 200


async def test_use_is_noted_at_most_once_a_minute(
    signed_in: Client, stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last use is null before the first, noted at the first, and then once a minute."""
    token = await make_token(signed_in)
    assert token["last_used_at"] is None
    start = datetime.now(UTC).replace(microsecond=0)
    seen = []
    for seconds in (1, 30, 62):
        moment = start + timedelta(seconds=seconds)
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        await stranger.get(f"{API}/cart", headers=bearer(token))
        (listed,) = (await get(signed_in, "/account/tokens"))["tokens"]
        seen.append((datetime.fromisoformat(listed["last_used_at"]) - start).seconds)
    assert seen == [1, 1, 62]


async def test_ended_token_is_invalid_at_once(signed_in: Client, stranger: Client) -> None:
    """Ending a token refuses its next request and takes it off the list."""
    ended, kept = await make_token(signed_in), await make_token(signed_in)
    assert (await signed_in.delete(f"{API}/account/tokens/{ended['id']}")).status_code == 204
    assert (await stranger.get(f"{API}/cart", headers=bearer(ended))).status_code == 401
    assert (await stranger.get(f"{API}/cart", headers=bearer(kept))).status_code == 200
    assert [token["id"] for token in (await get(signed_in, "/account/tokens"))["tokens"]] == [
        kept["id"]
    ]
    assert (await signed_in.delete(f"{API}/account/tokens/{ended['id']}")).status_code == 404


async def test_token_of_another_account_cannot_be_ended(
    app: Quart, signed_in: Client, stranger: Client
) -> None:
    """Somebody else's token is not found, and neither is a login by a token's route."""
    token = await make_token(signed_in)
    other = app.test_client()
    await register(other)
    assert (await other.delete(f"{API}/account/tokens/{token['id']}")).status_code == 404
    assert (await signed_in.delete(f"{API}/account/sessions/{token['id']}")).status_code == 404
    assert (await stranger.get(f"{API}/cart", headers=bearer(token))).status_code == 200


async def test_a_token_takes_the_password(signed_in: Client, observer: Observer) -> None:
    """An open browser is no year of access: without the password, or with another, no token.

    Under a key for repeats no digest of it is kept: that of the request is without it.
    """
    for password, status in ((None, 422), ("wrong, wrong, wrong", 403), (PASSWORD, 201)):
        body = {"name": "x", **({"current_password": password} if password else {})}
        response = await signed_in.post(
            f"{API}/account/tokens", json=body, headers={"Idempotency-Key": "of-this-test"}
        )
        assert response.status_code == status
        kept = (await get(signed_in, "/account/tokens"))["tokens"]
        assert bool(kept) is (status == 201)
    text = (await response.get_json())["token"]
    without = msgspec.json.encode(TokenInput("x", current_password=""))
    key = Key.read("of-this-test", "POST", f"{API}/account/tokens", without, text)
    assert await observer.fetchval(
        "select count(*) from idempotency_keys where fingerprint = $1", key.fingerprint
    )


async def test_a_token_does_not_outlive_a_password_changed_meanwhile(
    app: Quart, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password changed between its check and the token leaves no token."""
    name = (await register(client))["user"]["username"]
    other = app.test_client()
    await log_in(other, name)
    confirm = accounts.confirm_password

    async def confirm_and_wait(password: str) -> Any:
        credentials = await confirm(password)
        changed = await other.put(
            f"{API}/account/password",
            json={"current_password": PASSWORD, "new_password": PASSWORD + "!"},
        )
        assert changed.status_code == 204
        return credentials

    monkeypatch.setattr(api, "confirm_password", confirm_and_wait)
    body = {"name": "x", "current_password": PASSWORD}
    response = await client.post(f"{API}/account/tokens", json=body)
    assert response.status_code == 403
    assert (await get(other, "/account/tokens"))["tokens"] == []


async def test_number_of_tokens_is_bounded(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the limit a token is refused with 409 until another has ended."""
    monkeypatch.setattr("service.logins.token_queries.MOST_TOKENS", 2)
    await register(client)
    first, _ = await make_token(client), await make_token(client)
    response = await client.post(
        f"{API}/account/tokens", json={"name": "one more", "current_password": PASSWORD}
    )
    assert response.status_code == 409
    assert (await response.get_json())["code"] == "token_limit"
    await client.delete(f"{API}/account/tokens/{first['id']}")
    await make_token(client)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "x", "expires_in_days": 0},
        {"name": "x", "expires_in_days": 366},
        {"name": "x", "expires_in_days": 1.5},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["admin"]},
        {"name": "x", "scopes": ["read", "write", "read"]},
    ],
)
async def test_token_out_of_range_is_refused(signed_in: Client, body: Any) -> None:
    """A token needs a name, an end within a year, and scopes that exist."""
    response = await signed_in.post(
        f"{API}/account/tokens", json={"current_password": PASSWORD, **body}
    )
    assert response.status_code == 422
    assert (await get(signed_in, "/account/tokens"))["tokens"] == []
