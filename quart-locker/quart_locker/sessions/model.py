"""The session as code sees it: one dictionary, kept in sections.

The names that an application declares, such as ``session["cart"]``, are sections with a cookie of
their own; every other key lives in the base section. A section is read when it is first asked for
and saved when its content changed, so two responses that changed different sections can't undo
each other. Nested changes count: content is compared, not flagged. It is compared as it would be
written, with what came in the cookie; only where these differ that is looked at once more.
"""

from __future__ import annotations

import copy
from _collections_abc import dict_items, dict_keys, dict_values
from collections.abc import Callable, Collection, Iterator
from typing import Any, Self

from quart.sessions import SessionMixin

from .cookies import BORN, Opened
from .values import check, read, write

BASE = "session"
"""The section of every key that has none of its own."""

PERMANENT = "_permanent"
"""Flask's own key for "remember me"; it lives in the base section."""

VALUE = "_value"
"""Where a section's cookie keeps what is no dictionary, or one that has this key itself."""


class Section:
    """A section that this request has asked for: what its cookie held."""

    __slots__ = ("before", "born", "hidden", "opened")

    def __init__(self, opened: Opened | None) -> None:
        self.opened = opened
        self.born = opened.born if opened else None
        """When it was first made, in seconds since 1970; None for now."""
        self.before = opened.text if opened else None
        """What it was when it came: as written, with its age. None: there was nothing."""
        # What another application keeps in the base section under the name of one of ours.
        self.hidden: dict[str, Any] = {}


def pack(value: Any) -> dict[str, Any]:
    """Return a section's value as its cookie holds it."""
    plain = isinstance(value, dict) and not {VALUE, BORN} & value.keys()
    return value if plain else {VALUE: value}


def unpack(content: dict[str, Any]) -> Any:
    return content.get(VALUE, content)


