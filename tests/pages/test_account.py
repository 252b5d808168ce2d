"""The account, by forms."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.pages.conftest import Visitor
from tests.shopping import API, PASSWORD, new_name


async def test_logging_in_and_out(browser: Visitor) -> None:
    """Logging in leads where one wanted to go; after logging out that place asks again."""
    name = await browser.register()
    out = await browser.send_form("/logout")
    assert "You are logged out" in out.text
    asked = await browser.get("/orders?after=x")
    assert (asked.url.path, asked.url.params["next"]) == ("/login", "/orders?after=x")
    again = await browser.send_form("/login", username=name, password=PASSWORD, next="/orders")
    assert again.url.path == "/orders"


async def test_a_wrong_password_is_tied_to_its_field(browser: Visitor) -> None:
    """The form comes again with the name, without the password."""
    response = await browser.send_form("/login", username="nobody", password="wrong-wrong-wrong")
    assert response.status_code == 401
    assert 'value="nobody"' in response.text
    assert 'id="password-error"' in response.text
    assert 'aria-describedby="password-error' in response.text
    assert "wrong-wrong-wrong" not in response.text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": "a"}, "username"),
        ({"username": "a b c d"}, "username"),
        ({"email": "nobody"}, "email"),
        ({"password": "short"}, "password"),
    ],
)
async def test_registration_says_what_is_wrong(
    browser: Visitor, changes: dict[str, str], field: str
) -> None:
    """Beside the field, and keeps what was entered."""
    name = new_name()
    fields = {"username": name, "email": f"{name}@example.com", "password": PASSWORD, **changes}
    response = await browser.send_form("/register", **fields)
    assert response.status_code == 422
    assert f'id="{field}-error"' in response.text
    assert "Expected `" not in response.text
    assert f'value="{fields["username"]}"' in response.text


async def test_a_taken_name(open_browser: Callable[[], Visitor]) -> None:
    """It is said beside the name."""
    name = await open_browser().register()
    response = await open_browser().send_form(
        "/register", username=name, email=f"x{name}@example.com", password=PASSWORD
    )
    assert response.status_code == 409
    assert 'id="username-error"' in response.text


async def test_log_out_there(open_browser: Callable[[], Visitor]) -> None:
    """The other device is a guest's on its next page; this one stays."""
    here, there = open_browser(), open_browser()
    name = await here.register()
    await there.send_form("/login", username=name, password=PASSWORD)
    page = (await here.get("/account")).text
    (end,) = re.findall(r'action="(/account/logins/[0-9a-f-]{36}/end)"', page)
    await here.send_form(end)
    assert (await there.get("/account")).url.path == "/login"
    assert (await here.get("/account")).url.path == "/account"


async def test_log_out_everywhere(open_browser: Callable[[], Visitor]) -> None:
    """Here and there."""
    here, there = open_browser(), open_browser()
    name = await here.register()
    await there.send_form("/login", username=name, password=PASSWORD)
    await here.send_form("/account/logins/end")
    for browser in (here, there):
        assert (await browser.get("/account")).url.path == "/login"


async def test_a_token_is_shown_once_and_works(
    browser: Visitor, open_browser: Callable[[], Visitor]
) -> None:
    """The page after it has its name alone; ended, it works no more. Pages take no tokens."""
    await browser.register()
    made = await browser.send_form(
        "/account/tokens", name="backup", expires_in_days=30, scopes="read"
    )
    (token,) = re.findall(r"locker_r_[\w-]+", made.text)
    shown = (await browser.get("/account")).text
    assert token not in shown
    program = {"Authorization": f"Bearer {token}"}
    other = open_browser()
    assert (await other.get(f"{API}/account", headers=program)).status_code == 200
    assert (await other.get("/account", headers=program)).status_code == 403
    assert (await other.post("/account/logins/end", headers=program)).status_code == 403
    (end,) = re.findall(r'action="(/account/tokens/[0-9a-f-]{36}/end)"', shown)
    await browser.send_form(end)
    assert (await other.get(f"{API}/account", headers=program)).status_code == 401


async def test_password_email_and_farewell(browser: Visitor) -> None:
    """Each asks for the password; a wrong one is said beside its field."""
    name = await browser.register()
    wrong = await browser.send_form(
        "/account/password", current_password="not this one", new_password="x" * 20
    )
    assert wrong.status_code == 403
    assert 'id="p-current_password-error"' in wrong.text
    changed = await browser.send_form(
        "/account/password", current_password=PASSWORD, new_password="another one, longer"
    )
    assert "Your password is changed" in changed.text
    moved = await browser.send_form(
        "/account/email", email=f"new-{name}@example.com", current_password="another one, longer"
    )
    assert f"new-{name}@example.com" in moved.text
    gone = await browser.send_form("/account/delete", current_password="another one, longer")
    assert "Your account is deleted" in gone.text
    assert (await browser.get("/account")).url.path == "/login"
