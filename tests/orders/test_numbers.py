"""Order numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.orders.numbers import LENGTH, SYMBOLS, new_number, read_number

numbers = st.builds(new_number)
places = st.integers(0, LENGTH - 1)


def written(symbols: str) -> str:
    return f"{symbols[:4]}-{symbols[4:]}"


def test_no_two_symbols_look_alike() -> None:
    """Of each group of characters taken for one another, order numbers have one at most."""
    for group in ("0OQD", "1IL", "2Z", "5S", "6G", "8B", "UV"):
        assert len(set(group) & set(SYMBOLS)) <= 1, group
    assert not set("AEIOU") & set(SYMBOLS)


@given(numbers)
def test_a_number_is_read_however_it_is_written(number: str) -> None:
    """Lower case, with spaces or without the dash: it is the same number."""
    assert read_number(number) == number
    assert read_number(number.lower()) == number
    assert read_number(number.replace("-", "")) == number
    assert read_number(f" {number.replace('-', ' ')} ") == number


@given(numbers, places, st.sampled_from(SYMBOLS))
def test_a_wrong_symbol_is_noticed(number: str, place: int, symbol: str) -> None:
    """Any one symbol replaced by another makes it no number."""
    symbols = number.replace("-", "")
    wrong = symbols[:place] + symbol + symbols[place + 1 :]
    assert read_number(wrong) == (number if wrong == symbols else None)


@given(numbers, st.integers(0, LENGTH - 2))
def test_two_symbols_swapped_are_noticed(number: str, place: int) -> None:
    """Two different neighbours swapped make it no number."""
    symbols = number.replace("-", "")
    swapped = symbols[:place] + symbols[place + 1] + symbols[place] + symbols[place + 2 :]
    assert read_number(swapped) == (number if swapped == symbols else None)


@given(st.text(max_size=20))
def test_other_text_is_no_number(text: str) -> None:
    """Whatever is read as a number is written as one."""
    number = read_number(text)
    assert number is None or read_number(number) == number


def test_numbers_tell_nothing() -> None:
    """Of 2,000 order numbers none comes twice, and each place takes every symbol."""
    several = {new_number() for _ in range(2000)}
    assert len(several) == 2000
    for place in range(LENGTH):
        assert {number.replace("-", "")[place] for number in several} == set(SYMBOLS)
