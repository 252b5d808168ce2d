"""What is said to the session, by arguments or in ``app.config``, is honoured or refused."""

from __future__ import annotations

import dataclasses
import re
from datetime import timedelta
from typing import Any

import pytest
from quart import Quart

from quart_locker import Misconfigured, SectionedSessions
from quart_locker.sessions.policy import KEYS
from service import create_app
from service.settings import Settings
from tests.quart_locker.applications import plain_app, sectioned_app, sent
from tests.support.keys import KEY

CHANGE = {"name": "Ada", "permanent": True, "cart": {"lines": [1]}}
OTHER = "another key, as long as one has to be"
DAY = 86_400


async def change(app: Quart) -> dict[str, Any]:
    """Return the cookies that a change of everything sets."""
    response = await app.test_client().patch("/", json=CHANGE)
    assert response.status_code == 200
    return sent(response)


@pytest.mark.parametrize(
    ("config", "attribute", "value"),
    [
        ({}, "path", "/"),
        ({"SESSION_COOKIE_PATH": "/shop"}, "path", "/shop"),
        ({"APPLICATION_ROOT": "/mounted"}, "path", "/mounted"),
        ({"APPLICATION_ROOT": "/mounted", "SESSION_COOKIE_PATH": "/shop"}, "path", "/shop"),
        ({}, "domain", ""),
        ({"SESSION_COOKIE_DOMAIN": "shop.example"}, "domain", "shop.example"),
        ({}, "secure", ""),
        ({"SESSION_COOKIE_SECURE": True}, "secure", True),
        ({}, "httponly", True),
        ({"SESSION_COOKIE_HTTPONLY": False}, "httponly", ""),
        ({}, "samesite", "Lax"),
        ({"SESSION_COOKIE_SAMESITE": "Strict"}, "samesite", "Strict"),
        ({"SESSION_COOKIE_SAMESITE": "strict"}, "samesite", "Strict"),
        ({"SESSION_COOKIE_SAMESITE": "None", "SESSION_COOKIE_SECURE": True}, "samesite", "None"),
    ],
)
async def test_attributes_are_as_configured(
    config: dict[str, Any], attribute: str, value: Any
) -> None:
    """Each cookie has the attributes that ``app.config`` asks for."""
    cookies = await change(sectioned_app(**config))
    assert set(cookies) == {"session", "session-cart"}
    assert {morsel[attribute] for morsel in cookies.values()} == {value}


async def test_partitioned_is_as_configured() -> None:
    """A partitioned cookie says so."""
    app = sectioned_app(SESSION_COOKIE_PARTITIONED=True, SESSION_COOKIE_SECURE=True)
    response = await app.test_client().patch("/", json=CHANGE)
    headers = response.headers.getlist("Set-Cookie")
    assert len(headers) == 2
    assert all("; Partitioned" in header for header in headers)


@pytest.mark.parametrize("name", ["sid", "__Secure-sid", "__Host-sid"])
async def test_the_name_is_as_configured(name: str) -> None:
    """The base cookie has the name that was given, and the sections' begin with it."""
    app = sectioned_app(SESSION_COOKIE_NAME=name, SESSION_COOKIE_SECURE=True)
    assert set(await change(app)) == {name, f"{name}-cart"}


@pytest.mark.parametrize("lifetime", [timedelta(days=5), 5 * DAY])
async def test_the_lifetime_is_as_configured(lifetime: Any) -> None:
    """A permanent session lasts as long in the browser, and a cookie is read no longer."""
    now = 1_000_000.0
    app = plain_app(PERMANENT_SESSION_LIFETIME=lifetime)
    SectionedSessions(app, sections=["cart"], clock=lambda: now)
    client = app.test_client(use_cookies=False)
    cookies = sent(await client.patch("/", json=CHANGE))
    assert cookies["session"]["max-age"] == str(5 * DAY)
    header = {"Cookie": "; ".join(f"{name}={each.value}" for name, each in cookies.items())}
    now += 5 * DAY
    kept = await (await client.get("/", headers=header)).get_json()
    assert kept == {"name": "Ada", "_permanent": True, "cart": {"lines": [1]}}
    now += 1
    assert await (await client.get("/", headers=header)).get_json() == {}


