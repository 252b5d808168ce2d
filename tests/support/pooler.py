"""PgBouncer in transaction mode in front of the tests' PostgreSQL."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg

from service.devserver import become
from service.settings import Settings

PROGRAM = os.environ.get("PGBOUNCER") or shutil.which(
    "pgbouncer", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
)
"""Another version is named by ``PGBOUNCER``, one in a container by a script that runs it."""
READY_WITHIN = 20.0  # seconds
CONFIGURATION = """
[databases]
* = host=/proc/self/cwd port=5432 user=locker

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 1000
ignore_startup_parameters = {ignored}
"""
IGNORED = "locker.direct, statement_timeout, lock_timeout, idle_in_transaction_session_timeout"
"""What hides a pooler from whoever sends these."""


class Pooler:
    """PgBouncer, for a server that `PostgresServer` runs; ``server_url`` is the server's."""

    def __init__(self, server_url: str, port: int) -> None:
        self._host = parse_qs(urlsplit(server_url).query)["host"][0]
        self.port = port

    def url(self, database_url: str) -> str:
        """Return the address of one of the server's databases, by the pooler."""
        name = urlsplit(database_url).path.lstrip("/")
        return f"postgresql://locker@127.0.0.1:{self.port}/{name}"

    def in_front(self, settings: Settings) -> Settings:
        """Return settings that go by the pooler, if they are for its server."""
        host = parse_qs(urlsplit(settings.database_url).query).get("host", [""])[0]
        if host != self._host:
            return settings
        url = self.url(settings.database_url)
        return dataclasses.replace(settings, database_url=url, pgbouncer="transaction")


@contextmanager
def pooling(server_url: str, *, sessions: int = 20, ignored: str = "") -> Iterator[Pooler]:
    """Run PgBouncer until the block ends, as the user who runs the server.

    ``server_url`` is a server's that we run ourselves. All share so many ``sessions`` of each
    database. Settings of a new session are refused, but ``ignored`` ones dropped in silence.
    """
    assert PROGRAM, "pgbouncer is not installed"
    folder = Path(parse_qs(urlsplit(server_url).query)["host"][0]).resolve()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    owner, name = folder.stat(), f"pgbouncer-{port}"
    (folder / f"{name}.ini").write_text(
        CONFIGURATION.format(port=port, sessions=sessions, ignored=ignored)
    )
    with (folder / "pg_ident.conf").open("a") as file:
        file.write(f'locker "{pwd.getpwuid(owner.st_uid).pw_name}" locker\n')
    asyncio.run(_reload(server_url.replace("//locker@", "//postgres@")))
    user = f"{owner.st_uid}:{owner.st_gid}" if os.geteuid() == 0 else "-"
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, become.__file__, str(os.getpid()), user),
                *(PROGRAM, f"{name}.ini"),
            ],
            # It finds the server as the server finds its data, whatever the rights above.
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        pooler = Pooler(server_url, port)
        asyncio.run(_await_ready(pooler.url(server_url), process))
        yield pooler
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(READY_WITHIN)


async def _reload(superuser: str) -> None:
    db = await asyncpg.connect(superuser)
    await db.execute("select pg_reload_conf()")
    await db.close()


async def _await_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            db = await asyncpg.connect(url, statement_cache_size=0)
        except (OSError, asyncpg.PostgresError):
            await asyncio.sleep(0.05)
        else:
            await db.close()
            return
    raise AssertionError("PgBouncer doesn't answer; its log is in the server's data folder")
