"""Hashes that other applications made: good for one login, which puts one of ours in their place.

werkzeug's are what Flask applications have: ``scrypt:N:r:p$salt$hash`` and
``pbkdf2:sha256:iterations$salt$hash``.
"""

from __future__ import annotations

import re

from werkzeug.security import check_password_hash

LARGEST_SCRYPT = 64 * 1024 * 1024
"""Bytes of memory; werkzeug's own parameters take half of it."""
MOST_LANES = 4
MOST_ITERATIONS = 2_000_000

_FORM = re.compile(
    r"(?:scrypt:(?P<cost>\d{1,9}):(?P<block>\d{1,4}):(?P<lanes>\d{1,4})"
    r"|pbkdf2:sha(?:1|256|512):(?P<iterations>\d{1,9}))\$[ -~]{1,128}\$[0-9a-f]{40,128}",
    re.ASCII,
)


def is_foreign(password_hash: str) -> bool:
    """Return whether another application made the hash, and checking it is bounded."""
    found = _FORM.fullmatch(password_hash)
    if found is None:
        return False
    if found["iterations"]:
        return 1 <= int(found["iterations"]) <= MOST_ITERATIONS
    cost, block, lanes = (int(found[name]) for name in ("cost", "block", "lanes"))
    is_power = cost > 1 and cost & (cost - 1) == 0
    return (
        is_power
        and block > 0
        and 1 <= lanes <= MOST_LANES
        and 128 * cost * block * lanes <= LARGEST_SCRYPT
    )


def verify_foreign(password_hash: str, password: str) -> bool:
    """Return whether the password, as it was typed, is the one that was hashed."""
    return check_password_hash(password_hash, password)
