"""User names and addresses that count as the same, and those that are no names."""

from __future__ import annotations

import asyncio
from typing import Any

import icu
import pytest
from argon2 import PasswordHasher
from quart import Quart
from quart.typing import TestClientProtocol as Client

from service.accounts import fill_skeletons
from service.accounts.model import check_username, key
from service.accounts.names import is_visible, skeleton
from tests.support.shopping import API, PASSWORD, log_in, new_name, register


async def try_to_register(client: Client, username: str, email: str) -> Any:
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
        ("Å{}ngström", "Å{}ngström"),
        ("ⓐⓓⓐ{}", "ada{}"),
        ("ada{}", "  ada{}\t"),
        ("ada{}", "\u00a0ada{}\u3000"),
    ],
)
async def test_names_that_differ_in_case_or_form_alone_are_one(
    app: Quart, one: str, other: str
) -> None:
    """A name that differs in case or form alone can't be registered, and logs in to the first."""
    unique = new_name()
    first, second = one.format(unique), other.format(unique)
    user = (await register_as(app.test_client(), first, f"{unique}@example.com"))["user"]
    status, code = await try_to_register(app.test_client(), second, f"other-{unique}@example.com")
    assert (status, code) == (409, "username_taken")
    assert (await log_in(app.test_client(), second))["user"] == user


async def register_as(client: Client, username: str, email: str) -> Any:
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
    """Of many who register one name at once one gets it; the others are told, none by a 5xx."""
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
        "ada\ufe0f",
        "\u3164\u3164\u3164",
        "\u2800\u2800\u2800",
        "\u115f\u1160ada",
        "ada\u034flovelace",
        "ada\U000e0061",
        "\u0301\u0301\u0301",
        "ada\u0301\u0323\u0323",
        "i\u0307stanbul",
        "j\u0307an-of-the-dots",
        "a\u0131\u0307da",
    ],
)
async def test_what_cannot_be_seen_is_no_name(app: Quart, name: str) -> None:
    """Spaces, control and invisible characters would make two names look like one."""
    status, code = await try_to_register(app.test_client(), name, f"{new_name()}@example.com")
    assert (status, code) in {(422, "invalid"), (400, "malformed")}


async def test_unknown_name_and_wrong_password_are_one_answer(app: Quart) -> None:
    """An unknown name and a wrong password have one answer: status, body and headers.

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
    """The right password of a disabled account is as wrong as any."""
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
    """Where there is no account the hash of nobody is checked, so it takes as long."""
    user = (await register(app.test_client()))["user"]
    checked: list[str | bytes] = []
    verify = PasswordHasher.verify

    def verify_noted(self: PasswordHasher, hash: str | bytes, password: str) -> bool:  # noqa: A002 - argon2's name for it
        checked.append(hash)
        return verify(self, hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", verify_noted)
    for name in (user["username"], new_name()):
        await app.test_client().post(
            f"{API}/session", json={"username": name, "password": "not my password at all"}
        )
    known, unknown = map(str, checked)
    assert known.rsplit("$", 2)[0] == unknown.rsplit("$", 2)[0]


@pytest.mark.parametrize(
    "name",
    [
        "\u0430da{}",  # a Cyrillic letter among Latin ones
        "ad\u03b1{}",  # a Greek one
        "ɑ\u0501a{}",
        "עda{}",
        "ada\u0661{}1",  # digits of two systems
        "дата{}",  # Cyrillic, and Latin of the rest
    ],
)
async def test_letters_of_several_scripts_are_no_name(app: Quart, name: str) -> None:
    """Letters of several scripts, which are there to look like another name, are no name."""
    status, code = await try_to_register(
        app.test_client(), name.format(new_name()), f"{new_name()}@example.com"
    )
    assert (status, code) == (422, "invalid")


@pytest.mark.parametrize(
    "name",
    [
        "сидоров",
        "σίσυφος",
        "山田太郎",
        "ヤマダtaro",
        "김철수",
        "ada.lovelace-99",
        "o’brien",
        "נועה",
        "สมชาย",
    ],
)
async def test_names_of_any_one_script_are_names(app: Quart, name: str) -> None:
    """A name may be of any one script, of Japanese, Chinese or Korean beside Latin too."""
    assert check_username(name) == name
    await register_as(app.test_client(), name, f"{new_name()}@example.com")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("сосо", "coco"),
        ("СОРОСА", "copoca"),
        ("Ida-looks", "lda-looks"),
        ("modern-art", "modem-art"),
        ("tom0", "tomO"),
        ("rob1n", "robln"),
        ("раура", "paypa"),
        ("οο7", "oo7"),
        ("ѕсоре", "scope"),
        ("ɡɡɡ", "ggg"),
    ],
)
async def test_two_names_that_look_alike_are_one(
    app: Quart, observer: Any, one: str, other: str
) -> None:
    """Whoever comes first has it, and the other one can't be had, whichever that is."""
    for first, second in ((one, other), (other, one)):
        await register_as(app.test_client(), first, f"{new_name()}@example.com")
        tried = await try_to_register(app.test_client(), second, f"{new_name()}@example.com")
        assert tried == (409, "username_taken")
        await observer.execute("delete from accounts where username = $1", first)


