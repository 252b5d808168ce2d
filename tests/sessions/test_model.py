"""The session is a mapping like any other, whatever cookies it comes from."""

from __future__ import annotations

import json
from typing import Any

import pytest

from quart_locker import BASE, Session
from quart_locker.sessions.cookies import Opened
from quart_locker.sessions.model import Section
from service.sessions import SECTIONS


def session(**sections: dict[str, Any]) -> Session:
    """Return a session whose sections hold this."""

    def read(name: str) -> Section:
        content = sections.get(name)
        text = json.dumps(content)
        return Section(Opened(content, text, 0, 0, old_key=False) if content else None)

    return Session(read, SECTIONS)


def is_modified(session: Session) -> bool:
    return session.modified


def test_reads_across_sections() -> None:
    """Keys of all sections are there, with Flask's own mark of permanence."""
    found = session(session={"user_id": "ada", "_permanent": True}, cart={"id": 1})
    assert dict(found) == {"user_id": "ada", "_permanent": True, "cart": {"id": 1}}
    assert len(found) == 3
    assert "cart" in found
    assert "preferences" not in found
    assert found.permanent
    assert not found.new


@pytest.mark.parametrize("key", ["user_id", "cart", "preferences"])
def test_missing_key(key: str) -> None:
    """A key that isn't there is a KeyError, to read and to delete."""
    empty = session()
    with pytest.raises(KeyError):
        empty[key]
    with pytest.raises(KeyError):
        del empty[key]
    assert empty.get(key) is None
    assert empty.pop(key, 42) == 42


@pytest.mark.parametrize("key", ["cart", "preferences", "basket"])
def test_set_and_delete(key: str) -> None:
    """What was set is there until it is deleted; setting it back is no change."""
    inner: dict[str, Any] = {"a": 1}
    changed = session(session={key: inner}) if key == "basket" else session(**{key: inner})
    assert changed[key] == {"a": 1}
    changed[key] = {"a": 2}
    assert changed[key] == {"a": 2}
    assert is_modified(changed)
    changed[key] = {"a": 1}
    assert not is_modified(changed)
    del changed[key]
    assert key not in changed
    assert is_modified(changed)


def test_sections_are_read_on_first_use_only() -> None:
    """Each section is read once, when it is first asked for, and not before."""
    read = []

    def note(name: str) -> Section:
        read.append(name)
        return Section(None)

    lazy = Session(note, SECTIONS)
    assert (lazy.touched, read) == (False, [])
    lazy.get("cart")
    lazy.get("cart")
    assert (lazy.touched, read) == (True, ["cart"])


def test_clear_empties_every_section() -> None:
    """`clear` leaves nothing, in no section."""
    full = session(**{name: {"key": "value"} for name in (BASE, *SECTIONS)})
    full.permanent = True
    full.clear()
    assert dict(full) == {}
    assert not full.permanent
    assert all(full.changed(name) for name in full.sections)


def test_repr_says_nothing() -> None:
    """A session that ends in a log gives nothing of the shopper away."""
    full = session(session={"user_id": "ada"}, cart={"id": 1})
    assert full["user_id"] == "ada"
    assert repr(full) == "<Session session>"
