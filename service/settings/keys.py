"""What a secret key must be: nothing that a person could have typed.

A stranger who guesses it can sign a login for any account.
"""

from __future__ import annotations

import re

from zxcvbn_rs_py import zxcvbn

SHORTEST_KEY = 32
"""Bytes; what HMAC-SHA-256 can use (RFC 2104, section 3)."""

MAKE_ONE = "make one with: openssl rand -hex 32"

_WELL_KNOWN = (
    "changeme",
    "change-me",
    "change_me",
    "django-insecure",
    "your-secret",
    "your_secret",
    "supersecret",
    "insecure",
    "0123456789abcdef",
    "://",
    "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",  # of Flask's tutorial
)
"""What must not be in it: it was copied from somewhere, or meant to be replaced."""
_FEWEST_CHARACTERS = 10
"""Different ones in a key; 32 bytes at random, in hexadecimal, have fewer once in 10^12."""
_REPEATED = re.compile(r"(.{8}).*\1", re.DOTALL)
"""Eight characters twice; in 32 random bytes hardly once in a million."""
_JUDGED = 64
"""Characters; the length of 32 bytes in hexadecimal, and a bound on the work."""
_WINDOW = 16
"""Characters that zxcvbn is given at a time; it stops counting at 2^64 guesses."""
_LEAST = 13.5
"""Decimal digits of guesses for a window, on average: 16 would be random digits. Of 32 random
bytes hardly one in a million has less, whether in hexadecimal or in base64; sentences and rows of
keys have up to 13."""


def is_guessable(key: str) -> bool:
    """Return whether somebody may have thought of the key, or copied it."""
    if any(text in key.lower() for text in _WELL_KNOWN) or len(set(key)) < _FEWEST_CHARACTERS:
        return True
    judged = key[:_JUDGED]
    # A program that makes keys at random puts no blank in them.
    if any(map(str.isspace, key)) or _REPEATED.search(judged):
        return True
    windows = [judged[at : at + _WINDOW] for at in range(0, len(judged) - _WINDOW + 1, _WINDOW)]
    digits = [zxcvbn(window).guesses_log10 for window in windows]
    return not digits or sum(digits) / len(digits) < _LEAST
