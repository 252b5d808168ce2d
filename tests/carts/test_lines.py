"""Lines of one variant, told apart by their metadata: the rules, whatever is in the cart."""

from __future__ import annotations

from itertools import starmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.carts import Cart, Limits, model
from service.carts.lines import encode_lines
from service.carts.merging import merge
from service.carts.model import (
    AmbiguousLine,
    CopiedLine,
    Line,
    LineKey,
    Metadata,
    MetadataLimit,
    Offer,
    QuantityLimit,
    UnknownLine,
)
from service.errors import LockerError
from tests.support.offers import LIMITS, cart, limits, offer, offers

ENGRAVED: Metadata = (("engraving", "For Ada"),)
WRAPPED: Metadata = (("gift note", "Many happy returns"), ("wrapped", "yes"))
metadata = st.sampled_from([(), ENGRAVED, WRAPPED])
units = st.integers(1, 30)


@st.composite
def crowded_carts(draw: st.DrawFn, known: tuple[Offer, ...]) -> Cart:
    """Any cart of these offers, of some of which it has several lines."""
    keys = st.tuples(st.sampled_from(known), metadata)
    chosen = draw(st.lists(keys, unique_by=lambda key: (key[0].sku, key[1]), max_size=6))
    lines = tuple(Line(offer, draw(units), 1_000, said) for offer, said in chosen)
    return Cart(cart().id, draw(st.integers(1, 50)), lines)


shops = st.lists(offers, unique_by=lambda offer: offer.sku, min_size=1, max_size=3).map(tuple)


def quantities(cart: Cart) -> dict[LineKey, int]:
    return {line.key: line.quantity for line in cart.lines}


def fits(before: Cart, after: Cart, limits: Limits) -> bool:
    """Return whether what has grown keeps to the stock and the limits, over all its lines."""
    return all(
        after.units[line.offer.variant_id] <= before.units[line.offer.variant_id]
        or after.units[line.offer.variant_id]
        <= min(limits.quantity, limits.quantity if line.offer.most is None else line.offer.most)
        for line in after.lines
    )


@given(st.data(), shops, metadata, units, limits)
def test_an_add_joins_the_line_with_the_same_metadata(
    data: st.DataObject, shop: tuple[Offer, ...], said: Metadata, units: int, limits: Limits
) -> None:
    """An add changes the line of this variant with this metadata, and no other."""
    before, wanted = data.draw(crowded_carts(shop)), data.draw(st.sampled_from(shop))
    try:
        after = model.add(before, wanted, units, limits, said)
    except LockerError:
        return
    had, key = quantities(before), (wanted.variant_id, said)
    assert quantities(after) == {**had, key: had.get(key, 0) + units}
    assert [line.key for line in after.lines][: len(had)] == list(had)
    assert fits(before, after, limits)


@given(st.data(), shops, st.integers(0, 30), limits)
def test_a_line_is_set_by_its_id(
    data: st.DataObject, shop: tuple[Offer, ...], units: int, limits: Limits
) -> None:
    """Setting a line by its id changes that line alone, and removing it takes out that alone."""
    before = data.draw(crowded_carts(shop).filter(lambda cart: cart.lines))
    line = data.draw(st.sampled_from(before.lines))
    rest = tuple(each for each in before.lines if each is not line)
    assert model.remove(before, line.offer, line.id).lines == rest
    try:
        after = model.set_quantity(before, line.offer, units, limits, line.id)
    except LockerError:
        return
    expected = {**quantities(before), line.key: units}
    assert quantities(after) == {key: count for key, count in expected.items() if count}
    assert fits(before, after, limits)


@given(st.data(), shops, st.sampled_from(["max", "sum"]), limits)
def test_a_merge_matches_lines_by_their_metadata(
    data: st.DataObject, shop: tuple[Offer, ...], strategy: str, limits: Limits
) -> None:
    """No line gets another's units or texts, none gets smaller, and stock and limits hold."""
    guest, account = data.draw(crowded_carts(shop)), data.draw(crowded_carts(shop))
    merged, receipt = merge(guest, account, strategy, limits)  # type: ignore[arg-type]
    mine, theirs, now = quantities(account), quantities(guest), quantities(merged)
    assert mine.keys() <= now.keys() <= mine.keys() | theirs.keys()
    for key, count in now.items():
        both = mine.get(key, 0), theirs.get(key, 0)
        assert mine.get(key, 0) <= count <= (max(both) if strategy == "max" else sum(both))
    assert [(line.sku, line.guest_quantity) for line in receipt] == [
        (line.offer.sku, line.quantity) for line in guest.lines
    ]
    assert fits(account, merged, limits)
    if strategy == "max":
        assert merge(guest, merged, "max", limits)[0] is merged


