"""What commands print, for people at a terminal and for programs."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import termios
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from service.cli import main
from tests.support.commands import ENDED_WITHIN, LOCKER, Locker, environment

PASSWORD = "correct horse battery staple\n"


def at_terminal(locker: Locker, *arguments: str, columns: int = 80, **environ: str) -> str:
    """Run a command as a process at a terminal; returns what that shows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [*LOCKER, *arguments],
        cwd=locker.folder,
        env=environment({**locker.environ, "TERM": "xterm", **environ}),
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    process.wait(ENDED_WITHIN)
    return shown.decode().replace("\r\n", "\n")


def objects(output: str) -> list[dict[str, Any]]:
    """Read what `--json` printed: one object a line."""
    return [json.loads(line) for line in output.splitlines()]


@pytest.fixture
def people(locker: Locker) -> list[str]:
    """Three accounts, the second of them disabled."""
    names = ["alice", "bob", "carol"]
    for name in names:
        email = f"{name}.with-a-long-address@mail.example.com"
        assert locker("user", "create", name, "--email", email, text=PASSWORD).status == 0
    assert locker("user", "disable", "bob").status == 0
    return names


def test_help_is_not_cut_off() -> None:
    """On 80 columns every command's first sentence stands whole in its group's list."""
    groups = [main, *(each for each in main.commands.values() if isinstance(each, click.Group))]
    for group in groups:
        listed = CliRunner().invoke(group, ["--help"], terminal_width=80).output
        assert "..." not in listed.partition("Commands:")[2]


def test_users_are_listed(locker: Locker, people: list[str]) -> None:
    """`locker user list` has everybody by name, page by page, and with --disabled such alone."""
    listed = locker("user", "list", "--limit", "2")
    assert [line.split()[0] for line in listed.output.splitlines()] == people[:2]
    assert listed.errors == "More: --after bob\n"
    rest = objects(locker("user", "list", "--after", "bob", "--json").output)
    assert [each["username"] for each in rest] == ["carol"]
    disabled = objects(locker("user", "list", "--disabled", "--json").output)
    assert [each["username"] for each in disabled] == ["bob"]
    assert disabled[0]["disabled_at"]


def test_disabled_users_are_found_and_enabled(locker: Locker, people: list[str]) -> None:
    """What `disable` did `enable` takes back, by name or address, and each may be done twice."""
    assert "disabled since" in locker("user", "show", "BOB").output
    assert locker("user", "disable", "bob").output == "Disabled bob.\n"
    address = "bob.with-a-long-address@mail.example.com"
    for _ in range(2):
        enabled = locker("user", "enable", address)
        assert (enabled.status, enabled.output) == (0, f"Enabled {address}.\n")
    (shown,) = objects(locker("user", "show", "bob", "--json").output)
    assert (shown["username"], shown["disabled_at"]) == ("bob", None)
    for command in ("show", "enable"):
        missing = locker("user", command, "nobody")
        assert (missing.status, missing.errors) == (1, "Error: there is no account nobody\n")
    kinds = [each["event"] for each in objects(locker("audit", "--user", "bob", "--json").output)]
    assert kinds == ["account_enabled", "account_disabled", "registered"]


def test_audit(locker: Locker, people: list[str]) -> None:
    """`locker audit` has the newest first: of an account, of a kind, of a time, page by page."""
    everything = objects(locker("audit", "--json").output)
    assert [each["event"] for each in everything] == ["account_disabled", *["registered"] * 3]
    page = locker("audit", "--limit", "1")
    assert "account_disabled" in page.output
    newest = everything[0]
    assert page.errors == f"More: --after {newest['id']}\n"
    assert objects(locker("audit", "--after", str(newest["id"]), "--json").output) == everything[1:]
    assert objects(locker("audit", "--until", newest["at"], "--json").output) == everything[1:]
    assert objects(locker("audit", "--since", newest["at"], "--json").output) == everything[:1]
    by_id = locker("audit", "--user", newest["account_id"], "--event", "registered", "--json")
    assert [each["account_id"] for each in objects(by_id.output)] == [newest["account_id"]]


@pytest.mark.parametrize(
    "arguments",
    [["user", "list", "--after", "zz"], ["audit", "--since", "2100-01-01"], ["orders", "list"]],
    ids=" ".join,
)
def test_nothing_is_said_on_standard_error(locker: Locker, arguments: list[str]) -> None:
    """Where there is nothing, standard output is empty and standard error says so."""
    ended = locker(*arguments)
    assert (ended.status, ended.output, ended.errors.count("\n")) == (0, "", 1)
    assert ended.errors.startswith("No ")
    assert locker(*arguments, "--json").output == ""


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "0001-01-01T00:00+05:00", ""])
def test_a_day_that_is_none_is_misuse(locker: Locker, text: str) -> None:
    """A day that is none is told with what one looks like, and the exit status is 2."""
    ended = locker("audit", "--since", text)
    assert ended.status == 2
    assert "such as 2026-11-26" in ended.errors


def test_settings(locker: Locker) -> None:
    """`locker settings` has what is in force, from where, and shows no secret."""
    key = Path(locker.folder, "key")
    key.write_text(locker.environ["LOCKER_SECRET_KEY"])
    environ = {name: text for name, text in locker.environ.items() if name != "LOCKER_SECRET_KEY"}
    there = {"LOCKER_SECRET_KEY_FILE": str(key), "LOCKER_POOL_MAX": "7"}
    mine = replace(locker, environ={**environ, **there})
    listed = {each["name"]: each for each in objects(mine("settings", "--json").output)}
    assert listed["LOCKER_POOL_MAX"]["value"] == 7
    origins = {name: each["source"] for name, each in listed.items()}
    assert origins["LOCKER_POOL_MAX"] == "LOCKER_POOL_MAX"
    assert origins["LOCKER_SECRET_KEY"] == "LOCKER_SECRET_KEY_FILE"
    assert origins["LOCKER_DOCS"] == "development"
    assert origins["LOCKER_CURRENCY"] == "default"
    for output in (mine("settings").output, mine("settings", "--json").output):
        assert locker.environ["LOCKER_SECRET_KEY"] not in output
        assert locker.environ["LOCKER_DATABASE_URL"] not in output


def test_doctor_and_purge_for_programs(locker: Locker) -> None:
    """With --json a verdict and a number come as such, one object a line."""
    verdicts = objects(locker("doctor", "--json").output)
    assert {"good"} <= {each["verdict"] for each in verdicts} <= {"good", "warn"}
    assert {"settings", "schema"} <= {each["subject"] for each in verdicts}
    purged = objects(locker("purge", "--dry-run", "--json").output)
    assert {"what": "guests' carts", "number": 0, "deleted": False} in purged


@pytest.mark.parametrize("columns", [40, 60])
def test_tables_at_a_terminal(locker: Locker, people: list[str], columns: int) -> None:
    """At a terminal a table has titles and is no wider; NO_COLOR takes the colours away."""
    plain = at_terminal(locker, "user", "list", columns=columns, NO_COLOR="1").splitlines()
    assert plain[0].startswith("NAME ")
    assert "\x1b" not in "".join(plain)
    assert len(plain) == 1 + len(people)
    assert max(map(len, plain)) <= max(columns, 50)
    assert "…" in plain[1]


def test_colours(locker: Locker, people: list[str]) -> None:
    """Colours are for terminals alone."""
    assert "\x1b[31m" in at_terminal(locker, "user", "show", "bob")
    assert "\x1b" not in at_terminal(locker, "user", "show", "bob", NO_COLOR="1")
    assert "\x1b" not in locker("user", "show", "bob").output
