"""An API token asked for again with the same `Idempotency-Key`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from service import clock
from service.database import Connection
from tests.support.shopping import API, PASSWORD, get, log_in, register


async def post_token(
    client: Client, key: str = "one", name: str = "backup"
) -> tuple[int, Any, bool]:
    response = await client.post(
        f"{API}/account/tokens",
        json={"name": name, "current_password": PASSWORD},
        headers={"Idempotency-Key": key},
    )
    replayed = response.headers.get("Idempotent-Replayed") == "true"
    return response.status_code, await response.get_json(), replayed


async def test_a_missed_token_is_shown_again(
    app: Quart, client: Client, observer: Connection
) -> None:
    """The repeat shows the same, working token, of which the database has only the hash."""
    account = (await register(client))["user"]["id"]
    status, first, replayed = await post_token(client)
    assert (status, replayed) == (201, False)
    assert await post_token(client) == (201, first, True)
    assert len((await get(client, "/account/tokens"))["tokens"]) == 1
    token = {"Authorization": f"Bearer {first['token']}"}
    assert (await app.test_client().get(f"{API}/account", headers=token)).status_code == 200
    (row,) = await observer.fetch(
        "select body, headers::text as headers from idempotency_keys where scope = $1", account
    )
    assert first["token"] not in row["body"].decode() + row["headers"]
    assert first["id"] in row["body"].decode()


async def test_keys_and_requests_make_tokens_of_their_own(signed_in: Client) -> None:
    """Another idempotency key makes another token; the same for another request is refused."""
    _, first, _ = await post_token(signed_in)
    _, second, _ = await post_token(signed_in, "two")
    assert first["token"] != second["token"]
    status, problem, _ = await post_token(signed_in, name="other")
    assert (status, problem["code"]) == (422, "idempotency_key_reused")


async def test_another_login_is_not_shown_the_token(app: Quart, client: Client) -> None:
    """What only the login that asked can be told again, another one of the account is refused."""
    name = (await register(client))["user"]["username"]
    await post_token(client)
    other = app.test_client()
    await log_in(other, name)
    status, problem, _ = await post_token(other)
    assert (status, problem["code"]) == (422, "idempotency_key_reused")


async def test_an_old_key_makes_no_second_token(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a key of the day before, a login that lasts longer can't make the same token again."""
    name = (await register(client))["user"]["username"]
    await log_in(client, name, remember=True)
    await post_token(client)
    later = datetime.now(UTC) + timedelta(hours=25)
    monkeypatch.setattr(clock, "now", lambda: later)
    status, problem, _ = await post_token(client)
    assert (status, problem["code"]) == (422, "idempotency_key_reused")
