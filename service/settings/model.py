"""What the operator can set: environment variables with the prefix ``LOCKER_``.

Each field of `Settings` is one variable (``pool_max`` is ``LOCKER_POOL_MAX``) and carries
the sentence that documents it. ``LOCKER_X_FILE`` names a file to read ``LOCKER_X`` from, as
secrets are mounted in containers. Nothing else reads the environment.
"""

from __future__ import annotations

import dataclasses
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any, Literal, get_type_hints

from babel.core import get_global
from babel.numbers import get_territory_currencies

from service.errors import SettingsError
from service.hosts import PREFIX_FORM, read_authority, read_origin, read_pattern

from . import environment
from .database_url import read_address
from .environment import PREFIX, Limit
from .keys import MAKE_ONE, SHORTEST_KEY, is_guessable

__all__ = ["PREFIX", "Limit", "Settings"]

PICTURE_SOURCE = re.compile(r"https:(//(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?)?")
"""What may stand in a content security policy without becoming another part of it."""
CURRENCIES_SINCE = date(2020, 1, 1)
"""What was legal tender somewhere then or later is a currency; so none ends by a date passing."""
SEARCH_LANGUAGE = re.compile(r"[a-z_][a-z0-9_]{0,62}")
COOKIE_NAME = re.compile(r"(?!__)[A-Za-z0-9_-]{1,40}")
SHORTEST_PASSWORD = 8
"""What the setting may be lowered to (NIST SP 800-63B-4, 3.1.1.2; OWASP ASVS 5.0, 6.2.1)."""
SHORTEST_STATEMENT, LONGEST_STATEMENT = 0.001, 2_147_483
"""Seconds: PostgreSQL counts milliseconds, in 32 bits, and takes 0 for no limit."""
SHORTEST_LAG = 3
"""Seconds: where the standby is, is asked once a second."""
LARGEST = 2_000_000_000
"""The most that any setting may be: a number of 32 bits is enough for each."""


