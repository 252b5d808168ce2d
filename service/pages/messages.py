"""Messages for the next page, in a section of the session that lasts until they are shown."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Literal

from quart import session

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Kind = Literal["done", "problem"]

LONGEST = 200
MOST = 5
RECEIPT_LENGTH = 1_800
"""Characters a receipt may take of the section's cookie."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """A button that comes with a message, such as the one that takes it back: a form to send."""

    label: str
    action: str
    fields: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Message:
    """What happened. ``place`` is the id of the part of the page it is about, "" for its top."""

    kind: Kind
    text: str
    place: str = ""
    remedy: Remedy | None = None


def flash(text: str, kind: Kind = "done", *, place: str = "", remedy: Remedy | None = None) -> None:
    """Show a short text on the next page, where that has this place; else at its top."""
    section = session.get("flash", {})
    message = [kind, text[:LONGEST], place, remedy and list(astuple(remedy))]
    session["flash"] = {
        **section,
        "messages": [*section.get("messages", []), message][-MOST:],
    }


def take_messages(places: Collection[str] = ()) -> dict[str, list[Message]]:
    """Return the messages by place, which are not shown again."""
    section = session.get("flash", {})
    taken: dict[str, list[Message]] = {}
    for kind, text, *more in section.pop("messages", []):
        place, remedy = (*more, "", None)[:2]
        place = place if place in places else ""
        message = Message(kind, text, place, Remedy(*remedy) if remedy else None)
        taken.setdefault(place, []).append(message)
    return taken


def keep_receipt(lines: list[list[Any]]) -> None:
    """Keep a receipt for the next page that asks, as many of its lines as a cookie holds."""
    kept = list(lines)
    while len(str(kept)) > RECEIPT_LENGTH:
        kept.pop()
    receipt = {"lines": kept, "more": len(lines) - len(kept)}
    session["flash"] = {**session.get("flash", {}), "receipt": receipt}


def take_receipt() -> dict[str, Any] | None:
    """Return the receipt, which is not shown again."""
    section = session.get("flash", {})
    receipt: dict[str, Any] | None = section.pop("receipt", None)
    return receipt


def keep_secret(text: str) -> None:
    """Keep a text for the next page that asks, which alone will show it."""
    session["flash"] = {**session.get("flash", {}), "secret": text}


def take_secret() -> str:
    """Return the text, "" for none; it is not shown again."""
    return str(session.get("flash", {}).pop("secret", ""))
