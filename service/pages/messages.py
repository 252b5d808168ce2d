"""Messages for the next page, in a section of the session that lasts until they are shown."""

from __future__ import annotations

from typing import Any, Literal

from quart import session

Kind = Literal["done", "problem"]

LONGEST = 200
MOST = 5
RECEIPT_LENGTH = 1_800
"""Characters a receipt may take of the section's cookie."""


def flash(text: str, kind: Kind = "done") -> None:
    """Show a short text on the next page."""
    section = session.get("flash", {})
    session["flash"] = {
        **section,
        "messages": [*section.get("messages", []), [kind, text[:LONGEST]]][-MOST:],
    }


def take_messages() -> list[tuple[str, str]]:
    """Return the messages, which are not shown again."""
    section = session.get("flash", {})
    messages = section.pop("messages", [])
    return [(str(kind), str(text)) for kind, text in messages]


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
