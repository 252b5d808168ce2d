"""The environment says it all, and what can't be is refused in one line."""

from __future__ import annotations

import base64
import dataclasses
import secrets
from pathlib import Path

import pytest

from service.errors import SettingsError
from service.settings import PREFIX, Limit, Settings, misspelt
from tests.support.keys import KEY
from tests.support.serving import environment

URL = "postgresql://shop:secret@db/shop"
NEEDED = {
    "LOCKER_DATABASE_URL": URL,
    "LOCKER_SECRET_KEY": KEY,
    "LOCKER_ALLOWED_HOSTS": "shop.example",
}
DEVELOPMENT = {
    "LOCKER_ENVIRONMENT": "development",
    "LOCKER_DATABASE_URL": URL,
    "LOCKER_SECRET_KEY": KEY,
}


def read(**variables: str) -> Settings:
    """Return what the environment of a production says, with these variables more."""
    return Settings.from_env(
        {**NEEDED, **{PREFIX + name: text for name, text in variables.items()}}
    )


def refused(**variables: str) -> str:
    """Return why these variables don't allow a start: one line, without their values."""
    with pytest.raises(SettingsError) as refusal:
        read(**variables)
    text = str(refusal.value)
    assert "\n" not in text
    return text


def test_production_needs_three() -> None:
    """Three variables make a production, with everything at its secure default."""
    settings = Settings.from_env(NEEDED)
    assert settings.production
    assert settings.secure_cookies
    assert settings.database_url == URL
    assert settings.secret_key == KEY
    assert settings.allowed_hosts == ("shop.example",)
    assert settings == Settings(database_url=URL, secret_key=KEY, allowed_hosts=("shop.example",))


def test_an_old_name_is_still_read(tmp_path: Path) -> None:
    """A variable that has another name now counts by its old one as well, in a file too."""
    assert read(CART_LATE="7").merge_window == 7
    file = tmp_path / "seconds"
    file.write_text("8\n")
    assert read(CART_LATE_FILE=str(file)).merge_window == 8
    assert misspelt({**NEEDED, "LOCKER_CART_LATE": "7"}) == {}


def test_an_old_name_and_the_new_one_are_not_both_set() -> None:
    """A setting's old name and its new one set at once are refused."""
    text = refused(CART_LATE="7", MERGE_WINDOW="8")
    assert (
        text == "set LOCKER_MERGE_WINDOW or LOCKER_CART_LATE, which was its name before, not both"
    )


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("text", [None, ""])
def test_says_what_is_missing(name: str, text: str | None) -> None:
    """What production needs and doesn't have is named; an empty variable is one not set."""
    environ = {**NEEDED, name: text or ""} if text is not None else dict(NEEDED)
    if text is None:
        del environ[name]
    with pytest.raises(SettingsError, match=rf"^set {name}$"):
        Settings.from_env(environ)


def test_says_all_that_is_missing() -> None:
    """Everything missing is named at once."""
    with pytest.raises(SettingsError) as refusal:
        Settings.from_env({})
    assert all(name in str(refusal.value) for name in NEEDED)


def test_development() -> None:
    """Development is for this machine, over http, and stops at once."""
    settings = Settings.from_env(DEVELOPMENT)
    assert not settings.production
    assert not settings.secure_cookies
    assert settings.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert settings.drain_time == 0
    assert (settings.metrics, settings.docs) == ("main", True)
    more = {"LOCKER_SECURE_COOKIES": "on", "LOCKER_ALLOWED_HOSTS": "dev.example"}
    settings = Settings.from_env({**DEVELOPMENT, **more})
    assert settings.secure_cookies
    assert settings.allowed_hosts == ("dev.example",)


