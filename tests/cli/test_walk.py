"""Every command as a user runs it: read through a pipe, at a terminal, and by a program."""

from __future__ import annotations

import json
import os
import pty
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread
from typing import Any

import asyncpg
import click
import pytest

from service import clock, create_app, outbox
from service.cli import main
from service.outbox import OutboxEvent
from service.settings import Settings
from tests.support.checkout import check_out
from tests.support.commands import Locker, development, environment
from tests.support.shopping import add, add_product, register

PASSWORD = "correct horse battery staple\n"

GO_ON = {"serve", "dev"}
"""They run until they are stopped, and have tests of their own."""

WITHOUT_JSON = {"serve", "dev", "worker", "health", "openapi", "user export"}
"""They go on, say all by their exit status, or print JSON as they are."""


def leaves(group: click.Group, *before: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its name as it is typed."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, *before, name)
        else:
            yield " ".join([*before, name]), command


COMMANDS = dict(leaves(main))


def test_json_everywhere() -> None:
    """Every command has `--json`, but for those that have nothing to say in it."""
    without = {
        name
        for name, command in COMMANDS.items()
        if not any("--json" in parameter.opts for parameter in command.params)
    }
    assert without == WITHOUT_JSON & set(COMMANDS)


@dataclass
class Walk:
    """Runs commands in one way, and notes which."""

    locker: Locker
    way: str
    walked: set[str] = field(default_factory=set)

    def __call__(
        self, name: str, *arguments: str, text: str = "", status: int = 0, says: bool = True
    ) -> None:
        """Run a command; it ends with this status, and prints something unless it ``says`` not."""
        self.walked.add(name)
        typed = [*name.split(), *arguments]
        if self.way == "terminal":
            ended, output = self._at_terminal(typed, text)
            errors = output
        else:
            program = self.way == "program" and name not in WITHOUT_JSON
            result = self.locker(*typed, *(["--json"] if program else []), text=text)
            ended, output, errors = result.status, result.output, result.errors
            assert "\x1b" not in result.output + result.errors
            if program:
                # Each line is an object of its own: a program reads them one by one.
                assert all(isinstance(json.loads(line), dict) for line in output.splitlines())
        assert ended == status, (typed, output, errors)
        # A terminal shows standard error as well.
        assert bool(output.strip()) == says or self.way == "terminal", typed

    def _at_terminal(self, typed: list[str], text: str) -> tuple[int, str]:
        """Run a command whose output and errors a terminal shows; returns status and output."""
        ours, theirs = pty.openpty()
        shown: list[bytes] = []
        reader = Thread(target=_read, args=(ours, shown))
        reader.start()
        stdin = self.locker.folder / "typed"
        stdin.write_text(text)
        terminal = Path(os.ttyname(theirs))
        environ = environment({**self.locker.environ, "TERM": "xterm"})
        try:
            ended = self.locker.forks.run(
                typed, self.locker.folder, environ, (stdin, terminal, terminal)
            )
        finally:
            os.close(theirs)
            reader.join()
            os.close(ours)
        output = b"".join(shown).decode()
        assert "Traceback" not in output, output
        return ended, output


def _read(terminal: int, shown: list[bytes]) -> None:
    try:
        while part := os.read(terminal, 65536):
            shown.append(part)
    except OSError:  # nobody has it open any more
        pass


async def an_order(url: str, username: str) -> str:
    """Place an order over HTTP, as a new account; returns its number."""
    environ = {f"LOCKER_{name}": value for name, value in development(url).items()}
    app = create_app(Settings.from_env(environ))
    async with app.test_app():
        client = app.test_client()
        await register(client, username)
        cart = await add(client, "TENT", 2)
        _, order, _ = await check_out(client, cart["total"])
        return str(order["number"])


def read(locker: Locker, *arguments: str) -> list[dict[str, Any]]:
    """What a list has, for what the next commands name."""
    return [json.loads(line) for line in locker(*arguments, "--json").output.splitlines()]


def walk_the_start(walk: Walk) -> None:
    """What there is before anything is sold."""
    walk("migrate", "--check")
    walk("settings")
    walk("openapi")
    walk("health", status=1, says=False)


def walk_the_catalogue(walk: Walk) -> None:
    """What is sold: imported, priced, counted, hidden and shown."""
    file = walk.locker.folder / "prices.csv"
    file.write_text("Handle,Variant SKU,Variant Price\ntent,TENT,20.00\n")
    walk("catalogue import", str(file))
    walk("catalogue currency")
    walk("products price", "TENT", "19.90")
    walk("products price", "TENT", "nineteen", status=1, says=False)
    walk("products price", "NONE", "19.90", status=1, says=False)
    walk("products hide", "tent")
    walk("products publish", "tent")
    walk("stock set", "TENT", "8")
    walk("stock add", "TENT", "-1")
    walk("stock low")
    (variant,) = read(walk.locker, "stock", "low")
    assert (variant["price"], variant["stock"]) == (1990, 7)
    walk("doctor")


def walk_orders(walk: Walk, first: str, second: str) -> None:
    """One is sent, the other isn't."""
    walk("orders list")
    walk("orders show", first)
    walk("orders note", first, "Leave it at the door.")
    walk("orders fulfil", first, "--tracking", "Z1")
    walk("orders cancel", second)
    walk("orders cancel", first, status=1, says=False)


def walk_users(walk: Walk) -> None:
    """Two come, and one goes."""
    file = walk.locker.folder / "users.csv"
    file.write_text("username,email,password_hash\n")
    walk("user import", str(file))
    walk("user create", "alice", "--email", "alice@example.com", text=PASSWORD)
    walk("user list")
    walk("user show", "alice")
    walk("user password", "alice", text=PASSWORD)
    walk("user disable", "alice")
    walk("user enable", "alice")
    walk("user role", "alice", "operator")
    walk("token create", "--scope", "admin")
    walk("token list")
    (token,) = read(walk.locker, "token", "list")
    walk("token revoke", token["id"])
    walk("user logout", "alice")
    walk("sessions end", "--user", "alice")
    walk("user export", "alice")
    walk("user delete", "alice", text="n\n", status=1, says=False)
    walk("user delete", "alice", text="y\n")
    walk("user delete", "alice", "--yes", status=1, says=False)
    walk("audit", "--event", "account_deleted")
    (deleted,) = read(walk.locker, "audit", "--event", "account_deleted")
    assert deleted["user_agent"] == "the command line"
    walk("audit", "--subject", "TENT")


async def walk_webhooks(walk: Walk, url: str, receiver: str) -> None:
    """A receiver that can't be reached: its event is given up, taken back, and forgotten."""
    walk("webhooks add", "erp", receiver)
    walk("webhooks list")
    walk("webhooks rotate", "erp")
    walk("webhooks test", "erp", status=1, says=walk.way == "program")
    db = await asyncpg.connect(url)
    try:
        number = "K7Q2"
        event = OutboxEvent("order.placed", number, clock.now(), {"number": number})
        await outbox.tell(db, event)
    finally:
        await db.close()
    told = read(walk.locker, "events", "tail")[-1]["id"]
    walk("worker", "--once", says=False)
    walk("events list")
    walk("events tail")
    walk("events skip", told)
    walk("events retry", told)
    walk("webhooks disable", "erp")
    walk("webhooks enable", "erp")
    walk("webhooks remove", "erp")
    walk("purge", "--dry-run")
    walk("purge")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", ["pipe", "terminal", "program"])
async def test_every_command(locker: Locker, url: str, way: str) -> None:
    """A shop's life at the command line: each command does its work and says so."""
    # A port of ours where nobody listens: neither the shop nor a receiver of webhooks.
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        settings = {"LOCKER_BIND": address}
        walk = Walk(replace(locker, environ={**locker.environ, **settings}), way)
        walk_the_start(walk)
        await add_product(url, sku="TENT", stock=10)
        walk_the_catalogue(walk)
        walk_orders(walk, await an_order(url, "first"), await an_order(url, "second"))
        walk_users(walk)
        await walk_webhooks(walk, url, f"http://{address}/")
    assert walk.walked | GO_ON == set(COMMANDS) | GO_ON