async def test_a_lifetime_of_years_is_one() -> None:
    """A session that is to last longer than a year does."""
    now = 1_000_000.0
    app = plain_app(PERMANENT_SESSION_LIFETIME=timedelta(days=1_000))
    SectionedSessions(app, sections=["cart"], clock=lambda: now)
    client = app.test_client()
    await client.patch("/", json=CHANGE)
    now += 999 * DAY
    assert (await (await client.get("/")).get_json())["cart"] == {"lines": [1]}
    now += 2 * DAY
    assert await (await client.get("/")).get_json() == {}


@pytest.mark.parametrize("refresh", [True, False])
async def test_the_refresh_is_as_configured(refresh: bool) -> None:  # noqa: FBT001
    """A cookie in use is signed anew after a day, or never without a change."""
    now = 1_000_000.0
    app = plain_app(SESSION_REFRESH_EACH_REQUEST=refresh)
    SectionedSessions(app, sections=["cart"], clock=lambda: now)
    client = app.test_client()
    await client.patch("/", json=CHANGE)
    now += DAY
    assert set(sent(await client.get("/"))) == ({"session", "session-cart"} if refresh else set())


async def test_the_size_is_as_configured() -> None:
    """A change that is larger than ``MAX_COOKIE_SIZE`` is refused."""
    app = sectioned_app(MAX_COOKIE_SIZE=300)
    client = app.test_client()
    assert (await client.patch("/", json={"cart": "a" * 20})).status_code == 200
    response = await client.patch("/", json={"cart": list(range(200)), "name": "Ada"})
    assert response.status_code == 500
    assert sent(response) == {}