def test_command_needs_the_database_alone() -> None:
    """A command that answers no requests needs no key and no host."""
    settings = Settings.from_env({"LOCKER_DATABASE_URL": URL}, serving=False)
    assert settings.database_url == URL
    with pytest.raises(SettingsError, match=r"^set LOCKER_DATABASE_URL$"):
        Settings.from_env({}, serving=False)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("pool_max", "25", 25),
        ("pool_timeout", "0.5", 0.5),
        ("secret_key_fallbacks", f"{KEY}1, {KEY}2,", (f"{KEY}1", f"{KEY}2")),
        ("allowed_hosts", "a.example,*.b.example", ("a.example", "*.b.example")),
        ("argon2", "64,1,1", (64, 1, 1)),
        ("throttle_account", "5/60", Limit(5, 60)),
        ("throttle_account", "off", Limit(0, 0)),
        ("cart_merge", "sum", "sum"),
        ("session_digest", "sha1", "sha1"),
        ("webhook_retries", "1, 2.5", (1.0, 2.5)),
        ("webhook_retries", ",", ()),
        ("currency", "JPY", "JPY"),
        ("currency", "XPF", "XPF"),
    ],
)
def test_each_kind(name: str, text: str, value: object) -> None:
    """Numbers, lists and choices are read as what they are."""
    assert getattr(read(**{name.upper(): text}), name) == value


@pytest.mark.parametrize("text", ["true", "1", "on", "TRUE", "On"])
def test_on(text: str) -> None:
    """A boolean setting is on by any of these."""
    environ = {**DEVELOPMENT, "LOCKER_SECURE_COOKIES": text}
    assert Settings.from_env(environ).secure_cookies


@pytest.mark.parametrize("text", ["false", "0", "off", "FALSE", "Off"])
def test_off(text: str) -> None:
    """A boolean is off by any of these; in production cookies can't be insecure."""
    environ = {**DEVELOPMENT, "LOCKER_SECURE_COOKIES": text}
    assert not Settings.from_env(environ).secure_cookies
    assert "SECURE_COOKIES" in refused(SECURE_COOKIES=text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ENVIRONMENT", "staging"),
        ("ENVIRONMENT", "Production"),
        ("DATABASE_URL", "mysql://shop@db/shop"),
        ("DATABASE_URL", "shop"),
        ("DATABASE_URL", "postgresql://shop@db:many/shop"),
        ("SECRET_KEY", "k" * 31),
        ("SECRET_KEY_FALLBACKS", f"{KEY},short"),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", " , "),
        ("ALLOWED_HOSTS", "shop.example,*"),
        ("SECURE_COOKIES", "maybe"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "one"),
        ("POOL_MIN", "-1"),
        ("POOL_MIN", "11"),
        ("STATEMENT_TIMEOUT", "0.0001"),
        ("STATEMENT_TIMEOUT", "0.0009"),
        ("STATEMENT_TIMEOUT", "2147484"),
        ("STANDBY_URL", "mysql://shop@db/shop"),
        ("STANDBY_URL", "postgresql://shop@one,two/shop"),
        ("STANDBY_LAG", "2.9"),
        ("POOL_MAX", "0"),
        ("POOL_MAX", "1.5"),
        ("POOL_TIMEOUT", "soon"),
        ("POOL_TIMEOUT", "0"),
        ("POOL_TIMEOUT", "-1"),
        ("POOL_TIMEOUT", "nan"),
        ("POOL_TIMEOUT", "inf"),
        ("STATEMENT_TIMEOUT", "0"),
        ("STATEMENT_TIMEOUT", "nan"),
        ("STATEMENT_TIMEOUT", "1e10"),
        ("LOGIN_IDLE", "0"),
        ("LOGIN_LIFETIME", "-5"),
        ("SECTION_IDLE", "0"),
        ("CART_MAX_LINES", "0"),
        ("CART_MAX_QUANTITY", "-1"),
        ("MERGE_WINDOW", "-1"),
        ("CART_MERGE", "min"),
        ("MAX_BODY", "0"),
        ("BODY_TIMEOUT", "0"),
        ("HASH_QUEUE", "-1"),
        ("DRAIN_TIME", "-1"),
        ("DRAIN_TIME", "nan"),
        ("AUDIT_DAYS", "0"),
        ("ARGON2", "64,1"),
        ("ARGON2", "64,1,x"),
        ("ARGON2", "0,1,1"),
        ("ARGON2", "64,0,1"),
        ("ARGON2", "64,1,0"),
        ("ARGON2", "15,1,2"),
        ("THROTTLE_ACCOUNT", "5"),
        ("THROTTLE_ACCOUNT", "0/60"),
        ("THROTTLE_ACCOUNT", "5/0"),
        ("LOW_STOCK", "-1"),
        ("WEBHOOK_CLAIM", "0"),
        ("WEBHOOK_RETRIES", "soon"),
        ("WEBHOOK_RETRIES", "5,-1"),
        ("WEBHOOK_RETRIES", "5,nan"),
        ("CURRENCY", "dollars"),
        ("CURRENCY", "usd"),
        ("CURRENCY", "XXQ"),
        ("CURRENCY", "XXX"),
        ("CURRENCY", "XTS"),
        ("CURRENCY", "XAU"),
        ("CURRENCY", "DEM"),
        ("CURRENCY", "CHE"),
        ("CURRENCY", "EUR "),
        ("PICTURE_SOURCES", "*"),
        ("PICTURE_SOURCES", "http://cdn.example"),
        ("PICTURE_SOURCES", "https://cdn.example; script-src *"),
        ("PICTURE_SOURCES", "https:,https://cdn.example/path"),
        ("LOG_LEVEL", "LOUD"),
        ("SESSION_DIGEST", "md5"),
        ("METRICS", "on"),
        ("METRICS", "9090"),
        ("METRICS", ":9090"),
        ("METRICS", "127.0.0.1"),
        ("METRICS", "127.0.0.1:0"),
        ("METRICS", "127.0.0.1:65536"),
        ("METRICS", "http://127.0.0.1:9090"),
        ("METRICS", "::1:9090"),
        ("DOCS", "yes"),
        ("ALLOWED_HOSTS", "https://shop.example"),
        ("ALLOWED_HOSTS", "shop.example:8000"),
        ("ALLOWED_HOSTS", "www.shop.example,.shop.example"),
    ],
)
def test_refuses(name: str, text: str) -> None:
    """What can't be is refused, and the line says which variable it is, and not what was in it."""
    line = refused(**{name: text})
    assert f"{PREFIX}{name}" in line
    if name in {"DATABASE_URL", "STANDBY_URL", "SECRET_KEY", "SECRET_KEY_FALLBACKS"}:
        assert text not in line


