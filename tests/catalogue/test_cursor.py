"""Where a page of a list begins."""

from __future__ import annotations

import base64
import binascii

import msgspec
import pytest

from service.catalogue.cursor import (
    LONGEST,
    Cursor,
    decode_cursor,
    encode_cursor,
)
from service.catalogue.model import EVERYTHING, Selection, Sort
from service.errors import InvalidCursor

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
    """Return this text in the form of a cursor of all products, checksum included."""
    raw = text.encode("utf-8", "surrogatepass")
    checksum = binascii.crc32(raw, binascii.crc32(msgspec.json.encode(EVERYTHING)))
    return base64.urlsafe_b64encode(raw + checksum.to_bytes(4)).decode().rstrip("=")


def test_forgery() -> None:
    """A cursor made up by these tests is of the form that is given out."""
    assert forged('["price",5,1,false]') == encode_cursor(Cursor("price", 5, 1), EVERYTHING)


@pytest.mark.parametrize("cursor", CURSORS)
def test_cursor(cursor: Cursor) -> None:
    """A cursor says where the page before ended, and fits the contract's limit."""
    text = encode_cursor(cursor, EVERYTHING)
    assert decode_cursor(text, EVERYTHING, cursor.sort) == cursor
    assert len(text) <= LONGEST


def test_tampered_cursor() -> None:
    """A cursor with any of its characters changed, missing or added is refused."""
    cursor = encode_cursor(Cursor("newest", 0, 42), EVERYTHING)
    others = [cursor[:at] + "x" + cursor[at + 1 :] for at in range(len(cursor))]
    others += [cursor[:length] for length in range(len(cursor))]
    others += [f"{cursor}A", f"{cursor}====", f" {cursor}", f"{cursor}\n", "x" * 64, "ö" * 16]
    others += ["42", base64.urlsafe_b64encode(b"42").decode()]
    for other in others:
        with pytest.raises(InvalidCursor):
            decode_cursor(other, EVERYTHING, "newest")


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
        decode_cursor(forged(text), EVERYTHING, sort)


@pytest.mark.parametrize(
    "other",
    [
        EVERYTHING,
        Selection(text="tents"),
        Selection(text="tent", type="Tents"),
        Selection(text="tent", vendor="Northfell"),
        Selection(text="tent", tag="camping"),
        Selection(text="tent", min_price=1),
        Selection(text="tent", max_price=1),
        Selection(text="tent", available=True),
        Selection(type="tent"),
    ],
)
def test_cursor_of_another_query(other: Selection) -> None:
    """A cursor is good for the products that it was given out for, and for no others."""
    cursor = Cursor("price", 500, 1)
    text = encode_cursor(cursor, Selection(text="tent"))
    assert decode_cursor(text, Selection(text="tent"), "price") == cursor
    with pytest.raises(InvalidCursor):
        decode_cursor(text, other, "price")
