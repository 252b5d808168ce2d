"""Reading the environment's variables: their files, and what their texts mean."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from service.errors import SettingsError

PREFIX = "LOCKER_"
LIKENESS = 0.7
"""Of a misspelt name to the one that was meant, by `difflib`."""
LARGEST_LIMIT = 1_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Limit:
    """So many attempts in a window of so many seconds; 0 of them: no limit."""

    count: int
    seconds: int

    def __bool__(self) -> bool:
        return self.count > 0

    def __str__(self) -> str:
        return f"{self.count}/{self.seconds}" if self else "off"


ORCHESTRATORS = re.compile(
    r"(SERVICE_(HOST|PORT(_\w+)?)|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)
"""What Kubernetes and Docker's links set for a service of the same name."""


def unknown(environ: Mapping[str, str], known: Collection[str]) -> dict[str, str]:
    """Return the variables with our prefix that nothing reads, each with the nearest that is."""
    names = {name.upper() for name in known}
    ours = {name.removeprefix(PREFIX) for name in environ if name.startswith(PREFIX)}
    found = {}
    for name in sorted(ours):
        if not names & {name, name.removesuffix("_FILE")} and not ORCHESTRATORS.fullmatch(name):
            nearest = get_close_matches(name.removesuffix("_FILE"), names, n=1, cutoff=LIKENESS)
            found[PREFIX + name] = PREFIX + nearest[0] if nearest else ""
    return found


def read(environ: Mapping[str, str], name: str, before: str = "") -> str | None:
    """Return the variable, or what stands in the file that ``…_FILE`` names.

    ``before`` is the variable's name in the version before, read where the new one isn't set.
    """
    text = _read(environ, name)
    old = _read(environ, before) if before else None
    if text is not None and old is not None:
        raise SettingsError(f"set {name} or {before}, which was its name before, not both")
    return old if text is None else text


def find_source(environ: Mapping[str, str], name: str, before: str = "") -> str | None:
    """Return the variable that `read` reads, None where nothing is set."""
    names = [name, f"{name}_FILE", *([before, f"{before}_FILE"] if before else [])]
    return next((each for each in names if environ.get(each)), None)


def _read(environ: Mapping[str, str], name: str) -> str | None:
    path = environ.get(f"{name}_FILE")
    if path:
        if environ.get(name):
            raise SettingsError(f"set {name} or {name}_FILE, not both")
        try:
            return Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not text"
            raise SettingsError(f"{name}_FILE can't be read: {reason}") from None
    return environ.get(name) or None


def _boolean(text: str) -> bool:
    return {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}[
        text.lower()
    ]


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(map(float, _list(text)))


def _three_integers(text: str) -> tuple[int, int, int]:
    first, second, third = map(int, text.split(","))
    return first, second, third


def _limit(text: str) -> Limit:
    if text == "off":
        return Limit(0, 0)
    count, seconds = map(int, text.split("/"))
    if not (1 <= count <= LARGEST_LIMIT and 1 <= seconds <= LARGEST_LIMIT):
        raise ValueError
    return Limit(count, seconds)


_PARSERS: dict[Any, tuple[str, Callable[[str], Any]]] = {
    str: ("a text", str),
    int: ("a whole number", int),
    float: ("a number", float),
    bool: ("true or false", _boolean),
    tuple[str, ...]: ("a comma-separated list", _list),
    tuple[float, ...]: ("numbers, comma-separated", _numbers),
    Limit: ("count/seconds, such as 60/3600, or off", _limit),
    tuple[int, int, int]: ("three whole numbers, comma-separated", _three_integers),
}


def parse(name: str, kind: Any, text: str) -> Any:
    """Return what the text means for a field of this type; raises `SettingsError`."""
    if get_origin(kind) is Literal:
        if text not in get_args(kind):
            raise SettingsError(f"{name} must be one of: {', '.join(get_args(kind))}")
        return text
    wanted, parse = _PARSERS[kind]
    try:
        return parse(text)
    except (ValueError, KeyError):
        # The value is not shown: it may be a secret in the wrong variable.
        raise SettingsError(f"{name} must be {wanted}") from None