@pytest.mark.parametrize("key", [KEY, KEY.encode(), bytes(range(200, 240))])
async def test_an_older_key_is_read_and_signed_anew(key: str | bytes) -> None:
    """A cookie under one of ``SECRET_KEY_FALLBACKS`` is read and comes back under the new key."""
    cookies = await change(sectioned_app(SECRET_KEY=key))
    client = sectioned_app(SECRET_KEY=OTHER, SECRET_KEY_FALLBACKS=[key]).test_client()
    for name, morsel in cookies.items():
        client.set_cookie("localhost", name, morsel.value)
    renewed = await client.get("/")
    assert (await renewed.get_json())["name"] == "Ada"
    assert set(sent(renewed)) == {"session", "session-cart"}
    alone = sectioned_app(SECRET_KEY=OTHER).test_client()
    for name, morsel in sent(renewed).items():
        alone.set_cookie("localhost", name, morsel.value)
    assert (await (await alone.get("/")).get_json())["cart"] == {"lines": [1]}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"SECRET_KEY": None}, "no key to be signed with: set SECRET_KEY"),
    ({"SECRET_KEY": ""}, "no key to be signed with: set SECRET_KEY"),
    ({"SECRET_KEY": "short"}, "must have 32 bytes or more"),
    ({"SECRET_KEY": b"short"}, "must have 32 bytes or more"),
    ({"SECRET_KEY": 5}, "must be text or bytes"),
    ({"SECRET_KEY": "\ud800" * 40}, "must be text or bytes"),
    ({"SECRET_KEY": ["a list of one, as long as it has to be"]}, "must be text or bytes"),
    ({"SECRET_KEY_FALLBACKS": OTHER}, "SECRET_KEY_FALLBACKS must be a list"),
    ({"SECRET_KEY_FALLBACKS": 5}, "SECRET_KEY_FALLBACKS must be a list"),
    ({"SECRET_KEY_FALLBACKS": ["short"]}, "must have 32 bytes or more"),
    ({"SECRET_KEY_FALLBACKS": [None]}, "must be text or bytes"),
    ({"SESSION_COOKIE_NAME": ""}, "SESSION_COOKIE_NAME must be a cookie's name"),
    ({"SESSION_COOKIE_NAME": "a b"}, "SESSION_COOKIE_NAME must be a cookie's name"),
    ({"SESSION_COOKIE_NAME": "a;b"}, "SESSION_COOKIE_NAME must be a cookie's name"),
    ({"SESSION_COOKIE_NAME": "séance"}, "SESSION_COOKIE_NAME must be a cookie's name"),
    ({"SESSION_COOKIE_NAME": "__Host-a"}, "only if it is secure, with the path / and no domain"),
    ({"SESSION_COOKIE_NAME": "__host-a"}, "only if it is secure, with the path / and no domain"),
    ({"SESSION_COOKIE_NAME": "__Secure-a"}, "only if it is secure"),
    ({"SESSION_COOKIE_PATH": "shop"}, "SESSION_COOKIE_PATH must be a path"),
    ({"SESSION_COOKIE_PATH": "/a;b"}, "SESSION_COOKIE_PATH must be a path"),
    ({"APPLICATION_ROOT": ""}, "APPLICATION_ROOT must be a path"),
    ({"APPLICATION_ROOT": "shop"}, "APPLICATION_ROOT must be a path"),
    ({"SESSION_COOKIE_DOMAIN": 5}, "SESSION_COOKIE_DOMAIN must be a host's name"),
    ({"SESSION_COOKIE_DOMAIN": "a b"}, "SESSION_COOKIE_DOMAIN must be a host's name"),
    ({"SESSION_COOKIE_SECURE": "yes"}, "SESSION_COOKIE_SECURE must be True or False"),
    ({"SESSION_COOKIE_HTTPONLY": None}, "SESSION_COOKIE_HTTPONLY must be True or False"),
    ({"SESSION_COOKIE_SAMESITE": "lenient"}, "SESSION_COOKIE_SAMESITE must be 'Lax'"),
    ({"SESSION_COOKIE_SAMESITE": False}, "SESSION_COOKIE_SAMESITE must be 'Lax'"),
    ({"SESSION_COOKIE_SAMESITE": "None"}, "SameSite=None only if it is secure"),
    ({"SESSION_COOKIE_PARTITIONED": True}, "a partitioned cookie only if it is secure"),
    ({"SESSION_COOKIE_PARTITIONED": 1}, "SESSION_COOKIE_PARTITIONED must be True or False"),
    ({"PERMANENT_SESSION_LIFETIME": 0}, "PERMANENT_SESSION_LIFETIME must be 10 seconds or more"),
    ({"PERMANENT_SESSION_LIFETIME": -1}, "PERMANENT_SESSION_LIFETIME must be 10 seconds or more"),
    ({"PERMANENT_SESSION_LIFETIME": 9}, "PERMANENT_SESSION_LIFETIME must be 10 seconds or more"),
    (
        {"PERMANENT_SESSION_LIFETIME": float("nan")},
        "PERMANENT_SESSION_LIFETIME must be 10 seconds or more",
    ),
    (
        {"PERMANENT_SESSION_LIFETIME": timedelta(seconds=1)},
        "PERMANENT_SESSION_LIFETIME must be 10 seconds or more",
    ),
    ({"PERMANENT_SESSION_LIFETIME": "31"}, "PERMANENT_SESSION_LIFETIME must be a number"),
    ({"SESSION_REFRESH_EACH_REQUEST": None}, "SESSION_REFRESH_EACH_REQUEST must be True"),
    ({"MAX_COOKIE_SIZE": 0}, "MAX_COOKIE_SIZE must be from 1 to 4093"),
    ({"MAX_COOKIE_SIZE": 8_192}, "MAX_COOKIE_SIZE must be from 1 to 4093"),
]


@pytest.mark.parametrize(("config", "told"), WRONG)
async def test_what_cannot_be_honoured_stops_the_start(config: dict[str, Any], told: str) -> None:
    """A configuration that can't be honoured stops the start with a sentence that names it."""
    app = sectioned_app(**config)
    with pytest.raises(Misconfigured, match=re.escape(told)) as raised:
        await app.startup()
    assert str(config.get("SECRET_KEY") or KEY) not in str(raised.value)


@pytest.mark.parametrize(("config", "told"), WRONG)
async def test_what_cannot_be_honoured_is_told_without_a_start(
    config: dict[str, Any], told: str
) -> None:
    """Without a start a bad configuration is told where the session is first asked for."""
    app = sectioned_app(**config)

    @app.errorhandler(Misconfigured)
    async def tell(error: Misconfigured) -> tuple[str, int]:
        return str(error), 500

    client = app.test_client()
    assert (await client.get("/elsewhere")).status_code == 200
    response = await client.get("/")
    assert response.status_code == 500
    assert told in await response.get_data(as_text=True)


