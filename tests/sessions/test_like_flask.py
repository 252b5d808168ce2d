"""The session is the dictionary that Flask's is: the same steps, the same outcome."""

from __future__ import annotations

import copy
import json
import re
import secrets
from collections.abc import Callable, MutableMapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
import quart
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from quart_locker import Session, SessionTooLarge
from quart_locker.sessions.model import Section
from service.sessions import SECTIONS, ShopSessions
from tests.sessions.conftest import set_cookies
from tests.support.dict_methods import FULL, METHODS, empty_by_popitem, fill
from tests.support.pairs import SETTINGS, Pair, Step, attempt, run_pair, sessions_app

NOISE = secrets.token_urlsafe(5_000)
"""Too much for a cookie, also when compressed."""

KEYS = ("cart", "flash", "name")


def test_every_method_is_compared() -> None:
    """No method of a dictionary or of a mapping is left out."""
    everything = {*dir(dict), *dir(MutableMapping)} - set(dir(type)) - set(dir(object))
    everything |= {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__"}
    known = {
        "__firstlineno__",
        "__static_attributes__",
        "_MutableMapping__marker",
        "_Mapping__marker",
        "__abstractmethods__",
        "_abc_impl",
        "__slots__",
        "__or__",
        "__ror__",
        "__reversed__",
    }
    assert everything - known <= set(METHODS)


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(step, id=f"{name}-{number}")
        for name, steps in METHODS.items()
        for number, step in enumerate(steps)
    ],
)
async def test_a_method_does_as_flasks(step: Step) -> None:
    """Every method gives what Flask's gives, and leaves what Flask's leaves, also when empty."""
    for prepare in (fill, len):
        pair = Pair()
        await pair.both(prepare)
        await pair.both(step)
        await pair.both(dict)


@pytest.mark.parametrize("key", ["cart", "preferences", "flash", "name"])
@pytest.mark.parametrize(
    "step",
    [
        lambda s, key: s.setdefault(key, {}).update(sku=1),
        lambda s, key: s.setdefault(key, []).append("sku"),
        lambda s, key: s.setdefault(key, {}).setdefault("lines", []).append({"sku": 1}),
    ],
)
async def test_what_was_put_in_is_kept_and_can_be_changed(key: str, step: Any) -> None:
    """The object that was put in is the one that is kept, and what happens to it later counts."""
    pair = Pair()

    def twice(session: Any) -> Any:
        step(session, key)
        step(session, key)
        session.modified = True
        return session[key]

    def put(session: Any) -> bool:
        mine: dict[str, Any] = {}
        session[key] = mine
        mine["sku"] = 1
        return session[key] is mine and session.setdefault(key, 1) is mine

    await pair.both(twice)
    await pair.both(twice)
    await pair.both(dict)
    assert await pair.both(put)
    assert (await pair.both(dict))[key] == {"sku": 1}


text = st.text(max_size=4)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | text
    | text.map(Markup)
    | st.binary(max_size=4)
    | st.uuids()
    | st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0))
)
names = text | st.sampled_from(["_value", "_born", " t", " d", "__proto__"])
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(names, inner, max_size=3)
    ),
    max_leaves=6,
)
keys = st.sampled_from(KEYS)


def nest(session: Any, key: str, value: Any) -> None:
    kept = session[key]
    if isinstance(kept, dict):
        kept["inner"] = value
    else:
        kept.append(value)
    session.modified = True


def make_permanent(session: Any) -> bool:
    session.permanent = True
    return bool(session.permanent)


OPERATIONS: dict[str, Callable[[Any, str, Any], Any]] = {
    "set": lambda s, key, value: s.__setitem__(key, value),
    "delete": lambda s, key, _: s.__delitem__(key),
    "pop": lambda s, key, value: s.pop(key, value),
    "setdefault": lambda s, key, value: s.setdefault(key, value),
    "nest": nest,
    "look": lambda s, key, _: (s.get(key), key in s, len(s)),
    "update": lambda s, key, value: s.update({key: value}, name=value),
    "permanent": lambda s, *_: make_permanent(s),
    "clear": lambda s, *_: s.clear(),
    "popitem": lambda s, *_: empty_by_popitem(s),
}


