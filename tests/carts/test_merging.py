"""How two carts join, whatever is in them."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.carts import Cart, Limits
from service.carts.merging import Strategy, merge
from service.carts.model import Line
from tests.support.offers import LIMITS, cart, carts, limits, offer

strategies: st.SearchStrategy[Strategy] = st.sampled_from(get_args(Strategy))


def same_offers(guest: Cart, account: Cart) -> Cart:
    """Return the guest's cart with the account's offers, as both were read at one moment."""
    known = {line.offer.sku: line.offer for line in account.lines}
    lines = (
        Line(known.get(line.offer.sku, line.offer), line.quantity, line.added_price)
        for line in guest.lines
    )
    return Cart(guest.id, guest.revision, tuple(lines))


@given(carts(), carts(), strategies, limits)
def test_receipt_tells_what_happened(
    guest: Cart, account: Cart, strategy: Strategy, limits: Limits
) -> None:
    """The receipt has the guest's lines and no others, with what was before and what is now."""
    guest = same_offers(guest, account)
    merged, receipt = merge(guest, account, strategy, limits)
    assert [line.sku for line in receipt] == [line.offer.sku for line in guest.lines]
    for line in receipt:
        before, now = account.line(line.sku), merged.line(line.sku)
        assert line.account_quantity == (before.quantity if before else 0)
        assert line.quantity == (now.quantity if now else 0)
        assert (line.outcome == "dropped") <= (line.quantity == 0)


@given(carts(), carts(), strategies, limits)
def test_nothing_else_changes(
    guest: Cart, account: Cart, strategy: Strategy, limits: Limits
) -> None:
    """The account's lines keep place and price, and what grows is sold, within limits and stock."""
    guest = same_offers(guest, account)
    merged, _ = merge(guest, account, strategy, limits)
    for before, after in zip(account.lines, merged.lines, strict=False):
        assert before.offer.sku == after.offer.sku
        assert before.added_price == after.added_price
        if guest.line(before.offer.sku) is None:
            assert before == after
    assert len(merged.lines) <= max(limits.lines, len(account.lines))
    for line in merged.lines:
        had = account.line(line.offer.sku)
        if line.quantity > (had.quantity if had else 0):
            assert line.offer.sold
            assert line.quantity <= limits.quantity
            assert line.offer.most is None or line.quantity <= line.offer.most


@given(carts(), carts(), limits)
def test_the_larger_quantity_wins(guest: Cart, account: Cart, limits: Limits) -> None:
    """With `max` no line of the account's gets smaller, and merging again changes nothing."""
    guest = same_offers(guest, account)
    merged, _ = merge(guest, account, "max", limits)
    for line in account.lines:
        now = merged.line(line.offer.sku)
        assert now
        assert now.quantity >= line.quantity
    again, _ = merge(guest, merged, "max", limits)
    assert again is merged


@given(carts(), strategies, limits)
def test_empty_carts(full: Cart, strategy: Strategy, limits: Limits) -> None:
    """An empty guest's cart leaves the account's the very same, without a receipt."""
    assert merge(Cart(), full, strategy, limits) == (full, ())


@pytest.mark.parametrize(
    ("guest_units", "account_units", "now", "strategy", "units", "outcome"),
    [
        (2, 5, {}, "max", 5, "kept_larger"),
        (5, 2, {}, "max", 5, "kept_larger"),
        (2, 5, {}, "sum", 7, "summed"),
        (2, 5, {}, "guest", 2, "kept_guest"),
        (5, 2, {}, "guest", 5, "kept_guest"),
        (2, 5, {}, "account", 5, "kept_account"),
        (2, 0, {}, "max", 2, "added"),
        (2, 0, {}, "account", 2, "added"),
        (60, 60, {}, "sum", 99, "capped"),
        (9, 0, {"stock": 3}, "max", 3, "capped"),
        (9, 5, {"stock": 3}, "max", 5, "capped"),
        (9, 5, {"stock": 3, "oversell": True}, "max", 9, "kept_larger"),
        (9, 0, {"stock": 0}, "max", 0, "dropped"),
        (9, 0, {"sold": False}, "max", 0, "dropped"),
        (9, 5, {"sold": False}, "max", 5, "capped"),
    ],
)
def test_one_line(
    guest_units: int,
    account_units: int,
    now: dict[str, Any],
    strategy: Strategy,
    units: int,
    outcome: str,
) -> None:
    """What becomes of a line that both carts have is decided by strategy, limit and stock."""
    thing = offer(**now)
    account = cart((thing, account_units)) if account_units else cart()
    merged, (line,) = merge(cart((thing, guest_units)), account, strategy, LIMITS)
    assert (merged.quantity, line.quantity, line.outcome) == (units, units, outcome)
    assert (line.guest_quantity, line.account_quantity) == (guest_units, account_units)


def test_no_room_for_another_line() -> None:
    """A guest's line that no longer fits is dropped, and the receipt says so."""
    account = cart((offer(1), 1), (offer(2), 1))
    merged, (first, second) = merge(
        cart((offer(3), 1), (offer(2), 4)), account, "max", Limits(99, 2)
    )
    assert (first.outcome, second.outcome) == ("dropped", "kept_larger")
    assert {line.offer.variant_id: line.quantity for line in merged.lines} == {1: 1, 2: 4}
