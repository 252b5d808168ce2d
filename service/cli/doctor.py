"""`locker doctor`."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import asyncpg
import click

from service.catalogue import (
    count_other_currencies,
    is_empty,
    select_currency,
    select_search_language,
)
from service.database import Connection, PoolerFound
from service.errors import SettingsError
from service.migrations import SchemaError, find_missing_rights, pending
from service.settings import Settings, is_guessable, misspelt, read_address
from service.standby import NotAStandby, find_place, find_standbys_place, reach_by

from .database import direct
from .output import echo_json, json_option, paint
from .problems import UNKNOWN_PARAMETER, explain

OLDEST_POSTGRES = 15
OTHER_FILES = 64
"""Open at once beside connections: sockets that listen, the log, what is being read."""

SERVER = """
    select
        current_setting('server_version_num')::int / 10000 as version,
        current_setting('server_encoding') as encoding,
        current_setting('transaction_read_only')::bool as read_only,
        current_setting('max_connections')::int as max_connections,
        current_database() as database,
        current_user as role,
        (select ssl from pg_stat_ssl where pid = pg_backend_pid()) as encrypted,
        coalesce(inet_server_addr() << '127.0.0.0/8' or inet_server_addr() = '::1', true) as local,
        exists (
            select from pg_tables
            where schemaname = current_schema and tablename = 'migrations'
                and pg_has_role(tableowner, 'usage')
        ) as owner
"""
READS_MORE = "has_table_privilege('accounts', 'select') as more"
LET_READ = "locker migrate --grant-reading ROLE"
TLS_REQUIRED = frozenset({"require", "verify-ca", "verify-full"})


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about a subject; ``fix`` says what to do where it isn't good.

    With ``runs`` the service runs all the same, if less well.
    """

    subject: str
    what: str
    fix: str = ""
    runs: bool = False

    @property
    def verdict(self) -> str:
        if not self.fix:
            return "good"
        return "warn" if self.runs else "BAD "


COLOURS = {"good": "green", "warn": "yellow", "BAD ": "red"}


@click.command(short_help="Say what is wrong, and how to fix it.")
@json_option
def doctor(*, as_json: bool) -> None:
    """Say what is wrong with settings, database and schema, and how to fix it.

    The exit status is 1 if anything is BAD. Shows no secrets.
    """
    findings = asyncio.run(_collect())
    for finding in findings:
        verdict = finding.verdict
        if as_json:
            about = {"subject": finding.subject, "what": finding.what, "fix": finding.fix}
            echo_json({"verdict": verdict.strip().lower(), **about})
            continue
        click.echo(f"{paint(verdict, COLOURS[verdict])} {finding.subject}: {finding.what}")
        if finding.fix:
            click.echo(f"     {finding.fix}")
    if any(finding.fix and not finding.runs for finding in findings):
        raise SystemExit(1)


async def _collect() -> list[Finding]:
    return [finding async for finding in _examine()]


async def _examine() -> AsyncIterator[Finding]:
    """Go on to the next subject only where the one before it allows."""
    for name, nearest in misspelt().items():
        advice = f"Is it {nearest}?" if nearest else "Take it out; the README has the settings."
        yield Finding("settings", f"{name} is none, and nothing reads it", advice, runs=True)
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        for problem in error.problems:
            yield Finding("settings", problem, "Set it in the environment, see the README.")
        return
    yield Finding("settings", f"fit for {settings.environment}")
    if settings.production and any(map(is_guessable, settings.secret_key_fallbacks)):
        yield Finding(
            "settings",
            "one of LOCKER_SECRET_KEY_FALLBACKS is well known or easy to guess",
            "Take it out as soon as locker_old_key_uses in /metrics stands still.",
            runs=True,
        )
    yield _examine_limits(settings)
    if left_out := read_address(settings.database_url).left_out:
        yield Finding("address", f"does without {', '.join(left_out)}, which is not for Locker")
    try:
        async with direct(settings) as db:
            async for finding in _examine_database(db, settings):
                yield finding
            if settings.standby_url:
                async for finding in _examine_standby(db, settings):
                    yield finding
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        yield Finding("database", explain(error), _find_fix(error))


def _find_fix(error: Exception) -> str:
    if isinstance(error, UNKNOWN_PARAMETER):
        return "Take that out of LOCKER_DATABASE_URL."
    if isinstance(error, PoolerFound):
        return "Set LOCKER_PGBOUNCER=transaction, or name the database itself."
    if isinstance(error, asyncpg.ClientConfigurationError):
        return "Correct LOCKER_DATABASE_URL."
    return "Start it, or set LOCKER_DATABASE_URL to postgresql://user:password@host/database."


