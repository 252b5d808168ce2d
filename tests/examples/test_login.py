"""The example of a login with quart-auth."""

from __future__ import annotations

import httpx
import pytest

from tests.examples.conftest import Start, serve

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ADA = {"username": "ada", "password": "lovelace"}


def test_log_in_and_out(start: Start) -> None:
    """Registering, logging in, a page for those who are, logging out; a saved cookie is dead."""
    with start("login", *serve("app:create_app()")) as url, httpx.Client(base_url=url) as browser:
        assert browser.get("/account").status_code == 401
        assert browser.post("/login", data=ADA).status_code == 401
        assert browser.post("/register", data=ADA).json() == {"username": "ada"}
        assert browser.post("/register", data=ADA).status_code == 409
        assert browser.post("/login", data={**ADA, "password": "byron"}).status_code == 401
        assert browser.get("/account").status_code == 401
        assert browser.post("/login", data=ADA).json() == {"username": "ada"}
        assert browser.get("/account").json() == {"username": "ada"}
        saved = dict(browser.cookies)
        assert set(saved) == {"session"}
        assert browser.post("/logout").status_code == 200
        assert browser.get("/account").status_code == 401
        assert not dict(browser.cookies)
        assert httpx.get(f"{url}/account", cookies=saved).status_code == 401


def test_a_tampered_session_is_nobodys(start: Start) -> None:
    """A changed letter of the cookie makes a guest."""
    with start("login", *serve("app:create_app()")) as url, httpx.Client(base_url=url) as browser:
        browser.post("/register", data=ADA)
        browser.post("/login", data=ADA)
        value = browser.cookies["session"]
        for place in (0, len(value) // 2, len(value) - 1):
            letter = "A" if value[place] != "A" else "B"
            changed = {"session": value[:place] + letter + value[place + 1 :]}
            assert httpx.get(f"{url}/account", cookies=changed).status_code == 401