@pytest.mark.parametrize(
    "key",
    [
        "x" * 64,
        "changeme" * 4,
        "please-change-me-before-you-deploy-it",
        "django-insecure-3k0vz!9f#q8w@1m5n7b2c4x6",
        "0123456789abcdef" * 2,
        "a1b2c3d4e5f6" * 4,
        "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
        "abcdefghijklmnopqrstuvwxyz123456",
        "thisisasecretkeythatisverysecret!",
        "qwertyuiopasdfghjklzxcvbnm1234567890",
        "asdfjkl;asdfjkl;asdfghjkl;qwertyuiop",
        "zaq1xsw2cde3vfr4bgt5nhy6mju7;ki8.lo9",
        "LockerShopSecretKey2026!LockerShopSecretKey",
        "locker-production-secret-key-do-not-share",
        "ThisKeyIsOnlyForProductionUseByTheShopTeam1",
        "Four score and seven years ago our fathers",
        "der schnelle braune Fuchs springt ueber den Zaun",
        "REPLACE_WITH_A_LONG_RANDOM_STRING_HERE",
        "http://shop.example/secret/key/1234",
        "Tr0ub4dor&3-Tr0ub4dor&3-Tr0ub4dor&3",
    ],
)
def test_production_refuses_a_key_that_was_typed(key: str) -> None:
    """A key that was copied from somewhere, or typed to be long enough, protects nothing.

    As a fallback it is taken, or nobody could turn away from it.
    """
    line = refused(SECRET_KEY=key)
    assert "LOCKER_SECRET_KEY is well known or easy to guess" in line
    assert key not in line
    assert read(SECRET_KEY_FALLBACKS=key).secret_key_fallbacks == (key,)
    assert Settings.from_env({**DEVELOPMENT, "LOCKER_SECRET_KEY": key}).secret_key == key


def test_production_takes_a_key_made_at_random() -> None:
    """Production takes a key made at random, however it is written."""
    for _ in range(50):
        key = secrets.token_bytes(32)
        for text in (key.hex(), base64.b64encode(key).decode(), secrets.token_urlsafe(32)):
            assert read(SECRET_KEY=text).secret_key == text


