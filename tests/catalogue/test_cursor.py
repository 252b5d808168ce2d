"""Where a page of a list begins."""

from __future__ import annotations

import base64
import binascii

import pytest

from service.catalogue.cursor import (
    LONGEST,
    Cursor,
    InvalidCursor,
    decode_cursor,
    encode_cursor,
)
from service.catalogue.model import Sort

CURSORS = [
    Cursor("newest", 0, 1),
    Cursor("newest", 0, 2**63 - 1),
    Cursor("relevance", 2**31, 7, back=True),
    Cursor("price", 0, 1),
    Cursor("-price", 10**11, 1),
    Cursor("title", "", 1),
    Cursor("title", "\U0001f3fa" * 64, 2**63 - 1, back=True),
]


def forged(text: str) -> str:
    """Return this text in the form of a cursor, checksum included."""
    raw = text.encode("utf-8", "surrogatepass")
    return base64.urlsafe_b64encode(raw + binascii.crc32(raw).to_bytes(4)).decode().rstrip("=")


@pytest.mark.parametrize("cursor", CURSORS)
def test_cursor(cursor: Cursor) -> None:
    """A cursor says where the page before ended, and fits the contract's limit."""
    text = encode_cursor(cursor)
    assert decode_cursor(text, cursor.sort) == cursor
    assert len(text) <= LONGEST


def test_tampered_cursor() -> None:
    """A cursor with any of its characters changed, missing or added is refused."""
    cursor = encode_cursor(Cursor("newest", 0, 42))
    others = [cursor[:at] + "x" + cursor[at + 1 :] for at in range(len(cursor))]
    others += [cursor[:length] for length in range(len(cursor))]
    others += [f"{cursor}A", f"{cursor}====", f" {cursor}", f"{cursor}\n", "x" * 64, "ö" * 16]
    others += ["42", base64.urlsafe_b64encode(b"42").decode()]
    for other in others:
        with pytest.raises(InvalidCursor):
            decode_cursor(other, "newest")


@pytest.mark.parametrize(
    ("text", "sort"),
    [
        ('["newest",0,9223372036854775808,false]', "newest"),
        ('["price",99999999999999999999,1,false]', "price"),
        ('["price","a",1,false]', "price"),
        ('["price",1.5,1,false]', "price"),
        ('["price",null,1,false]', "price"),
        ('["title",1,1,false]', "title"),
        ('["title","\\u0000",1,false]', "title"),
        ('["title","\\ud800",1,false]', "title"),
        ('["title","\ud800",1,false]', "title"),
        ('["price",1,1,0]', "price"),
        ('["price", 1,1,false]', "price"),
        ('["other",1,1,false]', "price"),
        ('["price",1,1,false]', "-price"),
        ('["newest",0,1,false]', "relevance"),
        ("[]", "newest"),
        ("{}", "newest"),
        ("[" * 100, "newest"),
        ("", "newest"),
    ],
)
def test_forged_cursor(text: str, sort: Sort) -> None:
    """One that is made up, or of a list in another order, is refused, whatever its checksum."""
    with pytest.raises(InvalidCursor):
        decode_cursor(forged(text), sort)
