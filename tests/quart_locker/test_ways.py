"""`SectionedSessions` in all the ways in which people write Quart."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from quart import Blueprint, Quart, flash, get_flashed_messages, session, websocket

from quart_locker import Misconfigured, PooledConnection, SectionedSessions, SessionTooLarge
from tests.quart_locker.applications import plain_app, sectioned_app, sent
from tests.support.keys import KEY

CHANGE = {"name": "Ada", "cart": {"lines": [1]}}


async def cookies_of(app: Quart) -> set[str]:
    return set(sent(await app.test_client().patch("/", json=CHANGE)))


async def test_as_the_session_interface() -> None:
    """Assigned as any session interface is, it does without `init_app`."""
    app = plain_app()
    app.session_interface = SectionedSessions(sections=["cart"])  # type: ignore[assignment]
    assert await cookies_of(app) == {"session", "session-cart"}


async def test_by_the_constructor_and_by_init_app() -> None:
    """The constructor takes the application, or `init_app` does later."""
    assert await cookies_of(sectioned_app()) == {"session", "session-cart"}
    app, sessions = plain_app(), SectionedSessions(sections=["cart"])
    sessions.init_app(app)
    async with app.test_app():
        assert await cookies_of(app) == {"session", "session-cart"}


async def test_without_sections() -> None:
    """Without sections there is the base cookie alone, and every name is free."""
    app = plain_app()
    SectionedSessions(app)
    assert await cookies_of(app) == {"session"}


async def test_a_factory_that_configures_afterwards() -> None:
    """What a factory sets after `init_app` counts, as the start is when it is read."""
    sessions = SectionedSessions(sections=["cart"])

    def create_app(**config: Any) -> Quart:
        app = plain_app(SECRET_KEY=None)
        sessions.init_app(app)
        app.config.update(config)
        return app

    app = create_app(SECRET_KEY=KEY, SESSION_COOKIE_NAME="sid")
    async with app.test_app():
        assert await cookies_of(app) == {"sid", "sid-cart"}
    with pytest.raises(Misconfigured, match="set SECRET_KEY"):
        await create_app().startup()


async def test_several_applications_share_one() -> None:
    """One object serves several applications, each as its own configuration says."""
    sessions = SectionedSessions(sections=["cart"])
    one, two = plain_app(SESSION_COOKIE_NAME="one"), plain_app(SESSION_COOKIE_NAME="two")
    for app in (one, two):
        sessions.init_app(app)
    for _ in range(2):
        assert await cookies_of(one) == {"one", "one-cart"}
        assert await cookies_of(two) == {"two", "two-cart"}


async def test_several_applications_with_sections_of_their_own() -> None:
    """Two applications in one process may declare different sections."""
    one, two = plain_app(), plain_app()
    SectionedSessions(one, sections=["cart"])
    SectionedSessions(two, sections=["name"])
    assert await cookies_of(one) == {"session", "session-cart"}
    assert await cookies_of(two) == {"session", "session-name"}


async def test_in_a_blueprint() -> None:
    """Hooks, views and `flash` of a blueprint use the session as those of the application do."""
    pages = Blueprint("pages", __name__, url_prefix="/shop")

    @pages.before_request
    async def count() -> None:
        session["count"] = session.get("count", 0) + 1

    @pages.get("/<word>")
    async def add(word: str) -> dict[str, Any]:
        session.setdefault("cart", []).append(word)
        await flash(word, "added")
        return {"cart": session["cart"], "count": session["count"]}

    @pages.get("/messages")
    async def messages() -> list[Any]:
        return get_flashed_messages(with_categories=True)

    app = plain_app()
    SectionedSessions(app, sections=["cart", "_flashes"])
    app.register_blueprint(pages)
    client = app.test_client()
    for number, word in enumerate(("pear", "plum"), 1):
        found = await (await client.get(f"/shop/{word}")).get_json()
        assert found == {"cart": ["pear", "plum"][:number], "count": number}
    found = await (await client.get("/shop/messages")).get_json()
    assert found == [["added", "pear"], ["added", "plum"]]
    assert await (await client.get("/shop/messages")).get_json() == []


async def test_in_a_websocket() -> None:
    """A websocket reads it."""
    app = sectioned_app()

    @app.websocket("/socket")
    async def socket() -> None:
        await websocket.send_json(session["cart"])

    client = app.test_client()
    await client.patch("/", json=CHANGE)
    async with client.websocket("/socket") as connection:
        assert await connection.receive_json() == {"lines": [1]}


async def test_in_a_synchronous_view() -> None:
    """A view without ``async`` runs in a thread, and the session is the same there."""
    app = sectioned_app()

    @app.get("/sync")
    def sync() -> str:
        session["cart"]["lines"].append(2)
        return ""

    client = app.test_client()
    await client.patch("/", json=CHANGE)
    assert set(sent(await client.get("/sync"))) == {"session-cart"}
    assert (await (await client.get("/")).get_json())["cart"] == {"lines": [1, 2]}


async def test_a_test_prepares_it() -> None:
    """`session_transaction` changes sections and keys, with secure cookies as well."""
    app = sectioned_app(SESSION_COOKIE_NAME="__Host-sid", SESSION_COOKIE_SECURE=True)
    client = app.test_client()
    async with client.session_transaction(scheme="https") as kept:
        kept.update(CHANGE)
    async with client.session_transaction(scheme="https") as kept:
        assert dict(kept) == CHANGE
        kept["cart"]["lines"].append(2)
        del kept["name"]
    found = await (await client.get("/", scheme="https")).get_json()
    assert found == {"cart": {"lines": [1, 2]}}


async def test_mounted_beside_another() -> None:
    """Two applications under two paths of one host keep their sessions apart."""
    browser: dict[str, str] = {}
    for path in ("/one", "/two"):
        cookies = sent(
            await sectioned_app(APPLICATION_ROOT=path).test_client().patch("/", json=CHANGE)
        )
        assert {each["path"] for each in cookies.values()} == {path}
        browser |= {f"{each['path']} {name}": each.value for name, each in cookies.items()}
    assert len(browser) == 4


async def test_both_together() -> None:
    """In an application that has both, what is too large reaches its handlers as ever."""
    app = sectioned_app()
    PooledConnection(app, "postgresql://localhost:1/nowhere")

    @app.errorhandler(SessionTooLarge)
    async def tell(error: SessionTooLarge) -> tuple[str, int]:
        return f"{error.section} is full", 507

    noise = secrets.token_urlsafe(5_000)
    response = await app.test_client().patch("/", json={"cart": noise, "name": "Ada"})
    assert (response.status_code, await response.get_data()) == (507, b"cart is full")
    assert sent(response) == {}
