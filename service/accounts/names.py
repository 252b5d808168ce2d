"""User names that people can see, and tell apart (Unicode TS 39). No I/O.

What looks like what, and which scripts are written together, is Unicode's own list, as ICU has it.
"""

from __future__ import annotations

import unicodedata

import icu

_HIDDEN_OVERLAY = 256
"""ICU's `USPOOF_HIDDEN_OVERLAY`, which PyICU has no name for."""
_CHECKER = icu.SpoofChecker()
# One script, or Latin with those of Japanese, Korean or Chinese (TS 39, 5.2); digits of one
# system (5.3); no mark twice on one letter, nor a dot on one that has it, where it can't be seen
# (5.4).
_CHECKER.setRestrictionLevel(icu.URestrictionLevel.HIGHLY_RESTRICTIVE)
_CHECKER.setChecks(
    icu.USpoofChecks.RESTRICTION_LEVEL
    | icu.USpoofChecks.MIXED_NUMBERS
    | icu.USpoofChecks.INVISIBLE
    | _HIDDEN_OVERLAY
)


def is_visible(name: str) -> bool:
    """Return whether each character of it is seen where it stands.

    That is letters, digits, marks on them, and punctuation. A symbol beyond ASCII may be a blank
    pattern, and some letters are invisible unless they are supported (TS 39, 3.1).
    """
    return unicodedata.category(name[:1] or " ")[0] != "M" and not any(
        character == "@"
        or unicodedata.category(character)[0] in ("CZ" if character.isascii() else "CZS")
        or icu.Char.hasBinaryProperty(character, icu.UProperty.DEFAULT_IGNORABLE_CODE_POINT)
        for character in name
    )


def is_of_one_script(name: str) -> bool:
    """Return whether the letters are of one script, or of some that are written together."""
    return bool(_CHECKER.check(name) == 0)


def skeleton(name: str) -> str:
    """Return what two names have in common that look alike (TS 39, 4), in whatever case.

    Case is dropped afterwards: a capital may look like what its small letter doesn't.
    """
    looks = _CHECKER.getSkeleton(0, unicodedata.normalize("NFKC", name))
    return unicodedata.normalize("NFKC", looks.casefold())
