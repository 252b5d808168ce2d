"""A cookie that isn't ours, whole and in time is an empty session, and never an error."""

from __future__ import annotations

import hashlib
import string
import zlib
from base64 import urlsafe_b64encode

import pytest
from itsdangerous import TimestampSigner
from quart import Quart

from service import clock
from service.settings import Settings
from tests.sessions.conftest import StartShelf, cookie_of, keep, show

ALL = {"user_id": "ada", "cart": {"id": "1" * 32}, "preferences": {"theme": "dark"}}
EMPTY = {"new": True, "permanent": False}
NAMES = ("session", "session-cart", "session-preferences")


@pytest.fixture
async def shelf(start_shelf: StartShelf) -> Quart:
    return await start_shelf()


def sign(settings: Settings, content: bytes) -> str:
    """Sign this as another program does that has the key, the salt and the digest."""
    options = {"key_derivation": "hmac", "digest_method": getattr(hashlib, settings.session_digest)}
    signer = TimestampSigner(settings.secret_key, salt="cookie-session", **options)
    return signer.sign(content).decode()


@pytest.mark.parametrize("name", NAMES)
async def test_every_byte_counts(shelf: Quart, name: str) -> None:
    """With any one byte flipped, a cookie is worth nothing."""
    value = (await keep(shelf, ALL))[name]
    genuine = await show(shelf, {name: value})
    assert set(genuine) & set(ALL)
    for place, letter in enumerate(value):
        for bit in (1, 2):
            flipped = value[:place] + chr(ord(letter) ^ bit) + value[place + 1 :]
            assert await show(shelf, {name: flipped}) == EMPTY, (place, bit)


@pytest.mark.parametrize("name", NAMES)
async def test_no_other_last_letter_will_do(shelf: Quart, settings: Settings, name: str) -> None:
    """The last letter has bits to spare in base64; those count too, and so does what follows."""
    cookie = cookie_of(settings, name.rpartition("-")[2])
    value = (await keep(shelf, ALL))[name]
    assert cookie.open(value)
    for letter in set(string.printable) - {value[-1]}:
        assert cookie.open(value[:-1] + letter) is None, letter
        assert cookie.open(value + letter) is None, letter


async def test_every_length_counts(shelf: Quart) -> None:
    """Cut short anywhere, at either end, a cookie is worth nothing."""
    value = (await keep(shelf, ALL))["session"]
    for length in range(len(value)):
        assert await show(shelf, {"session": value[:length]}) == EMPTY
        assert await show(shelf, {"session": value[length + 1 :]}) == EMPTY


async def test_foreign_key(shelf: Quart, start_shelf: StartShelf) -> None:
    """A cookie signed with somebody else's key is worth nothing."""
    other = await start_shelf(secret_key="somebody else's key, just as long as")
    assert await show(shelf, await keep(other, ALL)) == EMPTY


async def test_other_digest(shelf: Quart, start_shelf: StartShelf) -> None:
    """A cookie signed with another digest than the setting's is worth nothing."""
    other = await start_shelf(session_digest="sha1")
    assert await show(shelf, await keep(other, ALL)) == EMPTY


async def test_sections_do_not_pass_for_one_another(shelf: Quart) -> None:
    """Each section has a salt of its own: no cookie is good under another's name."""
    cookies = await keep(shelf, ALL)
    for name in NAMES:
        for other in set(NAMES) - {name}:
            assert await show(shelf, {name: cookies[other]}) == EMPTY


async def test_one_bad_cookie_costs_no_other(shelf: Quart) -> None:
    """A section that is broken leaves the others as they are."""
    cookies = await keep(shelf, ALL)
    found = await show(shelf, {**cookies, "session-cart": "broken"})
    assert found == {
        **EMPTY, "new": False, "user_id": "ada", "preferences": ALL["preferences"]
    }  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "=",
        '"',
        '""',
        "%00",
        "\x01\x02",
        "ÿÿ",
        "é.é.é",
        "e30.Z.Z",  # {}, and a time that isn't one
        ".".join(["e30", "_" * 40, "A" * 43]),  # a time beyond all calendars
        "A" * 3_000,
        "." * 3_000,
        "A" * 10_000,  # oversized
    ],
)
@pytest.mark.parametrize("name", NAMES)
async def test_junk(shelf: Quart, name: str, value: str) -> None:
    """Whatever a browser may send, it is an empty session and not an error."""
    assert await show(shelf, {name: value}) == EMPTY


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"[]", b"1", b'"text"', b"{", b"\xff", b"[" * 2_000, b'{" t": 1}', b'{" d": []}',
     b'{"_born": "yesterday"}', b'{"_born": 1e99}', b'{"_born": null}'],
)  # fmt: skip
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "compressed"])
def test_signed_but_not_a_session(settings: Settings, payload: bytes, *, packed: bool) -> None:
    """Something else that was signed with our key and salt is an empty session as well."""
    cookie = cookie_of(settings, "session")
    value = urlsafe_b64encode(zlib.compress(payload) if packed else payload).rstrip(b"=")
    assert cookie.open(sign(settings, b"." * packed + value)) is None


def test_oversized_is_not_even_looked_at(settings: Settings) -> None:
    """A cookie beyond what browsers keep isn't one that we sent, however well signed."""
    cookie = cookie_of(settings, "session")
    now = int(clock.now().timestamp())
    whole = {"numbers": list(range(1_300))}
    assert len(cookie.sign(whole, now)) < 4_093
    assert cookie.open(cookie.sign(whole, now))
    more = {"numbers": list(range(2_500))}
    assert len(cookie.sign(more, now)) > 4_093
    assert cookie.open(cookie.sign(more, now)) is None


async def test_without_a_time(shelf: Quart, settings: Settings) -> None:
    """A signature without a time, as of other uses of the key, is worth nothing."""
    body, _, signature = sign(settings, b"e30").split(".")
    assert await show(shelf, {"session": f"{body}.{signature}"}) == EMPTY
