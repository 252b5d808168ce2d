"""The operators' part of the API: there for them, and for nobody else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from service import accounts, logins
from service.audit import COMMAND_LINE
from service.database import get_db
from tests.support.document import OPERATIONS
from tests.support.operators import MadeOperator, give_token, operator_of
from tests.support.shopping import API, get, log_in, make_token, register

Connection = Any
Ending = Callable[[Connection, MadeOperator], Awaitable[object]]

OF_OPERATORS = [operation for operation in OPERATIONS if operation.for_operators]


async def end_with_disabling(db: Connection, operator: MadeOperator) -> None:
    await accounts.disable(db, operator.account.id, COMMAND_LINE)


async def end_with_the_role(db: Connection, operator: MadeOperator) -> None:
    await accounts.set_role(db, operator.account.id, None, COMMAND_LINE)


async def end_with_the_role_for_a_while(db: Connection, operator: MadeOperator) -> None:
    await accounts.set_role(db, operator.account.id, None, COMMAND_LINE)
    await accounts.set_role(db, operator.account.id, "operator", COMMAND_LINE)


async def end_by_its_id(db: Connection, operator: MadeOperator) -> None:
    (issued,) = await logins.select_issued(db, operator.account.id, operator.account.created_at)
    assert str(issued.token.id) == operator.token_id
    await logins.revoke_token(db, issued.token.id, COMMAND_LINE)


async def end_with_time(db: Connection, operator: MadeOperator) -> None:
    await db.execute(
        "update logins set expires_at = now() where account_id = $1", operator.account.id
    )


async def end_with_the_account(db: Connection, operator: MadeOperator) -> None:
    await db.execute("delete from accounts where id = $1", operator.account.id)


async def told_apart(client: Client, headers: dict[str, str]) -> list[tuple[Any, ...]]:
    """Return the requests below `/admin` that aren't answered as the same one to no path at all."""
    apart = []
    for path, method, body in [
        (f"{API}/admin", "GET", None),
        (f"{API}/admin/nothing", "GET", None),
        *(
            (operation.path(), method, operation.body if operation.schema else None)
            for operation in OF_OPERATORS
            for method in ("GET", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")
        ),
    ]:
        for more in ({}, {"Host": "evil.example"}, {"Content-Type": "text/plain"}):
            seen = [
                await answer_to(client, each, method, body, {**headers, **more})
                for each in (path, f"{API}/nothing")
            ]
            if seen[0] != seen[1] or seen[0][0] != 404:
                apart.append((method, path, more, *seen))
    return apart


async def answer_to(
    client: Client, path: str, method: str, body: Any, headers: dict[str, str]
) -> tuple[int, Any, dict[str, str]]:
    """Return status, body and headers, without what tells one request from another."""
    response = await client.open(path, method=method, json=body, headers=headers)
    told = await response.get_json()
    del told["request_id"]
    shown = {name: value for name, value in response.headers.items() if name != "x-request-id"}
    return response.status_code, told, shown


@pytest.mark.parametrize(
    "who", ["guest", "shopper", "operator's browser", "shopper's token", "operator's other token"]
)
async def test_nobody_else_learns_what_there_is(who: str, app: Quart) -> None:
    """Whoever has no operator's token is answered below `/admin` as anyone is who goes astray."""
    operator, client, headers = await operator_of(app), app.test_client(), {}
    if who.startswith("shopper"):
        await register(client)
    if who == "operator's browser":
        await log_in(client, operator.account.username)
        assert (await get(client, "/session"))["authenticated"]
    if who == "shopper's token":
        headers = {"Authorization": f"Bearer {(await make_token(client))['token']}"}
    if who == "operator's other token":
        async with app.app_context():
            _, headers = await give_token(await get_db(), operator.account, "read", "write")
    assert await told_apart(client, headers) == []


@pytest.mark.parametrize(
    "end",
    [
        end_with_disabling,
        end_with_the_role,
        end_with_the_role_for_a_while,
        end_by_its_id,
        end_with_time,
        end_with_the_account,
    ],
)
async def test_a_token_ends(end: Ending, app: Quart) -> None:
    """An operator's token is as unknown as any, once it, the role or the account has ended."""
    operator, client = await operator_of(app), app.test_client()
    known = await client.open(
        OF_OPERATORS[0].path(), method="TRACE", json=None, headers=operator.headers
    )
    assert known.status_code == 405
    assert known.headers["Allow"]
    async with app.app_context():
        await end(await get_db(), operator)
    assert await told_apart(client, operator.headers) == []


async def test_a_token_of_an_operator_is_no_shopper(app: Quart) -> None:
    """What is a shopper's is forbidden to a token that has the scope `admin` alone."""
    operator, client = await operator_of(app), app.test_client()
    for method, path in (("GET", "/cart"), ("GET", "/account"), ("DELETE", "/cart")):
        answer = await client.open(
            f"{API}{path}", method=method, json=None, headers=operator.headers
        )
        assert answer.status_code == 403


async def test_the_scope_is_not_given_over_http(signed_in: Client) -> None:
    """To ask for the scope `admin` over HTTP is 422, whoever asks, in every place."""
    wish = {"name": "x", "scopes": ["admin"]}
    password = "correct horse battery staple"
    for path, body in (
        ("/account/tokens", {**wish, "current_password": password}),
        ("/account/tokens", {**wish, "scopes": ["read", "admin"], "current_password": password}),
        ("/session", {"username": "x", "password": password, "token": wish}),
        (
            "/account",
            {"username": "xyz", "email": "x@y.example", "password": password, "token": wish},
        ),
    ):
        answer = await signed_in.post(f"{API}{path}", json=body)
        assert answer.status_code == 422, path
        assert (await answer.get_json())["code"] == "invalid"
