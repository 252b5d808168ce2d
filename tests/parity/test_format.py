"""The base cookie is Flask's own, both ways, under the same key and digest."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import pytest
from flask import Flask, make_response, session
from flask.sessions import SecureCookieSessionInterface
from quart import Quart

from service.settings import Settings
from tests.support.jar import Jar
from tests.support.shopping import PASSWORD, new_name

Start = Callable[..., Awaitable[Quart]]


def flask_app(key: str, digest: Literal["sha1", "sha256"]) -> Flask:
    """Return a Flask app that shares the session's base cookie."""
    app = Flask("shop")
    app.secret_key = key
    interface = SecureCookieSessionInterface()
    interface.digest_method = staticmethod(getattr(hashlib, digest))
    app.session_interface = interface

    @app.get("/who")
    def who() -> dict[str, Any]:
        return {"user_id": session.get("user_id"), "username": session.get("username")}

    @app.post("/own")
    def own() -> dict[str, Any]:
        session["flask_only"] = "kept"
        return {}

    @app.get("/own")
    def show_own() -> dict[str, Any]:
        return {"own": session.get("flask_only")}

    @app.post("/forge")
    def forge() -> dict[str, Any]:
        session["user_id"], session["username"] = "1", "ada"
        return {}

    @app.get("/all")
    def show_all() -> dict[str, Any]:
        return dict(session)

    @app.post("/born")
    def take_our_key() -> dict[str, Any]:
        session["_born"] = "yesterday"
        return {}

    return app


async def in_flask(app: Flask, jar: Jar, method: str, path: str) -> Any:
    """Send a request of the same browser to the Flask app."""
    client = app.test_client()
    client.set_cookie("session", jar.cookies.get("session", ""))
    response = client.open(path, method=method)
    cookie = client.get_cookie("session")
    if response.headers.getlist("Set-Cookie") and cookie:
        jar.cookies["session"] = cookie.value
    return response.get_json()


async def sign_in(jar: Jar) -> dict[str, Any]:
    name = new_name()
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    user: dict[str, Any] = (await jar.ask("POST", "/account", body, status=201))["user"]
    return user


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
async def test_flask_reads_and_writes_the_base_cookie(
    start_app: Start, settings: Settings, digest: Literal["sha1", "sha256"]
) -> None:
    """Flask reads who is signed in and keeps keys of its own, and neither disturbs the other."""
    jar = Jar(await start_app(session_digest=digest))
    app = flask_app(settings.secret_key, digest)
    user = await sign_in(jar)
    who = await in_flask(app, jar, "GET", "/who")
    assert who == {"user_id": user["id"], "username": user["username"]}
    await in_flask(app, jar, "POST", "/own")
    assert (await jar.ask("GET", "/session"))["user"] == user
    await jar.ask("DELETE", "/session", status=204)
    assert await in_flask(app, jar, "GET", "/own") == {"own": "kept"}
    assert (await in_flask(app, jar, "GET", "/who"))["user_id"] is None


async def test_a_login_that_only_flask_wrote_is_a_guest(
    start_app: Start, settings: Settings
) -> None:
    """A login counts with its row: a cookie that Flask alone wrote logs nobody in here."""
    jar = Jar(await start_app(session_digest="sha1"))
    await in_flask(flask_app(settings.secret_key, "sha1"), jar, "POST", "/forge")
    assert not (await jar.ask("GET", "/session"))["authenticated"]


async def test_the_key_of_its_age_is_lockers_own(start_app: Start, settings: Settings) -> None:
    """Flask sees when the cookie was first made; what it puts there instead empties it here."""
    jar = Jar(await start_app(session_digest="sha1"))
    app = flask_app(settings.secret_key, "sha1")
    await sign_in(jar)
    assert isinstance((await in_flask(app, jar, "GET", "/all"))["_born"], int)
    assert (await jar.ask("GET", "/session"))["authenticated"]
    await in_flask(app, jar, "POST", "/born")
    assert not (await jar.ask("GET", "/session"))["authenticated"]


async def test_a_flask_view_that_logs_in_here_too(start_app: Start, settings: Settings) -> None:
    """The guide's few lines: Flask posts to `/session` and hands the cookies on."""
    locker = Jar(await start_app(session_digest="sha1"))
    user = await sign_in(locker)
    browser = Jar(locker.app)
    app = flask_app(settings.secret_key, "sha1")
    login = {"username": user["username"], "password": PASSWORD}
    response = await browser.send("POST", "/session", login)

    @app.post("/login")
    def log_in() -> Any:
        answer = make_response({})
        for cookie in response.headers.getlist("Set-Cookie"):
            answer.headers.add("Set-Cookie", cookie)
        return answer

    await in_flask(app, browser, "POST", "/login")
    assert (await in_flask(app, browser, "GET", "/who"))["user_id"] == user["id"]
    assert (await browser.ask("GET", "/session"))["authenticated"]