def _examine_limits(settings: Settings) -> Finding:
    """A connection that can't be accepted is one that nobody can close for an idler one."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    others = settings.pool_max + OTHER_FILES
    needed = 2 * settings.max_connections + others  # as many newcomers again
    about = f"{settings.max_connections} at once, of {files} open files"
    if files == resource.RLIM_INFINITY or needed <= files:
        return Finding("connections", about)
    return Finding(
        "connections",
        about,
        f"Set LOCKER_MAX_CONNECTIONS to {max(1, (files - others) // 2)} or less, "
        f"or start it with `ulimit -n {needed}` or more.",
    )


async def _examine_database(db: Connection, settings: Settings) -> AsyncIterator[Finding]:
    server = await db.fetchrow(SERVER)
    assert server  # noqa: S101 - a select without a table has one row
    about = f"{server['database']} as {server['role']}, PostgreSQL {server['version']}"
    fix = ""
    if server["version"] < OLDEST_POSTGRES:
        fix = f"Move to PostgreSQL {OLDEST_POSTGRES} or later."
    elif server["encoding"] != "UTF8":
        about += f", encoding {server['encoding']}"
        fix = "Make the database anew with: createdb --encoding=UTF8 --template=template0"
    elif server["read_only"]:
        about += ", read-only"
        fix = "Set LOCKER_DATABASE_URL to the primary; this one takes no writes."
    elif server["max_connections"] < settings.pool_max:
        about += f", {server['max_connections']} connections at most"
        fix = f"Set LOCKER_POOL_MAX, now {settings.pool_max}, below that; all replicas share it."
    yield Finding("database", about, fix)
    for finding in _examine_access(server, settings):
        yield finding
    if missing := await find_missing_rights(db):
        role = server["role"]
        yield Finding(
            "database",
            f"{role} lacks {', '.join(missing)}",
            f"Run as the owner of the tables: locker migrate --grant {role}",
        )
        return
    try:
        names = await pending(db)
    except SchemaError as error:
        yield Finding("schema", str(error), "Then ask `locker doctor` again.")
        return
    if names:
        yield Finding("schema", f"pending: {', '.join(names)}", "Run: locker migrate")
        return
    yield Finding("schema", "up to date")
    yield await _examine_search(db, settings)
    yield await _examine_catalogue(db, settings)


def _examine_access(server: asyncpg.Record, settings: Settings) -> Iterator[Finding]:
    """Say what may be left as it is on one's own machine (OWASP ASVS 5.0, 12.3.1, 13.2.2)."""
    if not settings.production:
        return
    yield from _examine_tls("database", server, settings)
    if server["owner"]:
        yield Finding(
            "database",
            f"{server['role']} owns the tables",
            "Serve as another role, which their owner lets in with: locker migrate --grant ROLE",
            runs=True,
        )


def _examine_tls(subject: str, server: asyncpg.Record, settings: Settings) -> Iterator[Finding]:
    modes = parse_qs(urlsplit(settings.database_url).query).get("sslmode", ["prefer"])
    if not server["local"] and modes[-1] not in TLS_REQUIRED:
        yield Finding(
            subject,
            f"TLS is {'used' if server['encrypted'] else 'not used'}, and not required",
            f"Put sslmode=verify-full into LOCKER_{subject.upper()}_URL, or at least "
            "sslmode=require.",
            runs=True,
        )


async def _examine_standby(primary: Connection, settings: Settings) -> AsyncIterator[Finding]:
    """Say what keeps the service from it: the service runs all the same."""
    there = reach_by(settings)
    try:
        async with direct(there) as db:
            ahead = await find_place(primary)
            place = await find_standbys_place(db, ahead)
            server = await db.fetchrow(f"{SERVER}, {READS_MORE}")
    except (*(asyncpg.PostgresError, asyncpg.InterfaceError, OSError), NotAStandby) as error:
        what = str(error) if isinstance(error, NotAStandby) else explain(error)
        fix = "Until it is mended, lists and searches are read from the primary."
        if isinstance(error, asyncpg.InsufficientPrivilegeError):
            fix = f"At the primary, as the owner of the tables: {LET_READ}"
        yield Finding("standby", what.replace("DATABASE_URL", "STANDBY_URL"), fix, runs=True)
        return
    assert server  # noqa: S101 - a select without a table has one row
    behind = max(0, ahead.position - place.position)
    yield Finding("standby", f"{server['database']} as {server['role']}, {behind} bytes behind")
    if settings.production:
        for finding in _examine_tls("standby", server, there):
            yield finding
    if server["more"]:
        yield Finding(
            "standby",
            f"{server['role']} may read more than the public catalogue",
            f"Use a role of its own; at the primary, as the owner of the tables: {LET_READ}",
            runs=True,
        )


async def _examine_search(db: Connection, settings: Settings) -> Finding:
    language = await select_search_language(db)
    if language == settings.search_language:
        return Finding("search", f"in {language}")
    return Finding(
        "search",
        f"in {language}, but LOCKER_SEARCH_LANGUAGE is {settings.search_language}",
        f"Run: locker migrate. Or set LOCKER_SEARCH_LANGUAGE={language}",
        runs=True,
    )


async def _examine_catalogue(db: Connection, settings: Settings) -> Finding:
    if await is_empty(db):
        return Finding("catalogue", "empty; fill it with: locker catalogue import FILE.csv")
    currency = await select_currency(db)
    about = f"priced in {currency}"
    if currency != settings.currency:
        return Finding(
            "catalogue",
            f"{about}, but LOCKER_CURRENCY is {settings.currency}",
            f"Set LOCKER_CURRENCY={currency}, or see: locker catalogue currency --help",
        )
    others = await count_other_currencies(db, currency)
    if others:
        about += f", {others} variants in another currency"
        return Finding("catalogue", about, f"Withdraw them: locker catalogue currency {currency}")
    return Finding("catalogue", about)