def perform(name: str, key: str, value: Any, session: Any) -> Any:
    return OPERATIONS[name](session, key, value)


operations = st.tuples(st.sampled_from(sorted(OPERATIONS)), keys, values)


@settings(max_examples=150)
@given(st.lists(st.lists(operations, min_size=1, max_size=4), min_size=1, max_size=5))
def test_any_steps_over_several_requests(requests: list[list[tuple[str, str, Any]]]) -> None:
    """Whatever is done over several requests, each sees what Flask's would."""

    def request(steps: list[tuple[str, str, Any]]) -> Step:
        def take(session: Any) -> list[Any]:
            # Each session has values of its own, and what it gave may change later.
            return [
                copy.deepcopy(attempt(partial(perform, name, key, value), session))
                for name, key, value in copy.deepcopy(steps)
            ]

        return take

    run_pair([request(steps) for steps in requests])


class Colour:
    """Something that no session holds."""


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize("key", ["cart", "name"])
@pytest.mark.parametrize(
    ("value", "told"),
    [
        (Colour(), "a session can't hold a Colour"),
        ({"lines": [{1, 2}]}, r"\['lines'\]\[0\]: a session can't hold a set"),
        (Decimal("1.50"), "a session can't hold a Decimal"),
        (date(2026, 1, 1), "a session can't hold a date"),
        ({5: 1}, "a key in a session is text, and 5 would"),
        ({"a": {None: 1}}, "a key in a session is text, and None would"),
        ("\ud800", "half a character"),
        ({"\udfff": 1}, "half a character"),
        (LOOP, "nested too deeply"),
    ],
)
async def test_what_it_cannot_hold_is_refused(key: str, value: Any, told: str) -> None:
    """What would be lost or changed is a TypeError that says why, at the line or when it is saved.

    Nothing of that request's session is sent then.
    """
    pair = Pair()
    await pair.ours(lambda s: s.update(kept=1))

    def at_once(session: Any) -> None:
        with pytest.raises(TypeError, match=told) as raised:
            session[key] = value
        assert f"session['{key}']" in str(raised.value)
        assert key not in session

    def inside(session: Any) -> None:
        session["other"] = 1
        session.setdefault(key, {})["inner"] = value

    await pair.ours(at_once)
    response = await pair.ours(inside)
    assert re.search(told, await response.get_data(as_text=True))
    assert set_cookies(response) == {}
    await pair.ours(dict)
    assert pair.outcome == {"kept": 1}


async def test_a_key_is_text() -> None:
    """A key of another type, which Flask would turn into text, and the one of ours are refused."""
    pair = Pair()
    for key in (1, None, ("a",), "_born"):
        await pair.ours(lambda s, key=key: s.__setitem__(key, 1))  # type: ignore[misc]
        assert pair.outcome is TypeError


async def test_a_number_is_one_that_can_be_written() -> None:
    """A number of more digits than Python writes is refused at the line."""
    session = Session(lambda _: Section(None), SECTIONS)
    with pytest.raises(TypeError, match="too large a number"):
        session["cart"] = [10**5000]


async def test_a_moment_is_kept_as_flask_keeps_it() -> None:
    """Of a moment the seconds are kept, in UTC, at Flask as here."""
    pair = Pair()
    moment = datetime(2026, 5, 1, 12, 30, 15, 999_999, UTC)
    await pair.both(lambda s: s.update(cart=moment, name=[moment.replace(tzinfo=None)]))
    found = await pair.both(dict)
    assert found == {"cart": moment.replace(microsecond=0), "name": [moment.replace(microsecond=0)]}


