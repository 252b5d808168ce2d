"""How an application's session travels: by arguments, and by Quart's own keys of ``app.config``.

Each key is honoured, or refused with a sentence. What an argument says and ``app.config`` says
otherwise is refused as well, so nobody wonders which of them counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from operator import itemgetter
from typing import Any, NoReturn, TypedDict, get_args

from quart import Quart

from quart_locker.errors import Misconfigured

from .cookies import BORN, BROWSER_LIMIT, Digest
from .model import BASE, PERMANENT, VALUE
from .values import HALF

SHORTEST_KEY = 32
"""Bytes of a key: as many as SHA-256 gives (RFC 2104, section 3)."""

SHORTEST_IDLE = 10
"""Seconds; below it every answer would bring the cookie anew."""

LONGEST = 2_000_000_000
"""Seconds, of any time: a moment that is further away can't be written."""

REFRESH = 86_400
"""Seconds after which a cookie in use is signed anew, to count as used. A shorter idle time
shortens it."""

YEAR = 365 * 86_400

NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A cookie's (RFC 6265, section 4.1.1)."""

DOMAIN = re.compile(r"\.?[0-9A-Za-z-]{1,63}(\.[0-9A-Za-z-]{1,63})*")
PATH = re.compile(r"/[ -:<-~]*")

MAKE_ONE = "python -c 'import secrets; print(secrets.token_hex())' makes one"


class SessionOptions(TypedDict, total=False):
    """What `SectionedSessions` takes beside the sections; times are seconds, or a `timedelta`.

    What is left out is as ``app.config`` says, by the key in brackets.
    """

    keys: Sequence[str | bytes]
    """The current key, then older ones, whose cookies are still read, and signed anew
    (``SECRET_KEY``, ``SECRET_KEY_FALLBACKS``)."""

    digest: Digest
    """``sha256``, or ``sha1`` to share the base cookie with a Flask application as it comes."""

    name: str
    """Of the base cookie; a section's is ``<name>-<section>`` (``SESSION_COOKIE_NAME``)."""

    path: str
    """(``SESSION_COOKIE_PATH``, ``APPLICATION_ROOT``)"""

    domain: str
    """(``SESSION_COOKIE_DOMAIN``)"""

    secure: bool
    """(``SESSION_COOKIE_SECURE``)"""

    httponly: bool
    """(``SESSION_COOKIE_HTTPONLY``)"""

    samesite: str
    """``Lax``, ``Strict`` or ``None``; ``Lax`` where nobody says (``SESSION_COOKIE_SAMESITE``)."""

    partitioned: bool
    """(``SESSION_COOKIE_PARTITIONED``)"""

    idle: float | timedelta
    """Disuse after which a cookie is empty, and how long a permanent base cookie lasts in the
    browser (``PERMANENT_SESSION_LIFETIME``)."""

    section_idle: float | timedelta
    """The same of the sections; by default as ``idle``."""

    lifetime: float | timedelta
    """When a section ends anyhow, counted from when it was first made; by default a year, or as
    ``idle`` where that is longer."""

    refresh: bool
    """Whether a cookie that is read, and a day old, is signed anew, so that use prolongs it
    (``SESSION_REFRESH_EACH_REQUEST``)."""

    max_size: int
    """Bytes of a cookie above which a change is refused (``MAX_COOKIE_SIZE``)."""


KEYS: dict[str, str] = {
    "name": "SESSION_COOKIE_NAME",
    "path": "SESSION_COOKIE_PATH",
    "domain": "SESSION_COOKIE_DOMAIN",
    "secure": "SESSION_COOKIE_SECURE",
    "httponly": "SESSION_COOKIE_HTTPONLY",
    "samesite": "SESSION_COOKIE_SAMESITE",
    "partitioned": "SESSION_COOKIE_PARTITIONED",
    "idle": "PERMANENT_SESSION_LIFETIME",
    "refresh": "SESSION_REFRESH_EACH_REQUEST",
    "max_size": "MAX_COOKIE_SIZE",
}
"""Which key of ``app.config`` says what an argument says."""

