"""Order numbers, such as ``K7RX-3MD3``: made to be read out, and to tell nothing.

They are random, so they don't say how many are sold. Their symbols can't be taken for one
another, there is no vowel to make a word with, and the last one is a check character: a wrong
symbol and two neighbours swapped are always noticed.
"""

from __future__ import annotations

import re
import secrets

SYMBOLS = "23456789CDFHJKMNPRTVWXY"
"""23, a prime: then every weight below has an inverse, on which the check rests (as in ISO 7064).
B, G, I, L, O, Q, S, Z are left out for the digits they look like, and U for V."""

LENGTH = 8

_SEPARATORS = re.compile(r"[\s-]+")


def new_number() -> str:
    """Return a random number; 3.4 billion are possible, so one may be there already."""
    symbols = "".join(secrets.choice(SYMBOLS) for _ in range(LENGTH - 1))
    return _written(symbols + _check_character(symbols))


def read_number(text: str) -> str | None:
    """Return the number as it is stored, or None for what can't be one.

    Case, spaces and dashes are as people write them.
    """
    symbols = _SEPARATORS.sub("", text).upper()
    if len(symbols) != LENGTH or not set(symbols) <= set(SYMBOLS):
        return None
    if _check_character(symbols[:-1]) != symbols[-1]:
        return None
    return _written(symbols)


def _check_character(symbols: str) -> str:
    weighed = sum(weight * SYMBOLS.index(symbol) for weight, symbol in enumerate(symbols, 2))
    return SYMBOLS[-weighed % len(SYMBOLS)]


def _written(symbols: str) -> str:
    return f"{symbols[:4]}-{symbols[4:]}"
