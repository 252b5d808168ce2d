"""The session as code sees it: one mapping, kept in sections.

``session["cart"]``, ``session["preferences"]``, ``session["flash"]`` (the pages' messages) and
``session["device"]`` (where one logged in before) are sections with a cookie of their own; every
other key lives in the base section. A section is read when it is first asked for and saved when
its content changed, so two responses that changed different sections can't undo each other.
Nested changes count: content is compared, not flagged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from quart.sessions import SessionMixin

from service import clock

from .cookies import Opened, canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")

BASE = "session"
SECTIONS = ("cart", "preferences", "flash", "device")
PERMANENT = "_permanent"
"""Flask's own key for "remember me"; it lives in the base section."""


class Section:
    """A section that this request has asked for."""

    __slots__ = ("_before", "born", "content", "opened")

    def __init__(self, opened: Opened | None, now: int) -> None:
        self.opened = opened
        self.content: dict[str, Any] = opened.content if opened else {}
        self.born = opened.born if opened else now
        self._before = canonical(self.content)

    @property
    def changed(self) -> bool:
        return canonical(self.content) != self._before


def read_as(content: Mapping[str, Any], kind: type[T]) -> T | None:
    """Return what a section holds as this type, or None where it holds something else.

    Signed doesn't mean valid: an older version wrote it, or another application that has the key.
    """
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError:
        return None


class Session(SessionMixin):
    """Quart's ``session``. ``read`` opens a section; it is called once for each.

    A ``detached`` one lasts for the request and is not kept.
    """

    def __init__(self, read: Callable[[str], Section], *, detached: bool = False) -> None:
        self._read = read
        self.detached = detached
        self.sections: dict[str, Section] = {}

    def _section(self, name: str) -> Section:
        if name not in self.sections:
            self.sections[name] = self._read(name)
        return self.sections[name]

    def _base(self) -> dict[str, Any]:
        return self._section(BASE).content

    @property
    def touched(self) -> bool:
        """Whether anything asked for its content; ``accessed`` also counts Quart's own look."""
        return bool(self.sections)

    @property
    def blank(self) -> bool:
        """Whether the browser sent no section, and none has come to be."""
        sections = [self._section(name) for name in (BASE, *SECTIONS)]
        return not any(each.opened or each.content for each in sections)

    # SessionMixin has plain attributes here; ours follow from the content.
    @property
    def modified(self) -> bool:  # type: ignore[override]
        return any(section.changed for section in self.sections.values())

    @property
    def new(self) -> bool:  # type: ignore[override]
        """Whether the browser sent no valid base section."""
        return self._section(BASE).opened is None

    @property
    def permanent(self) -> bool:
        """Whether the base cookie outlives the browser ("remember me")."""
        return bool(self._base().get(PERMANENT, False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        if value:
            self._base()[PERMANENT] = True
        else:
            self._base().pop(PERMANENT, None)

    def peek(self, name: str) -> dict[str, Any]:
        """Return a section's content; unlike all else, this leaves the answer cacheable."""
        return (self.sections.get(name) or self._read(name)).content

    def renew(self) -> None:
        """Let the base section's lifetime start again, as a new login's should."""
        self._section(BASE).born = int(clock.now().timestamp())

    def __getitem__(self, key: str) -> Any:
        if key not in SECTIONS:
            return self._base()[key]
        content = self._section(key).content
        if not content:
            raise KeyError(key)
        return content

    def __setitem__(self, key: str, value: Any) -> None:
        if key not in SECTIONS:
            self._base()[key] = value
        else:
            self._section(key).content = dict(value)

    def __delitem__(self, key: str) -> None:
        if key not in SECTIONS:
            del self._base()[key]
        elif not self._section(key).content:
            raise KeyError(key)
        else:
            self._section(key).content = {}

    def __iter__(self) -> Iterator[str]:
        yield from (key for key in self._base() if key != PERMANENT)
        yield from (name for name in SECTIONS if self._section(name).content)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        # A repr may end in a log; the content is the shopper's own.
        return f"<Session {', '.join(sorted(self.sections)) or 'untouched'}>"
