"""quart-auth's own calls do what they say here, or say why they can't."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from quart import Quart, render_template_string, request, websocket
from quart.testing.connections import WebsocketResponseError
from quart_auth import (
    AuthUser,
    authenticated_client,
    basic_auth_required,
    current_user,
    generate_auth_token,
    login_required,
    login_user,
    logout_user,
    renew_login,
)

from service.accounts.session import AccountLogins
from service.logins import CurrentUser, SessionAuth
from tests.support.shopping import API, PASSWORD, register

StartApp = Callable[..., Awaitable[Quart]]


def add_views(app: Quart) -> None:
    """Views as somebody writes them who knows quart-auth."""

    @app.get("/before")
    async def before() -> dict[str, Any]:
        seen = current_user.auth_id
        template = await render_template_string("{{ current_user.auth_id }}")
        return {
            "before": [seen, template],
            "signed_in": await current_user.is_authenticated,
            "after": current_user.auth_id,
        }

    @app.get("/mine")
    @login_required
    async def mine() -> dict[str, Any]:
        return {"auth_id": current_user.auth_id}

    @app.post("/out")
    async def out() -> dict[str, Any]:
        logout_user()
        return {"auth_id": current_user.auth_id}

    @app.post("/in/<kind>")
    async def sign_in(kind: str) -> dict[str, Any]:
        users = {
            "theirs": AuthUser(str(uuid4())),
            "tokenless": CurrentUser(str(uuid4())),
            "nobody": CurrentUser(None, token="a token"),
        }
        try:
            login_user(users[kind], remember="remember" in request.args)
        except (TypeError, RuntimeError) as error:
            return {"error": str(error)}
        return {}

    @app.post("/renew")
    async def renew() -> dict[str, Any]:
        try:
            renew_login()
        except RuntimeError as error:
            return {"error": str(error)}
        return {}


def add_guarded_views(app: Quart) -> None:
    """Views for those who are signed in, and for those who know a name and a password."""
    app.config.update(QUART_AUTH_BASIC_USERNAME="ada", QUART_AUTH_BASIC_PASSWORD="lovelace")

    @app.route("/guarded", methods=["GET", "OPTIONS"], provide_automatic_options=False)
    @login_required
    async def guarded() -> str:
        return "in"

    @app.get("/basic")
    @basic_auth_required()
    async def basic() -> str:
        return "in"

    @app.websocket("/basic-socket")
    @basic_auth_required()
    async def socket() -> None:
        await websocket.accept()
        await websocket.send("in")

    @app.websocket("/guarded-socket")
    @login_required
    async def guarded_socket() -> None:
        await websocket.accept()
        await websocket.send(str(current_user.auth_id))

    @app.get("/where")
    async def where() -> str:
        return str((await current_user.is_authenticated, request.path))


async def enter(client: Any) -> str:
    """Register; returns the account's id."""
    return str((await register(client))["user"]["id"])


async def test_auth_id_is_never_a_dead_logins(start_app: StartApp) -> None:
    """`auth_id` is None until the login was looked up, and stays so where it has ended."""
    app = await start_app(add_views)
    client = app.test_client()
    account_id = await enter(client)
    found = await (await client.get("/before")).get_json()
    assert found == {"before": [None, "None"], "signed_in": True, "after": account_id}
    saved = app.test_client()
    for cookie in client.cookie_jar or ():
        saved.set_cookie("localhost", cookie.name, cookie.value or "")
    await client.delete("/api/v1/session")
    found = await (await saved.get("/before")).get_json()
    assert found == {"before": [None, "None"], "signed_in": False, "after": None}


async def test_logout_user_ends_the_login(
    start_app: StartApp, observer: asyncpg.Connection[asyncpg.Record]
) -> None:
    """`logout_user` by itself ends the row: a saved cookie is a guest's from then on."""
    app = await start_app(add_views, merge_window=0)
    client = app.test_client()
    account_id = await enter(client)
    saved = app.test_client()
    for cookie in client.cookie_jar or ():
        saved.set_cookie("localhost", cookie.name, cookie.value or "")
    assert (await saved.get("/mine")).status_code == 200
    assert await (await client.post("/out")).get_json() == {"auth_id": None}
    for each in (client, saved):
        assert (await each.get("/mine")).status_code == 401
        assert (await each.post("/out")).status_code == 200
    live = "select count(*) from logins where account_id = $1 and ended_at is null"
    assert await observer.fetchval(live, account_id) == 0
    actions = await observer.fetch("select event from audit where account_id = $1", account_id)
    assert [row["event"] for row in actions].count("logged_out") == 1


@pytest.mark.parametrize("kind", ["theirs", "tokenless", "nobody"])
@pytest.mark.parametrize("query", ["", "?remember"])
async def test_login_user_takes_no_one_without_a_login(
    start_app: StartApp, kind: str, query: str
) -> None:
    """A user without a login's row is refused before anything is written, and told what to do."""
    app = await start_app(add_views)
    client = app.test_client()
    response = await client.post(f"/in/{kind}{query}")
    assert "Log in with the password" in (await response.get_json())["error"]
    assert "Set-Cookie" not in response.headers
    assert (await client.get("/mine")).status_code == 401


