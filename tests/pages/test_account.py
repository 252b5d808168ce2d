"""The account, by forms."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.pages.conftest import Visitor
from tests.support.shopping import API, PASSWORD, new_name


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
    """A registration with a taken name says so beside the name."""
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


@pytest.mark.parametrize("tokens", ["", "end"])
async def test_log_out_everywhere(open_browser: Callable[[], Visitor], tokens: str) -> None:
    """Logging out everywhere ends tokens if that is ticked; else it says how many still work."""
    here, there = open_browser(), open_browser()
    name = await here.register()
    await there.send_form("/login", username=name, password=PASSWORD)
    made = await here.send_form(
        "/account/tokens",
        name="backup",
        expires_in_days=30,
        scopes="read",
        current_password=PASSWORD,
    )
    (token,) = re.findall(r"locker_r_[\w-]+", made.text)
    shown = await here.send_form("/account/logins/end", tokens=tokens)
    for browser in (here, there):
        assert (await browser.get("/account")).url.path == "/login"
    program = {"Authorization": f"Bearer {token}"}
    answer = await open_browser().get(f"{API}/account", headers=program)
    assert answer.status_code == (401 if tokens else 200)
    assert ("Tokens that still work: 1." in shown.text) is not bool(tokens)


async def test_a_token_takes_the_password(browser: Visitor) -> None:
    """A wrong one is said beside its field, and there is no token."""
    await browser.register()
    wrong = await browser.send_form(
        "/account/tokens", name="backup", expires_in_days=30, scopes="read", current_password="no"
    )
    assert wrong.status_code == 403
    assert 'id="t-current_password-error"' in wrong.text
    assert "locker_r_" not in wrong.text
    assert "backup" in wrong.text
    assert "Revoke" not in (await browser.get("/account")).text


async def test_log_out_is_on_every_page_that_needs_a_login(browser: Visitor) -> None:
    """One button, in the head of each; pages tell caches to forget, and leave cookies alone."""
    await browser.register()
    for path in ("/account", "/orders", "/", "/cart", "/preferences"):
        assert (await browser.get(path)).text.count('action="/logout"') == 1, path
    answer = await browser.send_form("/logout")
    assert 'action="/logout"' not in answer.text
    (out,) = answer.history
    assert out.headers["Clear-Site-Data"] == '"cache"'


async def test_a_token_is_shown_once_and_works(
    browser: Visitor, open_browser: Callable[[], Visitor]
) -> None:
    """The page after it has its name alone; ended, it works no more. Pages take no tokens."""
    await browser.register()
    made = await browser.send_form(
        "/account/tokens",
        name="backup",
        expires_in_days=30,
        scopes="read",
        current_password=PASSWORD,
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


async def test_password_fields_are_for_password_managers(browser: Visitor) -> None:
    """What is typed is hidden, may be pasted, and says whether it is the present password."""
    shown = [(await browser.get(path)).text for path in ("/login", "/register")]
    await browser.register()
    shown.append((await browser.get("/account")).text)
    fields = [
        field
        for page in shown
        for field in re.findall(r"<input[^>]*>", page)
        if "password" in field
    ]
    assert len(fields) >= 6
    for field in fields:
        assert 'type="password"' in field
        assert re.search('autocomplete="(current|new)-password"', field)
    assert not any("onpaste" in page for page in shown)


async def test_a_log_in_on_a_new_device_is_told_at_the_next_visit(
    open_browser: Callable[[], Visitor],
) -> None:
    """Once, where one logged in before; and the list of logins marks it for whoever stays."""
    mine, other = open_browser(), open_browser()
    name = await mine.register()
    await mine.send_form("/logout")
    told = [(await mine.send_form("/login", username=name, password=PASSWORD)).text]
    await other.send_form("/login", username=name, password=PASSWORD)
    assert "a new device on" in (await mine.get("/account")).text
    for _ in range(2):
        await mine.send_form("/logout")
        told.append((await mine.send_form("/login", username=name, password=PASSWORD)).text)
    assert ["on a new device:" in text for text in told] == [False, True, False]
