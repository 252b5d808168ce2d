"""Where a page of a list begins, as an opaque text for the client to send back."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from service.errors import InvalidCursor

from .model import Selection, Sort

OTHER_LIST = "Send the `next` of the page before, with the parameters it had."

LONGEST = 512
"""Characters; what a title is sorted by is bounded for this."""


_Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_decoder = msgspec.json.Decoder(
    tuple[Sort, _Integer | Annotated[str, Meta(pattern=r"^[^\x00]*$")], _Integer, bool]
)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: what it is sorted by, and its id where others have the same.

    ``back`` is whether the page before it is meant instead, which ends in front of this row.
    """

    sort: Sort
    key: int | str
    id: int
    back: bool = False


def encode_cursor(cursor: Cursor, selection: Selection) -> str:
    """Return the cursor as a text, for the list of these products alone."""
    text = msgspec.json.encode([cursor.sort, cursor.key, cursor.id, cursor.back])
    # The checksum guards against mistakes, not against people: any row is as good as another.
    of_list = binascii.crc32(msgspec.json.encode(selection))
    whole = text + binascii.crc32(text, of_list).to_bytes(4)
    return base64.urlsafe_b64encode(whole).decode().rstrip("=")


def link_pages(
    keys: Sequence[tuple[int | str, int]],
    selection: Selection,
    sort: Sort,
    cursor: Cursor | None,
    *,
    more: bool,
) -> tuple[str | None, str | None]:
    """Return the cursors of the next page and of the one before; None where there is none.

    ``keys`` are what a page's rows are sorted by, and their ids. ``more`` is whether there are
    others beyond, in the direction in which ``cursor`` went.
    """
    if not keys:
        return None, None
    back = cursor is not None and cursor.back
    beyond, before = (True, more) if back else (more, cursor is not None)
    following = encode_cursor(Cursor(sort, *keys[-1]), selection) if beyond else None
    previous = encode_cursor(Cursor(sort, *keys[0], back=True), selection) if before else None
    return following, previous


def decode_cursor(text: str, selection: Selection, sort: Sort) -> Cursor:
    """Return the cursor that `encode_cursor` was given; raises `InvalidCursor`.

    One of other products, or of another order, is none of this list's.
    """
    try:
        whole = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        cursor = Cursor(*_decoder.decode(whole[:-4]))
        same = encode_cursor(cursor, selection) == text
    except (ValueError, msgspec.MsgspecError):
        raise InvalidCursor(OTHER_LIST) from None
    if not same or cursor.sort != sort or isinstance(cursor.key, str) != (sort == "title"):
        raise InvalidCursor(OTHER_LIST)
    return cursor