ODD: list[Any] = [
    *(None, "", 0, 1, -1, True, False, 10.5, 1e300, float("nan"), float("inf"), 10**30, object()),
    *("x", KEY, KEY.encode(), b"", "ü" * 40, "\ud800" * 40, "a\nb", "a;b", "a\r\nb: c", "Ⅷ"),
    *("/", "/a b", "/ä", "//", "/a\nb", ".", "a.example", "a..b", "Lax", "STRICT", "none"),
    *([], [KEY], (KEY,), {KEY}, {}, [[]], [None], 4_093, 4_094),
    *(timedelta(days=3), timedelta.max, timedelta(microseconds=1), timedelta(-1)),
]


@pytest.mark.parametrize("key", [*KEYS.values(), "APPLICATION_ROOT", "SECRET_KEY"])
async def test_no_value_is_an_error_of_another_kind(key: str) -> None:
    """Whatever a key is set to, it is refused with a sentence, or whole cookies come of it."""
    for value in ODD:
        app = sectioned_app(**{key: value})
        try:
            SectionedSessions(sections=["cart"]).jar(app)
        except Misconfigured:
            continue
        response = await app.test_client().patch("/", json=CHANGE)
        assert response.status_code == 200 or value == 1, (key, value)
        for header in response.headers.getlist("Set-Cookie"):
            assert "\n" not in header


ARGUMENTS: list[tuple[dict[str, Any], str]] = [
    ({"sections": "cart"}, "sections are a list of names"),
    ({"sections": [""]}, "can't be a section"),
    ({"sections": ["my cart"]}, "can't be a section"),
    ({"sections": ["cart", "cart"]}, "declared twice"),
    ({"sections": [5]}, "can't be a section"),
    ({"sections": ["session"]}, "can't be a section: the session itself"),
    ({"sections": ["_permanent"]}, "can't be a section: the session itself"),
    ({"sections": ["_born"]}, "can't be a section: the session itself"),
    ({"sections": ["_value"]}, "can't be a section: the session itself"),
    ({"keys": []}, "no key to be signed with"),
    ({"keys": [""]}, "no key to be signed with"),
    ({"keys": KEY}, "keys must be a list"),
    ({"keys": ["short"]}, "must have 32 bytes or more"),
    ({"digest": "md5"}, "digest must be one of sha256, sha1"),
    ({"idle": 5}, "idle must be 10 seconds or more"),
    ({"section_idle": True}, "section_idle must be a number of seconds"),
    ({"lifetime": float("inf")}, "lifetime must be 10 seconds or more"),
    ({"name": "a=b"}, "name must be a cookie's name"),
    ({"max_size": "large"}, "max_size must be from 1 to 4093"),
]


@pytest.mark.parametrize(("arguments", "told"), ARGUMENTS)
async def test_arguments_are_checked(arguments: dict[str, Any], told: str) -> None:
    """An argument that can't be honoured is refused with a sentence that names it."""
    app = plain_app(SECRET_KEY=None)
    with pytest.raises(Misconfigured, match=told):
        SectionedSessions(**{"keys": [KEY], **arguments}).jar(app)


def test_two_sessions_in_one_application_are_refused() -> None:
    """A second session would take the first one's sections away: it is refused."""
    app = Quart(__name__)
    first = SectionedSessions(app, sections=["cart"])
    first.init_app(app)
    with pytest.raises(Misconfigured, match="declare all sections in one"):
        SectionedSessions(app, sections=["preferences"])
    with pytest.raises(Misconfigured, match="declare all sections in one"):
        SectionedSessions(sections=["cart"]).init_app(app)
    kept: Any = app.session_interface
    assert kept is first


def test_an_argument_that_there_is_not() -> None:
    """A misspelt argument is a TypeError, as of any function."""
    with pytest.raises(TypeError, match="no argument 'sekure'"):
        SectionedSessions(sekure=True)  # type: ignore[call-arg]


