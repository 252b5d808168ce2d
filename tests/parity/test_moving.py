"""Flask and this service side by side, as the guide for moving has it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import flask
import httpx
import pytest
from flask.testing import FlaskClient
from jinja2 import DictLoader

from service.settings import Settings
from tests.support.serving import Served, serve
from tests.support.shopping import PASSWORD, add_product, new_name
from tests.support.shops import parse

GUIDE = (Path(__file__).parents[2] / "docs" / "porting-from-flask.md").read_text()
SETTINGS = {
    "SESSION_COOKIE_SAMESITE": "Lax",
    "SESSION_COOKIE_PATH": "/",
    "SESSION_REFRESH_EACH_REQUEST": False,
}


@pytest.fixture
def app(settings: Settings, monkeypatch: pytest.MonkeyPatch, served: Served) -> flask.Flask:
    """The Flask application of the guide, with a view that fills a cart the old way."""
    monkeypatch.setenv("LOCKER_URL", served.url)
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
               if "import httpx" in block]  # fmt: skip
    names: dict[str, Any] = {"__name__": "shop"}
    exec(compile(code, "the guide", "exec"), names)  # noqa: S102 - the guide's own words
    app: flask.Flask = names["app"]
    app.jinja_loader = DictLoader({"login.html": "{{ error }}"})
    app.config.update(
        SETTINGS,
        SECRET_KEY=settings.secret_key,
        PERMANENT_SESSION_LIFETIME=settings.remember_lifetime,
    )

    @app.post("/old-cart/<sku>")
    def fill(sku: str) -> dict[str, Any]:
        flask.session["cart"] = {sku: 3}
        return {}

    @app.get("/who")
    def who() -> dict[str, Any]:
        return {"user_id": flask.session.get("user_id")}

    @app.get("/plain")
    def plain() -> str:
        return ""

    @app.post("/note")
    def note() -> str:
        flask.session["note"] = "kept"
        return ""

    return app


@pytest.fixture
def served(settings: Settings) -> Any:
    """The service, with Flask's digest."""
    with serve(settings, session_digest="sha1") as served:
        yield served


@pytest.fixture
def browser(app: flask.Flask) -> FlaskClient:
    """A browser, for whom both are one site."""
    return app.test_client()


def ask(served: Served, browser: FlaskClient, method: str, path: str, json: Any = None) -> Any:
    """Ask the service as this browser; it takes the cookies."""
    cookies = {cookie.key: cookie.value for cookie in (browser._cookies or {}).values()}
    answer = httpx.request(method, f"{served.url}/api/v1{path}", json=json, cookies=cookies)
    assert answer.is_success, answer.text
    for morsel in parse(answer.headers.get_list("Set-Cookie")).values():
        browser.set_cookie(morsel.key, morsel.value)
    return answer.json() if answer.content else None


def register(served: Served, browser: FlaskClient, *, remember: bool = False) -> dict[str, Any]:
    name = new_name()
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    user: dict[str, Any] = ask(served, browser, "POST", "/account", body)["user"]
    if remember:
        login = {"username": name, "password": PASSWORD, "remember": True}
        ask(served, browser, "POST", "/session", login)
    return user


async def test_the_view_of_the_guide(
    served: Served, app: flask.Flask, browser: FlaskClient, database_url: str
) -> None:
    """The shopper is signed in at both, with Flask's cart; a wrong password stays a page."""
    product = await add_product(database_url)
    user = register(served, app.test_client())
    browser.post(f"/old-cart/{product.sku}")
    wrong = browser.post("/login", data={"username": user["username"], "password": "wrong " * 3})
    assert wrong.status_code == 401
    assert wrong.text
    for _ in range(2):
        right = browser.post("/login", data={"username": user["username"], "password": PASSWORD})
        assert right.status_code == 302
        assert browser.get("/who").json == {"user_id": user["id"]}
        assert ask(served, browser, "GET", "/session")["user"] == user
        (line,) = ask(served, browser, "GET", "/cart")["lines"]
        assert (line["sku"], line["quantity"]) == (product.sku, 3)
    served.stop()
    away = browser.post("/login", data={"username": user["username"], "password": PASSWORD})
    assert away.status_code == 503


def test_flask_sends_the_cookie_as_locker_does(served: Served, browser: FlaskClient) -> None:
    """With the guide's settings a change by Flask keeps the cookie's attributes and its end."""
    register(served, browser, remember=True)
    (theirs,) = parse(browser.post("/note").headers.getlist("Set-Cookie")).values()
    assert theirs["path"] == "/"
    assert theirs["samesite"] == "Lax"
    assert theirs["httponly"]
    assert not theirs["domain"]
    assert theirs["expires"] > ""
    assert ask(served, browser, "GET", "/session")["authenticated"]


@pytest.mark.parametrize("refresh", [False, True])
def test_without_refresh_flask_brings_no_login_back(
    served: Served, app: flask.Flask, browser: FlaskClient, *, refresh: bool
) -> None:
    """An answer that didn't touch the session sends no cookie; by Flask's default it sends all."""
    app.config["SESSION_REFRESH_EACH_REQUEST"] = refresh
    register(served, browser, remember=True)
    under_way = browser.get("/plain").headers.getlist("Set-Cookie")
    assert bool(under_way) is refresh
