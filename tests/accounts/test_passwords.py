"""Which passwords are taken, and what is kept of them."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import asyncpg
import pytest
from quart import Quart

from service.accounts import Hasher
from service.errors import WeakPassword
from service.settings import Settings
from tests.support.shopping import API, PASSWORD, log_in, new_name, register

Observer: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

StartApp = Callable[..., Awaitable[Quart]]


@pytest.fixture
def hasher(settings: Settings) -> Hasher:
    return Hasher(settings)


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "passwordpassword",
        "123456789012",
        "qwertyuiopas",
        "qwerty123456",
        "aaaaaaaaaaaa",
        "iloveyou1234",
        "Password123!",
        "P@ssw0rd1234",
        "letmeinletmein",
        "1q2w3e4r5t6y",
        "abcdefghijkl",
        "administrator",
        "lockerlocker",
    ],
)
async def test_common_password_is_refused(hasher: Hasher, password: str) -> None:
    """What guessers try first is refused, with what is done to it to pass a rule."""
    with pytest.raises(WeakPassword):
        await hasher.accept(password, "ada")


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "a nanosecond of wire",
        "all lower case and long",
        "4815 162 342 108",
        "日本語のながいあいことば",
        "🐎🔋📎🐴🐎🔋📎🐴🦄🌈🌍🧭",
        " spaces count as well ",
        "and so on and on, up to the limit; " * 28,
    ],
)
async def test_no_rule_of_composition(hasher: Hasher, password: str) -> None:
    """Any characters will do, spaces and all of Unicode included, and any length to the limit."""
    stored = await hasher.accept(password, "ada")
    assert await hasher.verify(stored, password)
    assert not await hasher.verify(stored, password + "x")


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("lovelace", "my lovelace is strong"),
        ("lovelace", "MY LOVELACE IS STRONG"),
        ("lovelace", "my ｌｏｖｅｌａｃｅ is strong"),
        ("straße", "by the STRASSE I walk"),
    ],
)
async def test_user_name_in_the_password_is_refused(
    hasher: Hasher, username: str, password: str
) -> None:
    """A password with the user name in it is refused, in whatever case and form of Unicode."""
    with pytest.raises(WeakPassword):
        await hasher.accept(password, username)


@pytest.mark.parametrize(
    ("password", "accepted"),
    [
        ("wire nano 7", False),
        ("wire nano 7!", True),
        ("wire nano 7" + "é" * 506, True),
        ("wire nano 7!" + "é" * 507, False),
    ],
)
async def test_length_is_in_characters_and_bounded_in_bytes(
    hasher: Hasher, password: str, *, accepted: bool
) -> None:
    """A password has 12 characters or more, and 1,024 bytes or less."""
    if accepted:
        await hasher.accept(password, "ada")
    else:
        with pytest.raises(WeakPassword):
            await hasher.accept(password, "ada")


async def test_shortest_is_a_setting(start_app: StartApp) -> None:
    """What `LOCKER_PASSWORD_MIN` asks for is asked for, and the reason is told."""
    client = (await start_app(password_min=30)).test_client()
    name = new_name()
    response = await client.post(
        f"{API}/account",
        json={"username": name, "email": f"{name}@example.com", "password": PASSWORD},
    )
    assert response.status_code == 422
    body = await response.get_json()
    assert body["code"] == "weak_password"
    message = "Use 30 characters or more."
    assert body["errors"] == [
        {"field": "password", "message": message, "code": "too_short", "limit": 30}
    ]


async def test_forms_of_one_text_are_one_password(hasher: Hasher) -> None:
    """A password is the same however accents are typed, alone or with their letter."""
    composed = unicodedata.normalize("NFC", "crème brûlée à la façon")
    stored = await hasher.accept(composed, "ada")
    assert await hasher.verify(stored, unicodedata.normalize("NFD", composed))


@pytest.mark.parametrize(
    "password",
    [
        "ｐａｓｓｗｏｒｄ１２３４",
        unicodedata.normalize("NFD", "éèàéèà"),
        "𝐩𝐚𝐬𝐬𝐰𝐨𝐫𝐝𝟏𝟐𝟑𝟒",
        "ℌℌℌℌℌℌℌℌℌℌℌℌ",
        "①②③④⑤⑥⑦⑧⑨①②③",
    ],
)
async def test_password_is_judged_in_the_form_that_is_kept(hasher: Hasher, password: str) -> None:
    """A password is judged in the form that is kept: full width makes none of it better."""
    with pytest.raises(WeakPassword):
        await hasher.accept(password, "ada")


async def test_only_an_argon2id_hash_is_stored(app: Quart, observer: Observer) -> None:
    """A password is stored as argon2id with a salt of its own: twice the same is two hashes."""
    stored = []
    for _ in range(2):
        user = (await register(app.test_client()))["user"]
        stored.append(
            await observer.fetchval("select password_hash from accounts where id = $1", user["id"])
        )
    assert stored[0] != stored[1]
    assert all(each.startswith("$argon2id$") for each in stored)
    assert PASSWORD not in "".join(stored)


async def test_hash_is_brought_up_to_date_at_login(
    app: Quart, start_app: StartApp, observer: Observer
) -> None:
    """Other parameters take effect account by account, and nobody has to do anything."""
    user = (await register(app.test_client()))["user"]
    other = await start_app(argon2=(128, 1, 1))
    for _ in range(2):
        await log_in(other.test_client(), user["username"])
        stored = await observer.fetchval(
            "select password_hash from accounts where id = $1", user["id"]
        )
        assert "m=128" in stored


async def test_default_parameters_are_those_of_owasp(settings: Settings) -> None:
    """19 MiB, 2 rounds, 1 lane: the least that OWASP's cheat sheet advises for argon2id."""
    fields = {field.name: field.default for field in dataclasses.fields(settings)}
    assert fields["argon2"] == (19_456, 2, 1)