def test_says_all_that_is_wrong() -> None:
    """Several bad variables, missing ones among them, are told in one line."""
    environ = {
        "LOCKER_SECRET_KEY": "short",
        "LOCKER_POOL_MAX": "many",
        "LOCKER_ALLOWED_HOSTS": "https://shop.example",
        "LOCKER_CURRENCY": "dollars",
        "LOCKER_DRAIN_TIME": "-1",
    }
    with pytest.raises(SettingsError) as refusal:
        Settings.from_env(environ)
    problems = refusal.value.problems
    assert len(problems) == 6
    for name in ("DATABASE_URL", *(each.removeprefix(PREFIX) for each in environ)):
        assert any(f"{PREFIX}{name}" in problem for problem in problems), name
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("LOCKER_TYPO", ""),
        ("LOCKER_SECRETKEY", "LOCKER_SECRET_KEY"),
        ("LOCKER_ALLOWED_HOST", "LOCKER_ALLOWED_HOSTS"),
        ("LOCKER_POOLMAX_FILE", "LOCKER_POOL_MAX"),
        ("LOCKER_TRUSTED_PROXY", "LOCKER_TRUSTED_PROXIES"),
    ],
)
def test_misspelt(name: str, nearest: str) -> None:
    """A variable that nothing reads is known as such, with the one that may be meant."""
    assert misspelt({**NEEDED, name: "1"}) == {name: nearest}


def test_not_misspelt() -> None:
    """Settings, their files, and what an orchestrator sets for a `locker` aren't misspelt."""
    others = (
        "SECRET_KEY_FILE SERVICE_HOST SERVICE_PORT SERVICE_PORT_HTTP PORT PORT_8000_TCP "
        "PORT_8000_TCP_PROTO PORT_8000_TCP_ADDR TEST_DATABASE_URL METRICS SHOP_FILE SHOP_FILE_FILE"
    )
    assert misspelt({f"{PREFIX}{name}": "1" for name in others.split()} | {"PATH": "/"}) == {}


def test_file(tmp_path: Path) -> None:
    """`…_FILE` names a file to read a variable from; the line's end is not part of it."""
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    environ = dict(NEEDED)
    del environ["LOCKER_SECRET_KEY"]
    assert Settings.from_env({**environ, "LOCKER_SECRET_KEY_FILE": str(path)}).secret_key == KEY


def test_file_or_variable(tmp_path: Path) -> None:
    """A variable and its `…_FILE` at once are refused, since one would be ignored."""
    path = tmp_path / "key"
    path.write_text(KEY)
    line = refused(SECRET_KEY_FILE=str(path))
    assert "LOCKER_SECRET_KEY or LOCKER_SECRET_KEY_FILE" in line


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that isn't there, or isn't text, is named in one line."""
    assert "LOCKER_CURRENCY_FILE" in refused(CURRENCY_FILE=str(tmp_path / "no-such-file"))
    path = tmp_path / "binary"
    path.write_bytes(b"\xff\xfe\x00")
    assert "LOCKER_CURRENCY_FILE" in refused(CURRENCY_FILE=str(path))


def test_repr_keeps_secrets() -> None:
    """Settings that end in a log or a traceback show no secret."""
    text = repr(read(SECRET_KEY_FALLBACKS=f"{KEY}1"))
    assert "shop.example" in text
    assert KEY not in text
    assert "postgresql" not in text


@pytest.mark.parametrize("field", dataclasses.fields(Settings), ids=lambda field: str(field.name))
def test_default_can_be_written_out(field: dataclasses.Field[object]) -> None:
    """What a setting is by default can be said in its variable."""
    if field.default is not dataclasses.MISSING:
        text = environment(read())[PREFIX + field.name.upper()]
        assert getattr(read(**{field.name.upper(): text}), field.name) == field.default


@pytest.mark.parametrize("name", ["secret_key", "secret_key_fallbacks"])
def test_a_key_of_bytes_is_refused(name: str) -> None:
    """A key of bytes, which Flask takes, is refused by name: no environment could hold it."""
    key = KEY.encode()
    fine = Settings(database_url=URL, secret_key=KEY, allowed_hosts=("shop.example",))
    changes: dict[str, object] = {name: (key,) if name.endswith("s") else key}
    with pytest.raises(SettingsError, match=r"SECRET_KEY .* must be text"):
        dataclasses.replace(fine, **changes)  # type: ignore[arg-type]