@pytest.mark.parametrize(
    ("source", "prototype"),
    [
        # Rows of Unicode's confusables.txt, of many scripts.
        ("\u0430", "a"),
        ("\u03bf", "o"),
        ("\u0578", "n"),
        ("\u0131", "i"),
        ("\u0261", "g"),
        ("\u04cf", "i"),
        ("\u13a0", "D"),
        ("\u05d5", "l"),
        ("\u0966", "o"),
        ("\u0031", "l"),
        ("\u0030", "O"),
        ("\u006d", "rn"),
        ("\u2ca2", "P"),
        ("\ua4da", "C"),
        ("\U0001d5fa", "rn"),
        ("\U00010415", "C"),
    ],
)
def test_what_looks_alike_is_what_unicode_says(source: str, prototype: str) -> None:
    """Names look alike when their skeletons are the same, as Unicode's TS 39 makes them."""
    assert skeleton(source) == skeleton(prototype)


@pytest.mark.parametrize(
    ("one", "other"), [("ø", "o"), ("ñ", "n"), ("é", "e"), ("ł", "l"), ("東", "東京"), ("д", "a")]
)
def test_what_only_resembles_is_something_else(one: str, other: str) -> None:
    """A stroke or an accent makes another name, so the names of many people stay possible."""
    assert skeleton(one) != skeleton(other)


def test_the_key_is_nfkc_casefold() -> None:
    """The key of a name is its NFKC casefold, for every character that a name may have."""
    casefold = icu.Normalizer2.getNFKCCasefoldInstance()
    for character in map(chr, range(0x110000)):
        if is_visible(f"a{character}"):
            assert key(character) == casefold.normalize(character), hex(ord(character))


async def test_names_from_before_stay_and_log_in(app: Quart, observer: Any) -> None:
    """Names from before that look alike are told and log in; nobody else gets one like them."""
    old = {"vorher": "v", "vοrher": "w", "vorh\ufe0fer": "x", "nachher": "y"}
    for name, mark in old.items():
        await register_as(app.test_client(), f"for-{mark}", f"{new_name()}@example.com")
        await observer.execute(
            "update accounts set username = $1, username_key = $2, username_skeleton = null"
            " where username = $3",
            name,
            key(name),
            f"for-{mark}",
        )
    assert await fill_skeletons(observer) == ["vοrher", "vorh\ufe0fer"]
    assert await fill_skeletons(observer) == ["vοrher", "vorh\ufe0fer"]
    for name in old:
        assert (await log_in(app.test_client(), name))["user"]["username"] == name
    for name in ("vorhеr", "NACHHER", "паснher", "vorher"):
        status, _ = await try_to_register(app.test_client(), name, f"{new_name()}@example.com")
        assert status in (409, 422), name


async def test_blanks_around_a_name_or_an_address_mean_nothing(app: Quart) -> None:
    """Blanks around a name or an address, which a keyboard adds, mean nothing."""
    name = new_name()
    email = f"{name}@example.com"
    user = (await register_as(app.test_client(), f" {name}", f"{email}\u00a0"))["user"]
    assert (user["username"], user["email"]) == (name, email)
    for written in (f"{name} ", f"\t{name}", f" {email} ", f"{email.upper()}\u3000"):
        assert (await log_in(app.test_client(), written))["user"] == user
    tried = await try_to_register(app.test_client(), f"{name} ", f"{new_name()}@example.com")
    assert tried == (409, "username_taken")
    tried = await try_to_register(app.test_client(), new_name(), f" {email}")
    assert tried == (409, "email_taken")


@pytest.mark.parametrize(
    ("domain", "ascii_form"),
    [
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("MÜNCHEN.example", "xn--mnchen-3ya.example"),
        ("bücher。example", "xn--bcher-kva.example"),
        ("例え.example", "xn--r8jz45g.example"),
        ("пример.example", "xn--e1afmkfd.example"),
        ("mu\u0308nchen.example", "xn--mnchen-3ya.example"),
    ],
)
async def test_a_domain_in_other_letters_is_its_ascii_form(
    app: Quart, domain: str, ascii_form: str
) -> None:
    """An address is one, however its domain is written, at registration and at log in."""
    name = new_name()
    user = (await register_as(app.test_client(), name, f"{name}@{domain}"))["user"]
    assert user["email"] == f"{name}@{ascii_form}"
    for written in (domain, ascii_form):
        assert (await log_in(app.test_client(), f"{name}@{written}"))["user"] == user
        tried = await try_to_register(app.test_client(), new_name(), f"{name}@{written}")
        assert tried == (409, "email_taken")


@pytest.mark.parametrize(
    "email",
    [
        "ada@mün chen.example",
        "ada@münchen",
        "ada@-münchen-.example",
        "ädä@example.com",
        "ada@a\u200dü.example",
        "ada@ü..example",
        "@münchen.example",
        f"ada@{'ü' * 64}.example",
        f"ada@{'ü' * 240}",
    ],
)
async def test_what_is_no_address_is_told_in_a_sentence(app: Quart, email: str) -> None:
    """What is no e-mail address is told in a sentence, and not with a regular expression."""
    response = await app.test_client().post(
        f"{API}/account", json={"username": new_name(), "email": email, "password": PASSWORD}
    )
    assert (await response.get_json())["errors"] == [
        {
            "field": "email",
            "message": "This doesn't look like an e-mail address.",
            "code": "bad_email",
        }
    ]
