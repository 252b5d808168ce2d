"""How a session's content is written and read: as Flask does it, with less work."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.json.tag import TaggedJSONSerializer
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from quart_locker.sessions import cookies, values
from quart_locker.sessions.model import Section, Session
from service import clock
from service.sessions import SECTIONS
from service.settings import Settings
from tests.sessions.conftest import cookie_of

NAMES = st.text(string.ascii_letters + ' _é"\\', max_size=4) | st.sampled_from([" t", " di", " b"])
CONTENT = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    | st.binary(max_size=4)
    | st.uuids()
    | st.builds(Markup, st.just("<b>"))
    | st.just(datetime(2024, 2, 29, tzinfo=UTC)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(NAMES, inner, max_size=3)
    ),
)


@given(CONTENT)
def test_it_is_written_as_flask_writes(content: Any) -> None:
    """Whatever a session can hold is written letter by letter as Flask does, and comes back."""
    text = TaggedJSONSerializer().dumps(content)
    assert values.write(content) == text
    assert values.read(text) == content
    assert type(values.read(text)) is type(content)


@pytest.mark.parametrize("depth", [1, 30, 300])
def test_how_deep_it_is_is_no_matter_of_luck(depth: int) -> None:
    """What may be put in can be written, however deep it is."""
    content: list[Any] = []
    for _ in range(depth):
        content = [content]
    values.check("name", content)
    assert values.write(content) == "[" * (depth + 1) + "]" * (depth + 1)


@pytest.mark.parametrize(
    "text",
    [
        '{"id": "1", "lines": [[1, 2]], "_born": BORN}',
        '{"_born":BORN,"id":"1","lines":[[1,2]]}',
        '{"id":"\\u0031","lines":[[1,2]],"_born":BORN}',
        '{"id":"1","lines":[[1,2]]}',
    ],
    ids=["spaces", "its age first", "escapes", "no age"],
)
@pytest.mark.parametrize("name", ["session", "cart"])
def test_another_way_to_write_it_is_no_change(settings: Settings, name: str, text: str) -> None:
    """A section that another program wrote is not sent again before its content changes."""
    cookie = cookie_of(settings, name)
    born = int(clock.now().timestamp())
    opened = cookie.examine(cookie.sign_text(text.replace("BORN", str(born))))
    assert isinstance(opened, cookies.Opened)
    session = Session(lambda each: Section(opened if each == name else None), SECTIONS)
    lines = session["lines"] if name == "session" else session["cart"]["lines"]
    assert session.checked_changes() == {}
    lines.append([3, 4])
    assert list(session.checked_changes()) == [name]
    lines.pop()
    assert session.checked_changes() == {}


def test_a_section_is_read_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is looked at, and if nothing changes, a cookie is decoded a single time."""
    cookie = cookie_of(settings, "cart")
    value = cookie.sign({"id": "1"}, int(clock.now().timestamp()))
    decoded: list[str] = []

    def read(text: str) -> Any:
        decoded.append(text)
        return values.read(text)

    monkeypatch.setattr(cookies, "read", read)

    def open_cart(_: str) -> Section:
        opened = cookie.examine(value)
        assert isinstance(opened, cookies.Opened)
        return Section(opened)

    session = Session(open_cart, SECTIONS)
    assert decoded == []
    assert session.peek("cart") == session.peek("cart") == session["cart"] == {"id": "1"}
    assert not session.modified
    assert session.checked_changes() == {}
    assert len(decoded) == 1