def _setting(
    doc: str,
    default: Any = dataclasses.MISSING,
    *,
    secret: bool = False,
    zero: bool = False,
    before: str = "",
) -> Any:
    """Declare a setting; ``zero`` is whether a number may be 0 as well.

    ``before`` is what it was called in the version before, which is still read.
    """
    metadata = {"doc": doc, "zero": zero, "before": before}
    return dataclasses.field(default=default, repr=not secret, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """The service's settings; made by `from_env`, or by hand in tests."""

    environment: Literal["production", "development"] = _setting(
        "`production`, or `development` for work on one's own machine", "production"
    )
    database_url: str = _setting("PostgreSQL to use, as `postgresql://…`", secret=True)
    secret_key: str = _setting("signs the session; 32 bytes or more", secret=True)
    secret_key_fallbacks: tuple[str, ...] = _setting(
        "older keys, comma-separated, still accepted and signed anew", (), secret=True
    )
    allowed_hosts: tuple[str, ...] = _setting(
        "host names to answer to, comma-separated, without port; `*.` for any name below"
    )
    secure_cookies: bool = _setting(
        "`Secure` and `__Host-` cookies; may be off only in development", default=True
    )
    trusted_proxies: int = _setting("how many proxies in front may be believed", 0, zero=True)
    trusted_origins: tuple[str, ...] = _setting(
        "origins whose pages may use the API from a browser, comma-separated, such as "
        "`https://www.shop.example`",
        (),
    )
    prefix: str = _setting(
        "path that the service is below, such as `/shop`; without it, what a trusted proxy says in "
        "`X-Forwarded-Prefix`",
        "",
    )
    cookie_name: str = _setting(
        "name of the session's cookie, and what the others' begin with; two services on one host "
        "need two",
        "session",
    )
    bind: str = _setting("address and port for `locker serve`", "127.0.0.1:8000")
    pool_min: int = _setting(
        "connections kept open; above 0 a start needs the database", 0, zero=True
    )
    pool_max: int = _setting("connections at most", 10)
    pool_timeout: float = _setting("seconds to wait for a connection before 503 `busy`", 2.0)
    statement_timeout: float = _setting("seconds a statement may run", 5.0)
    pgbouncer: Literal["off", "transaction"] = _setting(
        "`transaction` where PgBouncer, in the mode of that name, or the like is in front of the "
        "database",
        "off",
    )
    standby_url: str = _setting(
        "a standby of the database, as `postgresql://…`, for lists and searches; empty for none",
        "",
        secret=True,
    )
    standby_lag: float = _setting(
        "seconds that the standby may be behind, 3 or more, before the primary is asked instead",
        10.0,
    )
    session_digest: Literal["sha256", "sha1"] = _setting(
        "digest of the session's signature; `sha1` is Flask's own", "sha256"
    )
    login_idle: int = _setting("seconds of disuse after which a login ends", 86_400)
    login_lifetime: int = _setting("seconds after which a login ends anyhow", 604_800)
    remember_idle: int = _setting("the same as `login_idle` for a remembered login", 2_592_000)
    remember_lifetime: int = _setting("… and as `login_lifetime`", 7_776_000)
    section_idle: int = _setting(
        "seconds of disuse after which a browser's cart and preferences end", 7_776_000
    )
    section_lifetime: int = _setting("seconds after which they end anyhow", 31_536_000)
    password_min: int = _setting("characters a password must have", 12)
    argon2: tuple[int, int, int] = _setting(
        "`memory_kib,time_cost,parallelism` of argon2id", (19_456, 2, 1)
    )
    hash_queue: int = _setting(
        "log ins and the like at a time before 503 `busy`; one network gets a quarter of them",
        64,
        zero=True,
    )
    throttle_account: Limit = _setting(  # noqa: RUF009 - frozen
        "attempts at one account's password, `count/seconds`; `off` to lift", Limit(60, 3_600)
    )
    throttle_address: Limit = _setting(  # noqa: RUF009 - frozen
        "the same from one address, and of registrations", Limit(600, 3_600)
    )
    throttle_total: Limit = _setting(  # noqa: RUF009 - frozen
        "the same from everywhere; log ins that succeed count as well", Limit(3_000, 60)
    )
    throttle_carts: Limit = _setting(  # noqa: RUF009 - frozen
        "carts that guests may begin from one address, `count/seconds`; `off` to lift",
        Limit(1_000, 3_600),
    )
    throttle_orders: Limit = _setting(  # noqa: RUF009 - frozen
        "orders that guests may place from one address, `count/seconds`; `off` to lift",
        Limit(60, 3_600),
    )
    audit_days: int = _setting("days to keep the record of log ins and changes of accounts", 90)
    event_days: int = _setting(
        "days to keep what other systems are told of, whether it reached them or not", 30
    )
    low_stock: int = _setting(
        "units of a variant at which other systems are told that its stock is low", 5, zero=True
    )
    cart_abandoned: int = _setting(
        "seconds without a change after which they are told of a cart that has lines; 0 for never",
        14_400,
        zero=True,
    )
    webhook_private: bool = _setting(
        "whether webhooks may go to addresses of private networks; on in development",
        default=False,
    )
    webhook_http: bool = _setting(
        "whether webhooks may go without TLS; on in development", default=False
    )
    webhook_timeout: float = _setting("seconds that a webhook's receiver may take", 10.0)
    webhook_claim: float = _setting(
        "seconds beyond that for which a worker keeps an event to itself; one that was killed has "
        "it sent by another after them",
        20.0,
    )
    webhook_retries: tuple[float, ...] = _setting(
        "seconds from each attempt that failed to the next, comma-separated, a fifth more or less "
        "by chance; after the last the event is a dead letter",
        (5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400),
    )
    cart_merge: Literal["max", "sum", "guest", "account"] = _setting(
        "how a guest's cart joins the account's at login, for variants that both have", "max"
    )
    merge_window: int = _setting(
        "seconds after a login in which what is added to the guest's cart still follows into the "
        "account's; `LOCKER_CART_LATE` before 0.2",
        10,
        zero=True,
        before="cart_late",
    )
    guest_checkout: bool = _setting(
        "whether one may order without an account, by an e-mail address", default=True
    )
    guest_order_days: int = _setting(
        "days after which `locker purge` takes contact, addresses, notes and metadata out of "
        "guests' orders that are done, whose keys open them no more; 0 for never",
        0,
        zero=True,
    )
    cart_max_quantity: int = _setting("units of one variant in a cart", 99)
    cart_max_lines: int = _setting("lines in a cart", 100)
    max_body: int = _setting("bytes a request's body may have", 65_536)
    body_timeout: int = _setting(
        "seconds a request's head may take to arrive, and its body as well", 10
    )
    send_timeout: int = _setting("seconds for which a client may take nothing of its answer", 30)
    max_connections: int = _setting(
        "connections at once; when full, the idlest is closed; for a second newcomers may be as "
        "many again, so less than half of `ulimit -n`",
        400,
    )
    http2: bool = _setting(
        "HTTP/2 without TLS, by prior knowledge; with TLS it is always offered", default=False
    )
    currency: str = _setting("ISO 4217 code of the catalogue's prices", "USD")
    catalogue_memory: int = _setting(
        "megabytes in which each process holds the catalogue, to answer with products, and lists "
        "of all of them, without the database; 0 holds none, nor what is larger",
        64,
        zero=True,
    )
    picture_sources: tuple[str, ...] = _setting(
        "where pages may load pictures from, beside the shop itself: `https:` for anywhere, "
        "origins such as `https://cdn.example`, or `,` for nowhere",
        ("https:",),
    )
    search_language: str = _setting(
        "language that products are searched in, a text search configuration of PostgreSQL such "
        "as `english`, or `simple` for none; a change takes effect with `locker migrate`",
        "english",
    )
    shop_file: str = _setting(
        "a TOML file with the shop's name, words, links, logo and colours; empty for Locker's own",
        "",
    )
    metrics: str = _setting(
        "where `/metrics` is: `off`, `main` (in development) or an `address:port` of its own",
        "off",
    )
    worker_metrics: str = _setting(
        "where the `/metrics` of `locker worker` is: `off`, or an `address:port` of its own", "off"
    )
    docs: bool = _setting("the pages `/docs` and `/openapi.json`; on in development", default=False)
    admin_pages: bool = _setting(
        "the operators' pages, `/admin`, for accounts with the role (`locker user role`)",
        default=False,
    )
    locker_page: bool = _setting(
        "the page `/locker`, which explains the service; always on in development",
        default=False,
    )
    drain_time: float = _setting(
        "seconds that `/readyz` fails after SIGTERM before the server stops; 0 in development",
        3.0,
        zero=True,
    )
    tracing: bool = _setting(
        "spans of requests, statements, hashes and webhooks, by OpenTelemetry (the extra "
        "`locker[otel]`); its own `OTEL_…` variables say where to and how many",
        default=False,
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = _setting(
        "least level that is logged", "INFO"
    )

    def __post_init__(self) -> None:
        """Refuse what must not start; raises `SettingsError`."""
        if problems := self._problems():
            raise SettingsError(*problems)

    def _problems(self) -> list[str]:
        checks = (
            self._bad_key,
            self._bad_database,
            self._bad_standby,
            self._bad_addresses,
            self._bad_origins,
            self._bad_place,
            self._bad_passwords,
            self._bad_shop,
            self._bad_numbers,
        )
        return [problem for check in checks for problem in check()]

    def _bad_database(self) -> Iterator[str]:
        try:
            read_address(self.database_url)
        except ValueError as error:
            yield f"{PREFIX}DATABASE_URL {error}"
        if not 0 <= self.pool_min <= self.pool_max or self.pool_max < 1:
            yield f"{PREFIX}POOL_MIN and {PREFIX}POOL_MAX must be 0 <= min <= max"
        if not SHORTEST_STATEMENT <= self.statement_timeout <= LONGEST_STATEMENT:
            least, most = SHORTEST_STATEMENT, LONGEST_STATEMENT
            yield f"{PREFIX}STATEMENT_TIMEOUT must be from {least} to {most}"

    def _bad_standby(self) -> Iterator[str]:
        if self.standby_lag < SHORTEST_LAG:
            yield f"{PREFIX}STANDBY_LAG must be {SHORTEST_LAG} or more"
        if not self.standby_url:
            return
        try:
            hosts = read_address(self.standby_url).hosts
        except ValueError as error:
            yield f"{PREFIX}STANDBY_URL {error}"
        else:
            if hosts > 1:
                # How far behind it is has to be known of the one that is asked.
                yield f"{PREFIX}STANDBY_URL must name one host"

    def _bad_addresses(self) -> Iterator[str]:
        if self.metrics not in {"off", "main"} and not _is_address(self.metrics):
            yield f"{PREFIX}METRICS must be off, main, or address:port"
        if self.worker_metrics != "off" and not _is_address(self.worker_metrics):
            yield f"{PREFIX}WORKER_METRICS must be off, or address:port"
        if self.production and not self.secure_cookies:
            yield f"{PREFIX}SECURE_COOKIES can't be off in production"
        if not self.allowed_hosts or "*" in self.allowed_hosts:
            yield f"{PREFIX}ALLOWED_HOSTS must name the hosts to answer to"
        else:
            yield from _bad_hosts(self.allowed_hosts)

    def _bad_passwords(self) -> Iterator[str]:
        if self.password_min < SHORTEST_PASSWORD:
            yield f"{PREFIX}PASSWORD_MIN must be {SHORTEST_PASSWORD} or more"
        memory, rounds, lanes = self.argon2
        if rounds < 1 or lanes < 1 or memory < 8 * lanes:
            yield f"{PREFIX}ARGON2 needs 1 round and 1 lane or more, and 8 KiB for each lane"

    def _bad_origins(self) -> Iterator[str]:
        for text in self.trusted_origins:
            origin = read_origin(text)
            if origin is None:
                yield (
                    f"{PREFIX}TRUSTED_ORIGINS: {text!r} is no origin; write scheme, host and port "
                    "alone, as https://www.shop.example"
                )
            elif self.production and origin.startswith("http:"):
                # Anyone on the network can forge a page of such an origin, and would be trusted.
                yield f"{PREFIX}TRUSTED_ORIGINS: {text!r} must be https in production"

    def _bad_place(self) -> Iterator[str]:
        if self.prefix and not PREFIX_FORM.fullmatch(self.prefix):
            yield f"{PREFIX}PREFIX must be a path without a slash at its end, such as /shop"
        if not COOKIE_NAME.fullmatch(self.cookie_name):
            yield (
                f"{PREFIX}COOKIE_NAME must be letters, digits, - and _, 40 at most; "
                "__Host- or __Secure- comes in front of it by itself"
            )

    def _bad_shop(self) -> Iterator[str]:
        if not SEARCH_LANGUAGE.fullmatch(self.search_language):
            yield (
                f"{PREFIX}SEARCH_LANGUAGE must be the name of a text search configuration, "
                "such as english or simple"
            )
        if self.currency not in currencies():
            yield f"{PREFIX}CURRENCY must be the ISO 4217 code of a currency in use, such as USD"
        if not all(map(PICTURE_SOURCE.fullmatch, self.picture_sources)):
            yield f"{PREFIX}PICTURE_SOURCES must be https: or origins such as https://cdn.example"

    def _bad_key(self) -> Iterator[str]:
        keys = (self.secret_key, *self.secret_key_fallbacks)
        if any(not isinstance(key, str) for key in keys):
            # Flask takes bytes as well, but a key that both are to read has to be text.
            yield f"{PREFIX}SECRET_KEY and each of {PREFIX}SECRET_KEY_FALLBACKS must be text"
        elif any(len(key.encode()) < SHORTEST_KEY for key in keys):
            yield (
                f"{PREFIX}SECRET_KEY and each of {PREFIX}SECRET_KEY_FALLBACKS must have "
                f"{SHORTEST_KEY} bytes or more; {MAKE_ONE}"
            )
        # Of a guessable fallback `locker doctor` only warns: were it refused, an operator could not
        # turn away from such a key without logging everybody out.
        elif self.production and is_guessable(self.secret_key):
            yield f"{PREFIX}SECRET_KEY is well known or easy to guess; {MAKE_ONE}"

    def _bad_numbers(self) -> Iterator[str]:
        for field in dataclasses.fields(self):
            value, zero = getattr(self, field.name), field.metadata["zero"]
            # The comparison is written so that it refuses nan.
            if type(value) in {int, float} and not (0 < value <= LARGEST or (zero and value == 0)):
                least = "0 or more" if zero else "more than 0"
                yield f"{PREFIX}{field.name.upper()} must be {least}, and at most {LARGEST}"
        if not all(0 <= seconds <= LARGEST for seconds in self.webhook_retries):
            yield f"{PREFIX}WEBHOOK_RETRIES must each be 0 or more, and at most {LARGEST}"

    @property
    def production(self) -> bool:
        """Whether insecure settings are refused."""
        return self.environment == "production"

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] | None = None, *, serving: bool = True
    ) -> Settings:
        """Read the settings from the environment; raises `SettingsError`.

        A command that answers no requests (``serving`` false) needs the database alone.
        """
        values, problems = cls._read(os.environ if environ is None else environ)
        if values.get("environment") == "development":
            for name, value in _DEVELOPMENT.items():
                values.setdefault(name, value)
        if not serving:
            for name in ("secret_key", "allowed_hosts"):
                values.setdefault(name, _STAND_INS[name])
        missing = _STAND_INS.keys() - values.keys()
        if missing:
            names = [PREFIX + name.upper() for name in _STAND_INS if name in missing]
            problems.insert(0, f"set {' and '.join(names)}")
        # What is known to be wrong is replaced by a stand-in, so that the rest is checked as well.
        try:
            settings = cls(**{**_STAND_INS, **values})
        except SettingsError as error:
            problems += error.problems
        if problems:
            raise SettingsError(*problems)
        return settings

    @classmethod
    def _read(cls, environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
        """Return what the variables say, and what is wrong with those that can't be read."""
        values: dict[str, Any] = {}
        problems, kinds = [], get_type_hints(cls)
        for field in dataclasses.fields(cls):
            name, before = PREFIX + field.name.upper(), field.metadata["before"].upper()
            try:
                text = environment.read(environ, name, before and PREFIX + before)
                if text is not None:
                    values[field.name] = environment.parse(name, kinds[field.name], text)
            except SettingsError as error:
                problems.append(str(error))
                values[field.name] = _STAND_INS.get(field.name, field.default)
        return values, problems


def misspelt(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables with our prefix that are no settings, and the nearest that are."""
    fields = dataclasses.fields(Settings)
    names = {name for field in fields for name in (field.name, field.metadata["before"]) if name}
    environ = os.environ if environ is None else environ
    return environment.unknown(environ, {*names, "test_database_url"})


def sources(settings: Settings, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return where each field comes from: a variable, else what development or all begin with."""
    environ = os.environ if environ is None else environ
    begun = {} if settings.production else _DEVELOPMENT
    found = {}
    for field in dataclasses.fields(Settings):
        before = field.metadata["before"].upper()
        name = PREFIX + field.name.upper()
        variable = environment.find_source(environ, name, before and PREFIX + before)
        default = "development" if field.name in begun else "default"
        found[field.name] = variable or default
    return found


_DEVELOPMENT = {
    "secure_cookies": False,
    "allowed_hosts": ("localhost", "127.0.0.1", "[::1]"),
    "drain_time": 0.0,
    "metrics": "main",
    "docs": True,
    "webhook_private": True,
    "webhook_http": True,
}
_STAND_INS = {
    "database_url": "postgresql:",
    "secret_key": secrets.token_hex(SHORTEST_KEY),
    "allowed_hosts": ("localhost",),
}
"""For what is needed; the key is one that nobody has."""


@cache
def currencies() -> frozenset[str]:
    """Return the ISO 4217 codes of what people pay with, by CLDR.

    None for tests, metals, funds and units of account, nor of what is gone.
    """
    return frozenset(
        code
        for territory in get_global("territory_currencies")
        for code in get_territory_currencies(territory, CURRENCIES_SINCE, date.max)
    )


def _bad_hosts(allowed: tuple[str, ...]) -> Iterator[str]:
    for text in allowed:
        try:
            read_pattern(text)
        except ValueError as error:
            yield f"{PREFIX}ALLOWED_HOSTS has {text!r}, which nothing can match: {error}"


def _is_address(text: str) -> bool:
    authority = read_authority(text)
    return authority is not None and bool(authority.port)
