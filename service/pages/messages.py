"""Messages for the next page, in a section of the session that lasts until they are shown."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import msgspec

from service.sessions import fits, read_as, read_section, write_section

MessageKind = Literal["done", "problem"]

LONGEST = 200
MOST = 5
RECEIPT_LENGTH = 1_800
"""Characters a receipt may take of the section's cookie."""


class Remedy(msgspec.Struct, frozen=True, array_like=True):
    """A button that comes with a message, such as the one that takes it back: a form to send."""

    label: str
    action: str
    fields: dict[str, str | int]


class Message(msgspec.Struct, frozen=True, array_like=True):
    """What happened. ``place`` is the id of the part of the page it is about, "" for its top."""

    kind: MessageKind
    text: str
    place: str = ""
    remedy: Remedy | None = None


class Receipt(msgspec.Struct, frozen=True):
    """What became of the lines of a guest's cart, and how many more lines there were.

    A line is its sku, the units of the guest's, those of the account's, those now, and the
    outcome.
    """

    lines: list[tuple[str, int, int, int, str]]
    more: int


class FlashSection(msgspec.Struct):
    messages: list[Message] = []
    receipt: Receipt | None = None


def _read() -> FlashSection:
    return read_as(read_section("flash"), FlashSection) or FlashSection()


def keep_until_shown(name: str, content: object) -> bool:
    """Keep this for the next page; returns whether it goes into the section's cookie.

    What was kept before gives way where both don't fit, but for a secret, which is shown once.
    """
    others = read_section("flash")
    secrets = {key: kept for key, kept in others.items() if key == "secret"}
    for kept in ({**others, name: content}, {**secrets, name: content}):
        if fits("flash", kept):
            write_section("flash", kept)
            return True
    return False


def _drop(name: str) -> None:
    section = read_section("flash")
    if name in section:
        write_section("flash", {key: kept for key, kept in section.items() if key != name})


def flash(
    text: str, kind: MessageKind = "done", *, place: str = "", remedy: Remedy | None = None
) -> None:
    """Show a short text on the next page, where that has this place; else at its top."""
    messages = [*_read().messages, Message(kind, text[:LONGEST], place, remedy)][-MOST:]
    while messages and not keep_until_shown("messages", msgspec.to_builtins(messages)):
        messages.pop(0)


def take_messages(places: Collection[str] = ()) -> dict[str, list[Message]]:
    """Return the messages by place, which are not shown again."""
    taken: dict[str, list[Message]] = {}
    for message in _read().messages:
        place = message.place if message.place in places else ""
        taken.setdefault(place, []).append(message)
    _drop("messages")
    return taken


def keep_receipt(lines: list[tuple[str, int, int, int, str]]) -> None:
    """Keep a receipt for the next page that asks, as many of its lines as a cookie holds."""
    kept = list(lines)
    while len(str(kept)) > RECEIPT_LENGTH:
        kept.pop()
    while not keep_until_shown(
        "receipt", msgspec.to_builtins(Receipt(kept, len(lines) - len(kept)))
    ):
        kept.pop()


def take_receipt() -> Receipt | None:
    """Return the receipt, which is not shown again."""
    receipt = _read().receipt
    _drop("receipt")
    return receipt


def keep_secret(text: str) -> None:
    """Keep a text for the next page that asks, which alone will show it."""
    keep_until_shown("secret", text)


def take_secret() -> str:
    """Return the text, "" for none; it is not shown again."""
    secret = str(read_section("flash").get("secret", ""))
    _drop("secret")
    return secret
