"""What the browser remembers of its cart."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.carts.cookie import LAST_REVISION, LONGEST, CartCookie, Snapshot
from service.carts.model import CopiedLine, line_id, read_metadata
from tests.support.offers import cart, offer

ids = st.uuids()
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
metadata = st.dictionaries(texts, texts, max_size=3).map(read_metadata)
lines = st.lists(
    st.builds(
        CopiedLine, st.integers(1, 2**40), st.integers(1, 99), st.just(()) | metadata, st.just("")
    ),
    max_size=120,
).map(tuple)
guests = st.builds(Snapshot, ids, st.integers(0, LAST_REVISION), lines)
accounts = st.builds(Snapshot, ids, st.integers(0, LAST_REVISION), lines, ids, ids)


@given(guests | accounts)
def test_copy_comes_back_as_it_went(snapshot: Snapshot) -> None:
    """What is written is read again, but for what a cookie has no room for.

    That is the metadata, of which ids remain, and then the lines.
    """
    again = Snapshot.read(snapshot.write())
    assert again
    ids = tuple(
        CopiedLine(line.variant_id, line.quantity, (), line_id(line.variant_id, line.metadata))
        if line.metadata
        else line
        for line in snapshot.lines
    )
    assert again.lines in {snapshot.lines, ids, ()}
    if len(json.dumps(snapshot.lines)) <= LONGEST:
        assert again.lines == snapshot.lines
    assert (again.cart_id, again.revision) == (snapshot.cart_id, snapshot.revision)
    assert (again.account_id, again.next_guest_cart_id) == (
        snapshot.account_id,
        snapshot.next_guest_cart_id,
    )


@given(st.none() | guests | accounts, st.none() | accounts)
def test_section_fits_a_cookie(snapshot: Snapshot | None, previous: Snapshot | None) -> None:
    """Whatever is cookie, the section stays small enough to be signed into a cookie."""
    assert len(str(CartCookie(snapshot, previous).write())) <= LONGEST + 400


@pytest.mark.parametrize(
    "section",
    [
        {},
        {"id": "x"},
        {"id": 1, "revision": 1},
        {"id": "0" * 32},
        {"id": "0" * 32, "revision": "x"},
        {"id": "0" * 32, "revision": None},
        {"id": "0" * 32, "revision": 1, "lines": 1},
        {"id": "0" * 32, "revision": 1, "lines": [1]},
        {"id": "0" * 32, "revision": 1, "lines": [[1]]},
        {"id": "0" * 32, "revision": 1, "lines": [["a", "b"]]},
        {"id": "0" * 32, "revision": 1, "account": "x"},
        {"id": "0" * 32, "revision": 1, "account": ["x"]},
        {"quantity": 3},
    ],
)
def test_anything_else_is_nothing(section: dict[str, Any]) -> None:
    """A section that another program wrote is nothing remembered, not an error."""
    assert CartCookie.read(section) == CartCookie()
    assert CartCookie.read({"left": section}) == CartCookie()
    assert CartCookie.read({"left": "text"}) == CartCookie()


def test_first_look_gives_the_cart_its_id() -> None:
    """A browser without a cart gets an id for it, and keeps that until the cart is there."""
    looked = CartCookie().updated(cart(revision=0), None)
    assert looked.guest_cart_id
    assert looked.updated(cart(revision=0), None).guest_cart_id == looked.guest_cart_id


def test_account_cart_is_no_guests() -> None:
    """The id of an account's cart is never used as a guest's, signed in or not."""
    account = UUID(int=7)
    seen = CartCookie().updated(cart((offer(), 1)), account)
    assert seen.guest_cart_id != cart().id
    assert seen.snapshot_of(account)
    assert seen.snapshot_of(None) is None
    logged_out = seen.after_logout()
    assert logged_out.guest_cart_id == seen.guest_cart_id
    assert logged_out.snapshot_of(account) is None
