"""What the experiments of the page show, kept until the page is loaded again."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import msgspec

from quart_locker import SectionCookie
from service.pages import keep_until_shown
from service.sessions import read_section, write_section

AROUND = 14
"""Letters shown on either side of the one that was changed."""


@dataclass(frozen=True, slots=True)
class ComparedText:
    """A stretch of a cookie, in three parts: the one in the middle is the letter it is about."""

    before: str
    letter: str
    after: str
    holds: bool


@dataclass(frozen=True, slots=True)
class ExperimentResult:
    """What an experiment showed; ``place`` is the experiment, beside which it is shown."""

    place: str
    title: str
    lines: tuple[str, ...]
    texts: tuple[ComparedText, ...] = ()


def keep_result(outcome: ExperimentResult) -> None:
    """Keep it for the next page, in the section for messages."""
    keep_until_shown("outcome", asdict(outcome))


def take_result() -> ExperimentResult | None:
    """Return the outcome, which is not shown again."""
    flash = dict(read_section("flash"))
    kept = flash.pop("outcome", None)
    write_section("flash", flash)
    try:
        return msgspec.convert(kept, ExperimentResult | None)
    except msgspec.ValidationError:
        return None


def tamper(cookie: SectionCookie, value: str) -> tuple[ComparedText, ComparedText]:
    """Return the cookie around one of its letters, as it is and with that letter changed."""
    middle = len(value) // 3
    letter = "A" if value[middle] != "A" else "B"
    before, after = value[:middle], value[middle + 1 :]
    return (
        _text(before, value[middle], after, holds=cookie.open(value) is not None),
        _text(before, letter, after, holds=cookie.open(before + letter + after) is not None),
    )


def _text(before: str, letter: str, after: str, *, holds: bool) -> ComparedText:
    return ComparedText(before[-AROUND:], letter, after[:AROUND], holds)