async def test_renew_login_says_that_the_row_decides(start_app: StartApp) -> None:
    """`renew_login` can't lengthen a login, and says so."""
    app = await start_app(add_views)
    client = app.test_client()
    for _ in range(2):
        response = await client.post("/renew")
        assert "as long as its row says" in (await response.get_json())["error"]
        await enter(client)


async def test_authenticated_client_is_signed_in(
    start_app: StartApp, observer: asyncpg.Connection[asyncpg.Record]
) -> None:
    """A test's client is signed in by quart-auth's own helper, and out again at its end."""
    app = await start_app(add_views)
    account_id = await enter(app.test_client())
    client = app.test_client()
    async with authenticated_client(client, account_id):
        found = await (await client.get("/mine")).get_json()
        assert found == {"auth_id": account_id}
        assert (await client.get("/api/v1/account")).status_code == 200
        async with client.session_transaction() as kept:
            assert kept["user_id"] == account_id
            kept["word"] = "kept"
    assert (await client.get("/mine")).status_code == 401
    async with client.session_transaction() as kept:
        assert kept["word"] == "kept"
        assert "login" not in kept
    live = "select count(*) from logins where account_id = $1 and ended_at is null"
    assert await observer.fetchval(live, account_id) == 1


async def test_authenticated_client_of_nobody(start_app: StartApp) -> None:
    """A test's client for an account that isn't there is an error, never a guest in silence."""
    app = await start_app(add_views)
    with pytest.raises(LookupError, match="no account"):
        async with authenticated_client(app.test_client(), str(uuid4())):
            pass


async def test_what_has_no_meaning_is_refused(start_app: StartApp) -> None:
    """Settings and tokens of quart-auth's own cookie are refused where they are given or asked."""
    app = await start_app()
    with pytest.raises(RuntimeError, match="POST /api/v1/account/tokens"):
        generate_auth_token(app.test_client(), "1")
    with pytest.raises(RuntimeError, match="tokens"):
        app.extensions["QUART_AUTH"][0].load_token("1")
    other: Any = Quart("other")
    with pytest.raises(TypeError):
        SessionAuth(other, AccountLogins(), mode="bearer")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        SessionAuth(other, AccountLogins(), attribute_name="other")  # type: ignore[call-arg]
    other.config.update(QUART_AUTH_BASIC_USERNAME="a", QUART_AUTH_DURATION=1, QUART_AUTH_MODE="b")
    with pytest.raises(RuntimeError, match="QUART_AUTH_DURATION, QUART_AUTH_MODE mean nothing"):
        SessionAuth(other, AccountLogins())


async def test_login_required_is_401_or_the_way_to_the_log_in(start_app: StartApp) -> None:
    """A program is told 401, also of OPTIONS; a browser is led to the log in and back."""
    app = await start_app(add_guarded_views)
    client = app.test_client()
    for ask in (client.get, client.options):
        response = await ask("/guarded")
        assert (response.status_code, (await response.get_json())["code"]) == (
            401,
            "unauthenticated",
        )
    response = await client.get("/guarded", headers={"Accept": "text/html"})
    assert response.status_code == 303
    assert response.headers["Location"] == "/login?next=%2Fguarded"
    await enter(client)
    assert await (await client.get("/guarded")).get_data() == b"in"


async def test_basic_auth_works_beside_logins(start_app: StartApp) -> None:
    """quart-auth's check of one name and password works, in requests and in websockets."""
    app = await start_app(add_guarded_views)
    client = app.test_client()
    for auth, status in ((("ada", "lovelace"), 200), (("ada", "byron"), 401), (None, 401)):
        assert (await client.get("/basic", auth=auth)).status_code == status
        if status == 200:
            async with client.websocket("/basic-socket", auth=auth) as socket:
                assert await socket.receive() == "in"
        else:
            with pytest.raises(WebsocketResponseError) as refused:
                async with client.websocket("/basic-socket", auth=auth) as socket:
                    await socket.receive()
            assert refused.value.response.status_code == 401
    assert await (await client.get("/where", auth=("ada", "lovelace"))).get_data() == (
        b"(False, '/where')"
    )


async def test_a_websocket_knows_who_opens_it(start_app: StartApp) -> None:
    """A login, or a token for programs, opens a guarded websocket; a guest is refused."""
    app = await start_app(add_guarded_views)
    client = app.test_client()

    async def open_socket(client: Any, **headers: str) -> str:
        async with client.websocket("/guarded-socket", headers=headers) as socket:
            return str(await socket.receive())

    for headers in ({}, {"Authorization": "Bearer locker_r_" + "a" * 32}):
        with pytest.raises(WebsocketResponseError) as refused:
            await open_socket(app.test_client(), **headers)
        assert refused.value.response.status_code == 401
    account = await enter(client)
    assert await open_socket(client) == account
    made = await client.post(
        f"{API}/account/tokens",
        json={"name": "program", "scopes": ["read"], "current_password": PASSWORD},
    )
    token = (await made.get_json())["token"]
    assert await open_socket(app.test_client(), Authorization=f"Bearer {token}") == account
    await client.delete(f"{API}/session")
    with pytest.raises(WebsocketResponseError):
        await open_socket(client)
