"""What the browser remembers of its cart."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.carts.section import LAST_REVISION, LONGEST, Copy, Remembered
from tests.support.offers import cart, offer

ids = st.uuids()
lines = st.lists(st.tuples(st.integers(1, 2**40), st.integers(1, 99)), max_size=120).map(tuple)
guests = st.builds(Copy, ids, st.integers(0, LAST_REVISION), lines)
accounts = st.builds(Copy, ids, st.integers(0, LAST_REVISION), lines, ids, ids)


@given(guests | accounts)
def test_copy_comes_back_as_it_went(copy: Copy) -> None:
    """What is written is read again, but for lines that a cookie has no room for."""
    again = Copy.read(copy.write())
    assert again
    fits = len(str([list(line) for line in copy.lines])) <= LONGEST
    assert again.lines == (copy.lines if fits else ())
    assert (again.cart_id, again.revision) == (copy.cart_id, copy.revision)
    assert (again.account_id, again.next_guest) == (copy.account_id, copy.next_guest)


@given(st.none() | guests | accounts, st.none() | accounts)
def test_section_fits_a_cookie(copy: Copy | None, left: Copy | None) -> None:
    """Whatever is remembered, the section stays small enough to be signed into a cookie."""
    assert len(str(Remembered(copy, left).write())) <= LONGEST + 400


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
    assert Remembered.read(section) == Remembered()
    assert Remembered.read({"left": section}) == Remembered()
    assert Remembered.read({"left": "text"}) == Remembered()


def test_first_look_gives_the_cart_its_id() -> None:
    """A browser without a cart gets an id for it, and keeps that until the cart is there."""
    looked = Remembered().after(cart(revision=0), None)
    assert looked.guest_cart
    assert looked.after(cart(revision=0), None).guest_cart == looked.guest_cart


def test_account_cart_is_no_guests() -> None:
    """The id of an account's cart is never used as a guest's, signed in or not."""
    account = UUID(int=7)
    seen = Remembered().after(cart((offer(), 1)), account)
    assert seen.guest_cart != cart().id
    assert seen.of(account)
    assert seen.of(None) is None
    left = seen.after_logout()
    assert left.guest_cart == seen.guest_cart
    assert left.of(account) is None