@given(st.data(), shops)
def test_what_was_lost_is_healed_once(data: st.DataObject, shop: tuple[Offer, ...]) -> None:
    """Of a snapshot that remembers ids instead of texts, no unit is lost, and none is doubled.

    The row may have lost any lines; healing it again changes nothing.
    """
    plenty = tuple(offer(each.variant_id) for each in shop)
    known = {each.variant_id: each for each in plenty}
    limits = Limits(10_000, 100)
    before = data.draw(crowded_carts(plenty))
    row = Cart(before.id, 1, tuple(line for line in before.lines if data.draw(st.booleans())))
    copied = [
        CopiedLine(line.offer.variant_id, line.quantity, (), line.id if line.metadata else "")
        for line in before.lines
    ]
    healed = model.heal(row, copied, known, limits)
    assert healed.units == before.units
    assert model.heal(healed, copied, known, limits) == healed
    whole = [
        CopiedLine(line.offer.variant_id, line.quantity, line.metadata) for line in before.lines
    ]
    assert quantities(model.heal(row, whole, known, limits)) == quantities(before)


def test_healing_keeps_to_the_stock_over_all_lines() -> None:
    """What a snapshot brings back of a variant's lines is, in all, what there is of it."""
    thing = offer(stock=5)
    row = cart((thing, 2))
    copied = starmap(CopiedLine, [(1, 2), (1, 2, ENGRAVED), (1, 4, WRAPPED)])
    healed = model.heal(row, copied, {1: thing}, LIMITS)
    assert quantities(healed) == {(1, ()): 2, (1, ENGRAVED): 2, (1, WRAPPED): 1}


def test_which_line_is_meant() -> None:
    """Without an id the only line is meant; of several, none; an unknown id is no line's."""
    thing = offer()
    one = model.add(cart(), thing, 1, LIMITS, ENGRAVED)
    (line,) = one.lines
    assert quantities(model.set_quantity(one, thing, 3, LIMITS)) == {line.key: 3}
    several = model.add(one, thing, 1, LIMITS)
    with pytest.raises(AmbiguousLine) as ambiguous:
        model.set_quantity(several, thing, 3, LIMITS)
    assert ambiguous.value.members == {"lines": [line.id for line in several.lines]}
    with pytest.raises(AmbiguousLine):
        model.remove(several, thing)
    for name in ("0", line.id[:-1], f"{line.id}0"):
        with pytest.raises(UnknownLine):
            model.remove(several, thing, name)


def test_limits_count_over_all_lines() -> None:
    """The refusal says how many this line may have, beside the others of its variant."""
    thing = offer(stock=5)
    before = model.add(cart(), thing, 3, LIMITS, ENGRAVED)
    with pytest.raises(model.InsufficientStock) as short:
        model.add(before, thing, 3, LIMITS)
    assert short.value.members == {"available": 5, "room": 2}
    with pytest.raises(QuantityLimit) as much:
        model.add(before, offer(), 3, Limits(4, 9), WRAPPED)
    assert much.value.members == {"limit": 4, "room": 1}
    assert model.add(before, thing, 2, LIMITS).units[1] == 5


def test_notices_count_over_all_lines() -> None:
    """Lines that together want more than there are say so, each of them."""
    thing = offer(stock=5)
    lines = (Line(thing, 3, 1_000), Line(thing, 3, 1_000, ENGRAVED), Line(offer(2), 9, 1_000))
    short = dict.fromkeys([(1, ()), (1, ENGRAVED)], "insufficient_stock")
    assert Cart(lines=lines).notices == short


def test_a_carts_metadata_is_bounded() -> None:
    """The texts of a cart are so many bytes in all; more units of a line are no more text."""
    long = tuple((f"{number:040}", "é" * 250) for number in range(10))
    found = cart()
    for number in range(1, 4):
        found = model.add(found, offer(number), 1, LIMITS, long)
    with pytest.raises(MetadataLimit) as limit:
        model.add(found, offer(4), 1, LIMITS, long)
    assert limit.value.members == {"limit": 16_384}
    assert model.add(found, offer(4), 1, LIMITS).quantity == 4
    assert model.add(found, offer(3), 1, LIMITS, long).quantity == 4
    merged, (dropped,) = merge(Cart(lines=(Line(offer(4), 1, 1_000, long),)), found, "max", LIMITS)
    assert (merged, dropped.outcome) == (found, "dropped")


def test_a_line_without_metadata_is_stored_as_ever() -> None:
    """A row of a cart without metadata is what it was, so any version reads it."""
    assert encode_lines(cart((offer(), 2))) == (
        '[{"variant":1,"quantity":2,"price":1000,"currency":"USD"}]'
    )