read_config = itemgetter(*KEYS.values(), "APPLICATION_ROOT", "SECRET_KEY", "SECRET_KEY_FALLBACKS")
"""Returns what ``app.config`` says of the session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the cookies of one application's session are made; times are in seconds."""

    keys: tuple[str | bytes, ...]
    digest: Digest
    name: str
    path: str
    domain: str | None
    secure: bool
    httponly: bool
    samesite: str
    partitioned: bool
    idle: int
    section_idle: int
    lifetime: int
    refresh: int | None
    """How old a cookie in use gets before it is signed anew; None for any age."""
    max_size: int


def snapshot(app: Quart) -> tuple[Any, ...]:
    """Return what `read_config` does, to see later whether it still would."""
    *said, fallbacks = read_config(app.config)
    return (*said, list(fallbacks) if isinstance(fallbacks, list) else fallbacks)


def check_options(options: Mapping[str, Any]) -> None:
    """Raise `TypeError` for an argument that there is not."""
    for name in options.keys() - SessionOptions.__annotations__.keys():
        raise TypeError(f"SectionedSessions() has no argument {name!r}.")


def check_sections(sections: Collection[str]) -> tuple[str, ...]:
    """Return the names of the sections; raises `Misconfigured`."""
    if isinstance(sections, str):
        raise Misconfigured(f"sections are a list of names: write [{sections!r}].")
    for name in sections:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise Misconfigured(
                f"{name!r} can't be a section: its name is part of a cookie's, so letters, digits, "
                "- and _ of ASCII."
            )
        if name in {BASE, BORN, PERMANENT, VALUE}:
            raise Misconfigured(f"{name!r} can't be a section: the session itself has this name.")
    if len(set(sections)) != len(sections):
        raise Misconfigured(f"A section is declared twice in {list(sections)}.")
    return tuple(sections)


def read_policy(app: Quart, options: SessionOptions) -> Policy:
    """Return what the arguments and ``app.config`` say together; raises `Misconfigured`."""
    said = _Said(app, options)
    idle = said.seconds("idle")
    section_idle = said.seconds("section_idle", idle)
    shortest = min(idle, section_idle, REFRESH * 10)
    policy = Policy(
        keys=_keys(app, options),
        digest=_digest(options),
        name=said.text("name", NAME, "a cookie's name: letters, digits, - and _ of ASCII"),
        path=_path(said, app),
        domain=_domain(said),
        secure=said.flag("secure"),
        httponly=said.flag("httponly"),
        samesite=_same_site(said),
        partitioned=said.flag("partitioned"),
        idle=idle,
        section_idle=section_idle,
        lifetime=said.seconds("lifetime", max(YEAR, idle, section_idle)),
        refresh=shortest // 10 if said.flag("refresh") else None,
        max_size=_max_size(said),
    )
    _check_together(policy)
    return policy


class _Said:
    """What is said of each argument, there or in ``app.config``."""

    def __init__(self, app: Quart, options: SessionOptions) -> None:
        self._config = app.config
        self._defaults = app.default_config
        self._options: Mapping[str, Any] = options

    def get(self, name: str, default: Any = None) -> Any:
        key = KEYS.get(name)
        if key is None:
            return _plain(self._options.get(name, default))
        configured, default = _plain(self._config[key]), _plain(self._defaults[key])
        if name not in self._options:
            return configured
        given = _plain(self._options[name])
        if configured not in (default, given):
            raise Misconfigured(
                f"{key} is {configured!r} in app.config, and SectionedSessions was given "
                f"{name}={given!r}: set one of them alone."
            )
        return given

    def where(self, name: str) -> str:
        return name if name in self._options or name not in KEYS else KEYS[name]

    def refuse(self, name: str, wanted: str) -> NoReturn:
        raise Misconfigured(f"{self.where(name)} must be {wanted}.")

    def flag(self, name: str) -> bool:
        value = self.get(name)
        if not isinstance(value, bool):
            self.refuse(name, "True or False")
        return value

    def text(self, name: str, form: re.Pattern[str], wanted: str) -> str:
        value = self.get(name)
        if not isinstance(value, str) or not form.fullmatch(value):
            self.refuse(name, wanted)
        return value

    def seconds(self, name: str, default: float | None = None) -> int:
        value = self.get(name, default)
        # The comparison is written so that it refuses nan.
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(name, "a number of seconds, or a timedelta")
        if not SHORTEST_IDLE <= value <= LONGEST:
            self.refuse(name, f"{SHORTEST_IDLE} seconds or more, and at most {LONGEST}")
        return int(value)