async def test_modified_may_be_set() -> None:
    """`session.modified = True` is taken and does no harm; False takes what is as unchanged."""
    pair = Pair()

    def change(session: Any) -> bool:
        session["name"] = "Ada"
        session.modified = True
        return bool(session.modified)

    def take_back(session: Any) -> bool:
        session["name"] = "Bob"
        session["cart"] = {"lines": []}
        session.modified = False
        return bool(session.modified)

    assert await pair.both(change)
    assert not await pair.both(take_back)
    assert await pair.both(dict) == {"name": "Ada"}
    response = await pair.ours(lambda s: setattr(s, "modified", True))
    assert set_cookies(response) == {}


async def test_flags_may_be_read_and_set() -> None:
    """`new`, `accessed` and `permanent` can be read and set."""
    pair = Pair()

    def look(session: Any) -> list[bool]:
        before = [session.new, session.permanent]
        session.new, session.permanent, session.accessed = False, True, True
        return [*before, session.new, session.permanent, session.accessed]

    await pair.ours(look)
    assert pair.outcome == [True, False, False, True, True]
    await pair.ours(look)
    assert pair.outcome == [False, True, False, True, True]


async def test_clear_deletes_every_cookie() -> None:
    """`clear` takes all away, the permanence and what Flask keeps under a section's name too."""
    pair = Pair()
    await pair.ours(fill)
    await pair.ours(lambda s: setattr(s, "permanent", True))
    response = await pair.ours(lambda s: s.clear())
    sent = set_cookies(response)
    assert set(sent) == {"session", "session-cart", "session-preferences"}
    assert all(morsel["max-age"] == "0" for morsel in sent.values())
    await pair.ours(dict)
    assert pair.outcome == {}


def test_it_is_a_dictionary() -> None:
    """It is a `dict`, also to what asks, and its copies are plain ones."""
    session = Session(lambda _: Section(None), SECTIONS)
    session["cart"] = {"lines": [1]}
    assert isinstance(session, dict)
    assert json.loads(json.dumps(session)) == {"cart": {"lines": [1]}}
    for other in (copy.copy(session), copy.deepcopy(session), session.copy(), {**session}):
        assert type(other) is dict
        assert other == session
    assert copy.deepcopy(session)["cart"] is not session["cart"]


async def test_names_are_the_applications_own() -> None:
    """Without declared sections every key is in the base section, and Flask reads them all."""
    app = sessions_app(lambda: quart.session.update(FULL))
    app.session_interface = ShopSessions(SETTINGS, sections=())  # type: ignore[assignment]
    sent = set_cookies(await app.test_client().get("/"))
    assert set(sent) == {"session"}


@pytest.mark.parametrize("handler", [SessionTooLarge, 500, HTTPException])
async def test_too_large_reaches_the_applications_handler(handler: Any) -> None:
    """A change too large for a cookie is an error that the application answers in its own words."""

    def change() -> None:
        quart.session["name"] = "Ada"
        quart.session["cart"] = NOISE

    app = sessions_app(change)

    @app.after_request
    async def mark(response: quart.Response) -> quart.Response:
        response.headers["X-Mark"] = "kept"
        return response

    @app.errorhandler(handler)
    async def too_large(error: SessionTooLarge) -> tuple[str, int, dict[str, str]]:
        return f"{error.section} is full", 507, {"X-Limit": str(error.size > 5_000)}

    response = await app.test_client().get("/")
    assert response.status_code == 507
    assert await response.get_data(as_text=True) == "cart is full"
    assert response.headers["X-Limit"] == "True"
    assert response.headers["X-Mark"] == "kept"
    assert response.content_length == len("cart is full")
    assert set_cookies(response) == {}
    assert response.headers["Vary"] == "Cookie"


async def test_too_large_without_a_handler() -> None:
    """An application without a handler answers 500, also where it was about to redirect."""
    app = sessions_app(lambda: None)

    @app.get("/go")
    async def go() -> Any:
        quart.session["cart"] = NOISE
        return quart.redirect("/elsewhere")

    response = await app.test_client().get("/go")
    assert response.status_code == 500
    assert "Location" not in response.headers
    assert set_cookies(response) == {}
