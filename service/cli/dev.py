"""`locker dev`: the whole service, with nothing to install or to set."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from hypercorn.config import Config

from service.accounts import fill_skeletons
from service.catalogue import SAMPLE, import_products, is_empty
from service.devserver import PostgresServer, reach
from service.migrations import migrate
from service.ops import configure_logging
from service.settings import PREFIX, Settings

from .database import direct
from .hosting import host, open_sockets


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=".locker",
    show_default=True,
    help="Where the database and the secret key are kept.",
)
def dev(port: int, data: Path) -> None:
    """Run the shop on this machine, with a PostgreSQL of its own.

    The first start imports a sample catalogue. What you do stays in the data folder.
    """
    # Until the event loop takes over, SIGTERM is to be as orderly as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config = open_sockets(
        f"127.0.0.1:{port}", "name another port: make run PORT=8080, or --port 8080"
    )
    try:
        with PostgresServer(data) as server:
            settings = _settings(server.dsn, data)
            configure_logging(settings)
            asyncio.run(_run(settings, config, port, data))
    except KeyboardInterrupt:
        pass
    click.echo("Stopped.")


@contextmanager
def kept_in(data: Path) -> Iterator[None]:
    """Let commands work on what `locker dev` keeps in the folder, whether it runs or not."""
    with reach(data) as url:
        settings = _settings(url, data)
        for name in ("environment", "database_url", "secret_key"):
            os.environ.pop(f"{PREFIX}{name.upper()}_FILE", None)
            os.environ[f"{PREFIX}{name.upper()}"] = getattr(settings, name)
        yield


async def _run(settings: Settings, config: Config, port: int, data: Path) -> None:
    await _prepare(settings)
    click.echo(
        f"""
  The shop   http://127.0.0.1:{port}/
  API docs   http://127.0.0.1:{port}/docs
  Commands   {_program()} --data {data} --help
  To stop    Ctrl-C
"""
    )
    await host(settings, config)


async def _prepare(settings: Settings) -> None:
    async with direct(settings) as db:
        await migrate(db)
        await fill_skeletons(db)
        # In one transaction, so that a start that was cut short leaves no half of a catalogue,
        # which would look like one of the user's own.
        async with db.transaction():
            if await is_empty(db):
                click.echo("Importing the sample catalogue")
                with SAMPLE.open("rb") as source:
                    await import_products(db, source, currency=settings.currency)


def _program() -> str:
    """Return how this program is called from where we are."""
    program = Path(sys.argv[0])
    on_path = shutil.which(program.name)
    if on_path and Path(on_path).samefile(program):
        return program.name
    return str(program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program)


def _settings(url: str, data: Path) -> Settings:
    return Settings(
        environment="development",
        database_url=url,
        secret_key=_secret_key(data / "secret.key"),
        allowed_hosts=("localhost", "127.0.0.1", "[::1]"),
        secure_cookies=False,
        drain_time=0,
        metrics="main",
        docs=True,
    )


def _secret_key(path: Path) -> str:
    """Return the folder's own key, made the first time; whole or not there at all."""
    if not path.exists():
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
    return path.read_text()