def _plain(value: Any) -> Any:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _keys(app: Quart, options: SessionOptions) -> tuple[str | bytes, ...]:
    current, older = app.config["SECRET_KEY"], app.config["SECRET_KEY_FALLBACKS"] or ()
    for name, value in (("keys", options.get("keys", ())), ("SECRET_KEY_FALLBACKS", older)):
        if not isinstance(value, list | tuple):
            raise Misconfigured(f'{name} must be a list: write ["…"].')
    keys = tuple(options["keys"]) if "keys" in options else (current, *older)
    if not keys or not keys[0]:
        raise Misconfigured(
            f"The session has no key to be signed with: set SECRET_KEY; {MAKE_ONE}."
        )
    for key in keys:
        if not isinstance(key, str | bytes) or (isinstance(key, str) and HALF.search(key)):
            raise Misconfigured("SECRET_KEY, and each older key, must be text or bytes.")
        if len(key.encode() if isinstance(key, str) else key) < SHORTEST_KEY:
            raise Misconfigured(
                f"SECRET_KEY, and each older key, must have {SHORTEST_KEY} bytes or more; "
                f"{MAKE_ONE}."
            )
    if current not in (None, keys[0]) or any(key not in keys for key in older):
        raise Misconfigured(
            "SECRET_KEY and SECRET_KEY_FALLBACKS are set in app.config, and SectionedSessions was "
            "given other keys: set one of them alone."
        )
    return keys


def _digest(options: SessionOptions) -> Digest:
    digest = options.get("digest", "sha256")
    if digest not in get_args(Digest):
        raise Misconfigured(f"digest must be one of {', '.join(get_args(Digest))}.")
    return digest


def _path(said: _Said, app: Quart) -> str:
    said_path = said.get("path")
    path = said_path or app.config["APPLICATION_ROOT"]
    if not isinstance(path, str) or not PATH.fullmatch(path):
        where = said.where("path") if said_path else "APPLICATION_ROOT"
        raise Misconfigured(f"{where} must be a path: it begins with a slash, without semicolons.")
    return path


def _domain(said: _Said) -> str | None:
    return said.text("domain", DOMAIN, "a host's name") if said.get("domain") else None


def _same_site(said: _Said) -> str:
    value = said.get("samesite")
    if value is None:
        return "Lax"
    if not isinstance(value, str) or value.title() not in {"Lax", "Strict", "None"}:
        said.refuse("samesite", "'Lax', 'Strict' or 'None'")
    return value.title()


def _max_size(said: _Said) -> int:
    size = said.get("max_size")
    if type(size) is not int or not 0 < size <= BROWSER_LIMIT:
        said.refuse(
            "max_size",
            f"from 1 to {BROWSER_LIMIT}: browsers drop a larger cookie without a word",
        )
    return size


def _check_together(policy: Policy) -> None:
    name = policy.name.lower()
    if name.startswith("__host-") and (not policy.secure or policy.path != "/" or policy.domain):
        raise Misconfigured(
            f"Browsers take a cookie called {policy.name} only if it is secure, with the path / "
            "and no domain: set SESSION_COOKIE_SECURE, or give it another name."
        )
    needs = {
        f"a cookie called {policy.name}": name.startswith("__secure-"),
        "SameSite=None": policy.samesite == "None",
        "a partitioned cookie": policy.partitioned,
    }
    for what, needed in needs.items():
        if needed and not policy.secure:
            raise Misconfigured(
                f"Browsers take {what} only if it is secure: set SESSION_COOKIE_SECURE."
            )
