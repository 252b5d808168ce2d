"""The rules of a cart."""

from __future__ import annotations

from collections.abc import Callable
from itertools import starmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.carts import Cart, Limits, model
from service.carts.model import (
    CopiedLine,
    InsufficientStock,
    LineLimit,
    Offer,
    QuantityLimit,
    UnknownSku,
)
from service.errors import LockerError
from tests.support.offers import LIMITS, cart, carts, limits, offer, offers

units = st.integers(1, 30)


def outcome(rule: Callable[[], Cart]) -> Cart | type[LockerError]:
    """Return the cart, or which error the rule raised."""
    try:
        return rule()
    except LockerError as error:
        return type(error)


def quantities(cart: Cart) -> dict[str, int]:
    return {line.offer.sku: line.quantity for line in cart.lines}


@given(carts(), offers, units, limits)
def test_add_changes_one_line_or_nothing(
    before: Cart, offer: Offer, units: int, limits: Limits
) -> None:
    """Either the offer's line has that many units more and all else is as it was, or it raises."""
    after = outcome(lambda: model.add(before, offer, units, limits))
    if isinstance(after, Cart):
        had = quantities(before)
        assert quantities(after) == {**had, offer.sku: had.get(offer.sku, 0) + units}
        assert [line.offer.sku for line in after.lines][: len(before.lines)] == list(had)
        assert (after.id, after.revision) == (before.id, before.revision)


@given(carts(), offers, units, limits)
def test_add_keeps_limits_and_stock(before: Cart, offer: Offer, units: int, limits: Limits) -> None:
    """What an add puts into a cart fits the limits and the stock, and is sold."""
    after = outcome(lambda: model.add(before, offer, units, limits))
    if isinstance(after, Cart):
        line = after.line(offer.sku)
        assert line
        assert offer.sold
        assert line.quantity <= limits.quantity
        assert offer.oversell or offer.stock is None or line.quantity <= offer.stock
        assert len(after.lines) <= max(limits.lines, len(before.lines))


@given(carts(), offers, units, units, limits)
def test_add_twice_is_add_the_sum(
    before: Cart, offer: Offer, first: int, second: int, limits: Limits
) -> None:
    """Two adds have the effect of one with the sum: none counts twice, and none is lost."""
    once = outcome(lambda: model.add(before, offer, first, limits))
    if isinstance(once, Cart):
        twice = outcome(lambda: model.add(once, offer, second, limits))
        assert twice == outcome(lambda: model.add(before, offer, first + second, limits))


@given(carts(), offers, st.integers(0, 30), limits)
def test_set_is_absolute(before: Cart, offer: Offer, units: int, limits: Limits) -> None:
    """A line that was set has that quantity, whatever it had, and setting it again does nothing."""
    after = outcome(lambda: model.set_quantity(before, offer, units, limits))
    if isinstance(after, Cart):
        expected = {**quantities(before), offer.sku: units}
        assert quantities(after) == {sku: count for sku, count in expected.items() if count}
        assert model.set_quantity(after, offer, units, limits) is after


@given(carts(), st.data(), limits)
def test_fewer_is_always_possible(before: Cart, data: st.DataObject, limits: Limits) -> None:
    """A line of what is sold can be made smaller, whatever stock and limits have become."""
    sold = [line for line in before.lines if line.offer.sold]
    if sold:
        line = data.draw(st.sampled_from(sold))
        fewer = data.draw(st.integers(0, line.quantity))
        after = model.set_quantity(before, line.offer, fewer, limits)
        assert quantities(after).get(line.offer.sku, 0) == fewer


@given(carts(), offers, units, limits)
def test_new_line_comes_last_at_todays_price(
    before: Cart, offer: Offer, units: int, limits: Limits
) -> None:
    """A new line stands last with today's price; a larger one stays where it was, as it was."""
    after = outcome(lambda: model.add(before, offer, units, limits))
    if isinstance(after, Cart):
        had, line = before.line(offer.sku), after.line(offer.sku)
        assert line
        if had:
            assert line.added_price == had.added_price
            assert after.lines.index(line) == before.lines.index(had)
        else:
            assert line.added_price == offer.price
            assert after.lines[-1] is line


@given(carts(), offers)
def test_remove(before: Cart, offer: Offer) -> None:
    """Removing leaves all other lines as they are; what isn't there changes nothing."""
    after = model.remove(before, offer)
    assert after.lines == tuple(line for line in before.lines if line.offer.sku != offer.sku)
    assert model.remove(after, offer) is after


@given(carts())
def test_clear(before: Cart) -> None:
    """A cleared cart is empty and still the same cart; an empty one stays the very same."""
    after = model.clear(before)
    assert (after.id, after.revision, after.lines) == (before.id, before.revision, ())
    assert model.clear(after) is after


@given(carts())
def test_totals(found: Cart) -> None:
    """The cart's units and total are those of its lines, at today's prices."""
    assert found.quantity == sum(quantities(found).values())
    assert found.total == sum(line.offer.price * line.quantity for line in found.lines)