class Session(dict[str, Any], SessionMixin):
    """Quart's ``session``: a `dict` that is read, section by section, when asked.

    ``read`` opens a section of ``names``; it is called once for each. A ``detached`` session
    lasts for the request and is not kept. What no cookie brings back as it is put in is a
    `TypeError`: at once, or, inside a value that is changed later, when the session is saved.
    """

    accessed = False

    def __init__(
        self,
        read: Callable[[str], Section],
        names: Collection[str] = (),
        *,
        detached: bool = False,
    ) -> None:
        super().__init__()
        self._read = read
        self._names = names
        self.detached = detached
        self.discarded = False
        self.sections: dict[str, Section] = {}
        self._found: dict[str, Section] = {}
        self._new: bool | None = None

    def _open_home(self, key: object) -> None:
        """See to it that the section of this key is open."""
        name = key if isinstance(key, str) and key in self._names else BASE
        if name not in self.sections:
            self._open(name)

    def _open(self, name: str) -> Section:
        section = self.sections.get(name)
        if section is None:
            section = self.sections[name] = self._find(name)
            if section.opened is not None:
                self._fill(name, section, section.opened.content)
            self.accessed = True
        return section

    def _find(self, name: str) -> Section:
        section = self._found.get(name)
        if section is None:
            section = self._found[name] = self._read(name)
        return section

    def _fill(self, name: str, section: Section, content: dict[str, Any]) -> None:
        if name != BASE:
            super().__setitem__(name, unpack(content))
            return
        for key, value in content.items():
            if key in self._names:
                section.hidden[key] = value
            else:
                super().__setitem__(key, value)

    def _open_all(self) -> None:
        for name in (BASE, *self._names):
            if name not in self.sections:
                self._open(name)

    def content(self, name: str) -> Any:
        """Return what an open section holds; the base section is always a dictionary."""
        if name != BASE:
            return super().get(name)
        own = dict(super().items())
        for section in self._names:
            own.pop(section, None)
        return {**self.sections[BASE].hidden, **own}

    def holds(self, name: str) -> bool:
        """Return whether an open section holds anything, be it empty or None."""
        return bool(self.content(BASE)) if name == BASE else super().__contains__(name)

    def text(self, name: str) -> str | None:
        """Return an open section as its cookie has it, with the age that came; None for nothing.

        Raises `TypeError`, `ValueError` or `RecursionError` for what can't be written.
        """
        return self._write(name, self.content(name)) if self.holds(name) else None

    def _write(self, name: str, content: Any) -> str:
        opened = self.sections[name].opened
        whole = content if name == BASE else pack(content)
        return write({**whole, BORN: opened.born if opened else 0})

    def changed(self, name: str) -> bool:
        """Return whether an open section holds something else than its cookie."""
        try:
            return self._differs(name, self.text(name))
        except (TypeError, ValueError, RecursionError):
            # What can't be written wasn't read.
            return True

    def _differs(self, name: str, text: str | None) -> bool:
        section = self.sections[name]
        if text == section.before:
            return False
        if section.opened is None or section.before is not section.opened.text:
            return True
        # Another program may have written the same otherwise.
        return text != self._rewritten(name, section.opened)

    def _rewritten(self, name: str, opened: Opened) -> str | None:
        """Return what a section's cookie holds as we would write it."""
        content = read(opened.text)
        content.pop(BORN, None)
        if name != BASE:
            return self._write(name, unpack(content))
        hidden = {key: value for key, value in content.items() if key in self._names}
        return self._write(name, {**hidden, **content}) if content else None

    def checked_changes(self) -> dict[str, str | None]:
        """Return the open sections that changed, each as `text` has it.

        Raises `TypeError` for what was put, later, inside what the session holds.
        """
        changes = {}
        for name in self.sections:
            try:
                text = self.text(name)
            except (TypeError, ValueError, RecursionError):
                self._check(name)
                raise
            if self._differs(name, text):
                self._check(name)
                changes[name] = text
        return changes

    def _check(self, name: str) -> None:
        content = self.content(name)
        for key, value in content.items() if name == BASE else [(name, content)]:
            # All else is as it was when it was put there, and checked.
            if isinstance(value, dict | list | tuple):
                check(key, value)

    def discard(self) -> None:
        """Forget what this request did: nothing of it will be sent."""
        self.discarded = True

    @property
    def touched(self) -> bool:
        """Whether anything asked for its content; ``accessed`` also counts Quart's own look."""
        return bool(self.sections)

    @property
    def blank(self) -> bool:
        """Whether the browser sent no section, and none has come to be."""
        self._open_all()
        if super().__len__():
            return False
        return all(section.opened is None for section in self.sections.values())

    # SessionMixin has plain attributes here; ours follow from the content.
    @property
    def modified(self) -> bool:
        """Whether the content changed.

        True, as Flask wants it set, changes nothing: what changed is sent in any case. False
        takes the content of now as unchanged.
        """
        return any(self.changed(name) for name in self.sections)

    @modified.setter
    def modified(self, value: bool) -> None:
        if not value:
            for name, section in self.sections.items():
                section.before = self.text(name)

    @property
    def new(self) -> bool:
        """Whether the browser sent no valid base section."""
        return self._open(BASE).opened is None if self._new is None else self._new

    @new.setter
    def new(self, value: bool) -> None:
        self._new = value

    @property
    def permanent(self) -> bool:
        """Whether the base cookie outlives the browser ("remember me")."""
        return bool(self.get(PERMANENT, False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        if value:
            self[PERMANENT] = True
        else:
            self.pop(PERMANENT, None)

    def signed_at(self, name: str) -> int | None:
        """Return when the cookie that came for a section was signed, in seconds since 1970."""
        opened = self._open(name).opened
        return opened.signed if opened else None

    def peek(self, name: str) -> Any:
        """Return a section's content; unlike all else, this leaves the answer cacheable."""
        if name in self.sections:
            return super().get(name)
        opened = self._find(name).opened
        return unpack(opened.content) if opened else None

    def renew(self) -> None:
        """Let the base section's lifetime start again, as a new login's should."""
        self._open(BASE).born = None

    def __getitem__(self, key: str) -> Any:
        self._open_home(key)
        return super().__getitem__(key)

    def __setitem__(self, key: str, value: Any) -> None:
        if key == BORN:
            raise TypeError(f"session[{key!r}] is where a cookie keeps its own age.")
        check(key, value)
        self._open_home(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self._open_home(key)
        super().__delitem__(key)

    def __contains__(self, key: object) -> bool:
        self._open_home(key)
        return super().__contains__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._open_home(key)
        return super().get(key, default)

    def pop(self, key: str, *default: Any) -> Any:
        self._open_home(key)
        return super().pop(key, *default)

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def clear(self) -> None:
        self._open_all()
        self._open(BASE).hidden.clear()
        super().clear()

    def popitem(self) -> tuple[str, Any]:
        self._open_all()
        return super().popitem()

    def keys(self) -> dict_keys[str, Any]:
        self._open_all()
        return super().keys()

    def values(self) -> dict_values[str, Any]:
        self._open_all()
        return super().values()

    def items(self) -> dict_items[str, Any]:
        self._open_all()
        return super().items()

    def copy(self) -> dict[str, Any]:
        self._open_all()
        return super().copy()

    fromkeys = staticmethod(dict.fromkeys)  # type: ignore[assignment]

    def __copy__(self) -> dict[str, Any]:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return copy.deepcopy(self.copy(), memo)

    def __iter__(self) -> Iterator[str]:
        self._open_all()
        return super().__iter__()

    def __reversed__(self) -> Iterator[str]:
        self._open_all()
        return super().__reversed__()

    def __len__(self) -> int:
        self._open_all()
        return super().__len__()

    def __eq__(self, other: object) -> bool:
        self._open_all()
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        self._open_all()
        return super().__ne__(other)

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: Any) -> Any:
        self._open_all()
        return super().__or__(other)

    def __ror__(self, other: Any) -> Any:
        self._open_all()
        return super().__ror__(other)

    def __ior__(self, other: Any) -> Self:  # type: ignore[override]
        self.update(other)
        return self

    def __repr__(self) -> str:
        # A repr may end in a log; the content is the shopper's own.
        return f"<Session {', '.join(sorted(self.sections)) or 'untouched'}>"
