"""User names and addresses that count as the same, and those that are no names."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from quart import Quart

from tests.shopping import API, PASSWORD, log_in, new_name, register

if TYPE_CHECKING:
    from quart.typing import TestClientProtocol


async def try_to_register(client: TestClientProtocol, username: str, email: str) -> Any:
    response = await client.post(
        f"{API}/account", json={"username": username, "email": email, "password": PASSWORD}
    )
    return response.status_code, (await response.get_json()).get("code")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada{}", "ADA{}"),
        ("ada{}", "ａｄａ{}"),
        ("zoë{}", "zoe\u0308{}"),
        ("straße{}", "STRASSE{}"),
        ("ﬁnn{}", "finn{}"),
        ("Ⅷhenry{}", "viiihenry{}"),
        ("σίσυφος{}", "ΣΊΣΥΦΟΣ{}"),
        ("Å{}ngström", "Å{}ngström"),
        ("ⓐⓓⓐ{}", "ada{}"),
    ],
)
async def test_names_that_differ_in_case_or_form_alone_are_one(
    app: Quart, one: str, other: str
) -> None:
    """The second can't be registered, and logs in to the first."""
    unique = new_name()
    first, second = one.format(unique), other.format(unique)
    user = (await register_as(app.test_client(), first, f"{unique}@example.com"))["user"]
    status, code = await try_to_register(app.test_client(), second, f"other-{unique}@example.com")
    assert (status, code) == (409, "username_taken")
    assert (await log_in(app.test_client(), second))["user"] == user


async def register_as(client: TestClientProtocol, username: str, email: str) -> Any:
    response = await client.post(
        f"{API}/account", json={"username": username, "email": email, "password": PASSWORD}
    )
    assert response.status_code == 201, await response.get_data(as_text=True)
    return await response.get_json()


async def test_addresses_that_differ_in_case_are_one(app: Quart) -> None:
    """An address is one account's, however it is written."""
    user = (await register(app.test_client()))["user"]
    status, code = await try_to_register(app.test_client(), new_name(), user["email"].upper())
    assert (status, code) == (409, "email_taken")
    assert (await log_in(app.test_client(), user["email"].title()))["user"] == user


async def test_one_name_registered_at_once_is_one_account(app: Quart) -> None:
    """Of many at the same time one gets the name; the others are told, and none is a 5xx."""
    unique = new_name()
    answers = await asyncio.gather(
        *(
            try_to_register(
                app.test_client(),
                unique.upper() if number % 2 else unique,
                f"{number}-{unique}@example.com",
            )
            for number in range(10)
        )
    )
    assert sorted(status for status, _ in answers) == [201] + [409] * 9


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "x" * 65,
        "two words",
        "tab\tbed",
        "line\nbreak",
        "nul\x00byte",
        "zero\u200bwidth",
        "right\u202eleft",
        "soft\u00adhyphen",
        "no\u00a0break",
        "someone@example.com",
        "some＠one",
        "private\ue000use",
        "un\ufdd0assigned",
    ],
)
async def test_what_cannot_be_seen_is_no_name(app: Quart, name: str) -> None:
    """Spaces, control and invisible characters would make two names look like one."""
    status, code = await try_to_register(app.test_client(), name, f"{new_name()}@example.com")
    assert (status, code) in {(422, "invalid"), (400, "malformed")}


async def test_unknown_name_and_wrong_password_are_one_answer(app: Quart) -> None:
    """Same status, same body, same headers: nothing says whether an account exists.

    The times are compared by `benchmarks/login_timing.py`.
    """
    user = (await register(app.test_client()))["user"]
    answers = []
    for name in (user["username"], user["email"], new_name(), f"{new_name()}@example.com", "?"):
        response = await app.test_client().post(
            f"{API}/session",
            json={"username": name, "password": "not my password at all"},
            headers={"X-Request-Id": "the-same"},
        )
        answers.append(
            (response.status_code, await response.get_data(), sorted(response.headers.items()))
        )
    assert answers[0][0] == 401
    assert all(answer == answers[0] for answer in answers)


async def test_disabled_account_answers_as_an_unknown_one(app: Quart, observer: Any) -> None:
    """Its right password is as wrong as any."""
    user = (await register(app.test_client()))["user"]
    await observer.execute("update accounts set disabled_at = now() where id = $1", user["id"])
    response = await app.test_client().post(
        f"{API}/session", json={"username": user["username"], "password": PASSWORD}
    )
    assert response.status_code == 401
    assert (await response.get_json())["code"] == "wrong_credentials"


async def test_unknown_name_costs_one_hash_as_a_known_one(
    app: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hash of nobody is checked where there is no account."""
    user = (await register(app.test_client()))["user"]
    hasher = app.extensions["locker.hasher"]
    checked: list[str] = []
    real = hasher._argon2

    class Spy:
        def verify(self, password_hash: str, password: str) -> bool:
            checked.append(password_hash)
            return bool(real.verify(password_hash, password))

    monkeypatch.setattr(hasher, "_argon2", Spy())
    for name in (user["username"], new_name()):
        await app.test_client().post(
            f"{API}/session", json={"username": name, "password": "not my password at all"}
        )
    known, unknown = checked
    assert known.rsplit("$", 2)[0] == unknown.rsplit("$", 2)[0]