@given(carts(), st.dictionaries(st.integers(0, 9), st.integers(-1, 40)), st.lists(offers), limits)
def test_heal_never_makes_a_line_smaller(
    before: Cart, copied: dict[int, int], known: list[Offer], limits: Limits
) -> None:
    """Per variant the larger quantity, of what there is; lines in place stay in place."""
    by_id = {offer.variant_id: offer for offer in known}
    after = model.heal(before, starmap(CopiedLine, copied.items()), by_id, limits)
    had, has = (
        {line.offer.variant_id: line.quantity for line in cart.lines} for cart in (before, after)
    )
    copied = {variant: count for variant, count in copied.items() if variant in by_id}
    for variant in {*had, *has}:
        assert (
            had.get(variant, 0) <= has[variant] <= max(had.get(variant, 0), copied.get(variant, 0))
        )
    assert [line.offer.sku for line in after.lines][: len(had)] == list(quantities(before))


@given(carts(), st.dictionaries(st.integers(0, 9), st.integers(-1, 40)), st.lists(offers), limits)
def test_what_a_copy_brings_keeps_limits_and_stock(
    before: Cart, copied: dict[int, int], known: list[Offer], limits: Limits
) -> None:
    """A copy of a cart brings back as many as limits and stock allow, and none beyond."""
    by_id = {offer.variant_id: offer for offer in known}
    after = model.heal(before, starmap(CopiedLine, copied.items()), by_id, limits)
    had = {line.offer.variant_id: line.quantity for line in before.lines}
    assert len(after.lines) <= max(len(before.lines), limits.lines)
    for line in after.lines:
        variant = line.offer.variant_id
        if line.quantity > had.get(variant, 0):
            most = by_id[variant].most
            room = limits.quantity if most is None else min(most, limits.quantity)
            assert line.quantity == min(copied[variant], room)


@pytest.mark.parametrize(
    ("before", "wanted", "units", "error"),
    [
        (cart(), None, 1, UnknownSku),
        (cart(), offer(sold=False), 1, UnknownSku),
        (cart((offer(), 1)), offer(sold=False), 1, UnknownSku),
        (cart(), offer(), 100, QuantityLimit),
        (cart((offer(), 99)), offer(), 1, QuantityLimit),
        (cart(), offer(stock=3), 4, InsufficientStock),
        (cart((offer(), 2)), offer(stock=3), 2, InsufficientStock),
        (cart(), offer(stock=0), 1, InsufficientStock),
        (cart(), offer(stock=-5), 1, InsufficientStock),
        (cart(*((offer(number), 1) for number in range(2, 102))), offer(), 1, LineLimit),
    ],
)
def test_add_refuses(
    before: Cart, wanted: Offer | None, units: int, error: type[LockerError]
) -> None:
    """What is unknown, no longer sold, too many, or more than there are, can't be added or set."""
    with pytest.raises(error):
        model.add(before, wanted, units, LIMITS)
    had = before.line(wanted.sku) if wanted else None
    with pytest.raises(error):
        model.set_quantity(before, wanted, units + (had.quantity if had else 0), LIMITS)


def test_refusal_says_how_many_there_are() -> None:
    """The error of an add that is refused says how many would be possible."""
    with pytest.raises(InsufficientStock) as stock:
        model.add(cart(), offer(stock=3), 4, LIMITS)
    assert stock.value.members == {"available": 3, "room": 3}
    with pytest.raises(InsufficientStock) as none:
        model.add(cart(), offer(stock=-5), 4, LIMITS)
    assert none.value.members == {"available": 0, "room": 0}
    with pytest.raises(QuantityLimit) as quantity:
        model.add(cart(), offer(), 100, LIMITS)
    assert quantity.value.members == {"limit": 99, "room": 99}


def test_oversold_may_be_added() -> None:
    """Where overselling is allowed, stock is no bound."""
    assert model.add(cart(), offer(stock=-5, oversell=True), 4, LIMITS).quantity == 4


@pytest.mark.parametrize(
    ("now", "units", "notice"),
    [
        (offer(), 1, None),
        (offer(price=999), 1, "price_changed"),
        (offer(stock=2), 2, None),
        (offer(stock=2), 3, "insufficient_stock"),
        (offer(stock=2, price=999), 3, "insufficient_stock"),
        (offer(stock=-1), 1, "insufficient_stock"),
        (offer(stock=2, oversell=True), 3, None),
        (offer(sold=False), 1, "unavailable"),
        (offer(sold=False, stock=0, price=999), 1, "unavailable"),
    ],
)
def test_notice(now: Offer, units: int, notice: str | None) -> None:
    """A line's notice says what the shopper should know, the gravest first."""
    line = model.Line(now, units, added_price=1_000)
    assert Cart(lines=(line,)).notices.get(line.key) == notice