GIVEN: dict[str, tuple[Any, Any]] = {
    "name": ("sid", "other"),
    "path": ("/shop", "/other"),
    "domain": ("shop.example", "other.example"),
    "secure": (False, True),
    "httponly": (True, False),
    "samesite": ("Lax", "Strict"),
    "partitioned": (False, True),
    "idle": (DAY, 2 * DAY),
    "refresh": (True, False),
    "max_size": (1_000, 2_000),
}
"""Of each argument a value, and another one in ``app.config``."""


@pytest.mark.parametrize("argument", KEYS)
def test_argument_and_configuration_may_not_differ(argument: str) -> None:
    """An argument and a configuration that differ are refused: which counts is unknown."""
    given, configured = GIVEN[argument]
    with pytest.raises(Misconfigured, match=f"{KEYS[argument]} is .* was given {argument}="):
        SectionedSessions(**{argument: given}).jar(plain_app(**{KEYS[argument]: configured}))
    jar = SectionedSessions(**{argument: given}).jar(plain_app(**{KEYS[argument]: given}))
    assert getattr(jar.policy, argument) == (DAY if argument == "refresh" else given)


@pytest.mark.parametrize("config", [{"SECRET_KEY": OTHER}, {"SECRET_KEY_FALLBACKS": [OTHER]}])
def test_keys_may_not_differ(config: dict[str, Any]) -> None:
    """Keys that differ in argument and configuration are refused, and the error shows none."""
    with pytest.raises(Misconfigured, match="given other keys") as raised:
        SectionedSessions(keys=[KEY]).jar(plain_app(**config))
    assert KEY not in str(raised.value)
    assert OTHER not in str(raised.value)


async def test_a_later_change_counts() -> None:
    """What is set after the first request counts from then on, in a list as well."""
    app = sectioned_app(SECRET_KEY_FALLBACKS=[])
    assert (await change(app))["session"]["samesite"] == "Lax"
    app.config["SESSION_COOKIE_SAMESITE"] = "Strict"
    assert (await change(app))["session"]["samesite"] == "Strict"
    cookies = await change(sectioned_app(SECRET_KEY=OTHER))
    client = app.test_client()
    client.set_cookie("localhost", "session", cookies["session"].value)
    assert await (await client.get("/")).get_json() == {}
    app.config["SECRET_KEY_FALLBACKS"].append(OTHER)
    assert (await (await client.get("/")).get_json())["name"] == "Ada"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("SESSION_COOKIE_NAME", "sid"),
        ("SESSION_COOKIE_PATH", "/shop"),
        ("SESSION_COOKIE_DOMAIN", "shop.example"),
        ("SESSION_COOKIE_SECURE", True),
        ("SESSION_COOKIE_HTTPONLY", False),
        ("SESSION_COOKIE_SAMESITE", "Strict"),
        ("SESSION_COOKIE_PARTITIONED", True),
        ("SESSION_REFRESH_EACH_REQUEST", False),
        ("PERMANENT_SESSION_LIFETIME", DAY),
        ("SECRET_KEY", OTHER),
        ("SECRET_KEY_FALLBACKS", [OTHER]),
        ("MAX_COOKIE_SIZE", 1_000),
    ],
)
async def test_the_shop_ignores_none_either(settings: Settings, key: str, value: Any) -> None:
    """What somebody sets in the shop's ``app.config`` beside its own settings is refused."""
    app = create_app(dataclasses.replace(settings))
    app.config[key] = value
    with pytest.raises(Misconfigured, match=key):
        await app.startup()


async def test_getters_say_what_is_sent() -> None:
    """What Quart's own getters say is what is sent, also of the end and whether it will be."""
    now = 1_000_000.0
    app = plain_app(SESSION_COOKIE_SAMESITE="Strict", SESSION_COOKIE_DOMAIN="shop.example")
    says = SectionedSessions(app, sections=["cart"], clock=lambda: now)
    async with app.test_request_context("/") as context:
        session: Any = context.session
        assert says.get_expiration_time(app, session) is None
        assert not says.should_set_cookie(app, session)
        session["cart"] = 1
        session.permanent = True
        assert says.should_set_cookie(app, session)
        moment = says.get_expiration_time(app, session)
        assert moment is not None
        assert moment.timestamp() == now + 31 * DAY
    assert says.get_cookie_samesite(app) == "Strict"
    assert says.get_cookie_domain(app) == "shop.example"
