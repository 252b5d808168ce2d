"""`locker user` and `locker sessions`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from quart.typing import TestClientProtocol as Client
from werkzeug.security import generate_password_hash

from service import create_app
from service.settings import Settings
from tests.support.commands import Locker, development
from tests.support.shopping import API

PASSWORD = "correct horse battery staple"
OTHER_PASSWORD = "another horse, another staple"


@pytest.fixture
async def client(url: str) -> AsyncIterator[Client]:
    """A browser on a service with the same database."""
    environ = {f"LOCKER_{name}": value for name, value in development(url).items()}
    app = create_app(Settings.from_env(environ))
    async with app.test_app():
        yield app.test_client()


@pytest.fixture
def alice(locker: Locker) -> str:
    """An account made by the operator."""
    made = locker("user", "create", "alice", "--email", "alice@example.com", text=f"{PASSWORD}\n")
    assert (made.status, made.output, made.errors) == (0, "Made the account alice.\n", "")
    return "alice"


async def log_in(client: Client, name: str, password: str) -> int:
    answer = await client.post(f"{API}/session", json={"username": name, "password": password})
    return answer.status_code


async def is_logged_in(client: Client) -> bool:
    answer = await client.get(f"{API}/session")
    return bool((await answer.get_json())["authenticated"])


async def test_create(client: Client, alice: str) -> None:
    """An account made here logs in with its name or address, and with its password alone."""
    assert await log_in(client, alice, PASSWORD) == 200
    assert await log_in(client, "alice@example.com", PASSWORD) == 200
    assert await log_in(client, alice, f"{PASSWORD}\n") == 401


REFUSED = [
    ("alice", "other@example.com", PASSWORD, "This user name is taken"),
    ("other", "alice@example.com", PASSWORD, "This e-mail address is taken"),
    ("o ther", "other@example.com", PASSWORD, "username: "),
    ("other", "other@example.com", "short", "password: "),
    ("other", "other@example.com", "", "password: "),
]


def test_create_refused(locker: Locker, alice: str) -> None:
    """`locker user create` refuses what registering refuses, with the reason in a line."""
    for name, email, password, reason in REFUSED:
        ended = locker("user", "create", name, "--email", email, text=password)
        assert (ended.status, ended.output, ended.errors.count("\n")) == (1, "", 1)
        assert ended.errors.startswith(f"Error: {reason}")


async def test_password(locker: Locker, client: Client, alice: str) -> None:
    """A new password ends every login and is the only one from then on."""
    await log_in(client, alice, PASSWORD)
    changed = locker("user", "password", alice, text=f"{OTHER_PASSWORD}\n")
    assert (changed.status, changed.output) == (0, "Changed the password of alice.\n")
    assert not await is_logged_in(client)
    assert await log_in(client, alice, PASSWORD) == 401
    assert await log_in(client, alice, OTHER_PASSWORD) == 200


async def test_disable(locker: Locker, client: Client, alice: str) -> None:
    """A disabled account is logged out and stays so."""
    await log_in(client, alice, PASSWORD)
    disabled = locker("user", "disable", alice)
    assert (disabled.status, disabled.output) == (0, "Disabled alice.\n")
    assert not await is_logged_in(client)
    assert await log_in(client, alice, PASSWORD) == 401


async def test_end_sessions(locker: Locker, client: Client, alice: str) -> None:
    """Ending the sessions logs out, and lets log in again."""
    await log_in(client, alice, PASSWORD)
    ended = locker("sessions", "end", "--user", alice)
    assert (ended.status, ended.output) == (0, "Logins of alice ended: 1.\n")
    assert not await is_logged_in(client)
    assert await log_in(client, alice, PASSWORD) == 200


async def test_delete(locker: Locker, client: Client, alice: str) -> None:
    """A deleted account is asked for first, is gone then, and is told as it was with --json."""
    await log_in(client, alice, PASSWORD)
    asked = locker("user", "delete", alice, text="n\n")
    assert (asked.status, asked.output) == (1, "")
    assert await is_logged_in(client)
    deleted = locker("user", "delete", alice, "--yes", "--json")
    assert (deleted.status, json.loads(deleted.output)["username"]) == (0, "alice")
    assert not await is_logged_in(client)
    assert locker("user", "show", alice).status == 1
    trail = locker("audit", "--event", "account_deleted", "--json")
    assert json.loads(trail.output)["user_agent"] == "the command line"


async def test_export(locker: Locker, client: Client, alice: str) -> None:
    """An export at the command line is the one that the customer gets."""
    await log_in(client, alice, PASSWORD)
    exported = json.loads(locker("user", "export", alice).output)
    own = await (await client.get(f"{API}/account/export")).get_json()
    changing = {"exported_at": None, "events": None}
    assert {**exported, **changing} == {**own, **changing}


def test_changes_as_json(locker: Locker, alice: str) -> None:
    """Each command that changes an account says how it is now, where it is asked for JSON."""
    for arguments, field, value in (
        (("role", alice, "operator"), "role", "operator"),
        (("role", alice, "none"), "role", None),
        (("password", alice), "username", "alice"),
        (("enable", alice), "disabled_at", None),
    ):
        changed = locker("user", *arguments, "--json", text=f"{OTHER_PASSWORD}\n")
        assert (changed.status, json.loads(changed.output)[field]) == (0, value)
    assert json.loads(locker("user", "disable", alice, "--json").output)["disabled_at"]
    ended = locker("sessions", "end", "--user", alice, "--json")
    assert json.loads(ended.output) == {"username": "alice", "ended": 0}


@pytest.mark.parametrize(
    "arguments",
    [["user", "disable"], ["user", "password"], ["sessions", "end", "--user"]],
    ids=" ".join,
)
def test_nobody(locker: Locker, arguments: list[str]) -> None:
    """A command for an account that doesn't exist says its name."""
    ended = locker(*arguments, "nobody", text=f"{PASSWORD}\n")
    assert (ended.status, ended.errors) == (1, "Error: there is no account nobody\n")


def test_password_not_text(locker: Locker) -> None:
    """A password that is not UTF-8 is refused."""
    ended = locker(
        *("user", "create", "alice", "--email", "alice@example.com"), text="\udcff\udcfe" * 9
    )
    assert (ended.status, ended.errors) == (1, "Error: the password is not UTF-8\n")


async def test_users_of_a_flask_application_come_over(locker: Locker, client: Client) -> None:
    """A file of names, addresses and hashes is taken, again too; a bad line is named, left out."""
    made = generate_password_hash(PASSWORD, "scrypt:1024:8:1")
    file = (
        "id,username,email,password_hash\n"
        f"1,bob,bob@example.com,{made}\n"
        f"2,c d,cd@example.com,{made}\n"
        f"3,eve,eve@example.com,plain\n"
        "4,short\n"
    )
    first = locker("user", "import", "-", text=file)
    assert first.output == "Accounts made: 1. There already: 0. Left out: 3.\n"
    assert first.status == 1
    assert [line.partition(":")[0] for line in first.errors.splitlines()] == [
        "line 3",
        "line 4",
        "line 5",
    ]
    assert await log_in(client, "bob", PASSWORD) == 200
    again = locker("user", "import", "-", text=file)
    assert again.output == "Accounts made: 0. There already: 1. Left out: 3.\n"
    assert await log_in(client, "bob", PASSWORD) == 200


@pytest.mark.parametrize(
    "text", ["", "name,mail\na,b\n", "username,email,password_hash\n\udcff\udcfe,x,y\n"]
)
def test_a_file_of_users_that_is_none_is_one_line(locker: Locker, text: str) -> None:
    """A file of users that can't be read is told in one line, and makes nobody."""
    ended = locker("user", "import", "-", text=text)
    assert ended.status == 1
    assert len(ended.errors.splitlines()) == 1


async def test_an_operator_has_a_role_and_a_token(
    client: Client, locker: Locker, alice: str
) -> None:
    """A token with the scope `admin` is an operator's, is printed alone, listed and ended."""
    refused = locker("token", "create", "--scope", "admin", "--user", alice)
    assert (refused.status, refused.output) == (1, "")
    assert "locker user role alice operator" in refused.errors
    assert locker("token", "create", "--scope", "admin").status == 1
    assert locker("user", "role", alice, "operator").output == "alice is an operator.\n"
    made = locker("token", "create", "the counter", "--scope", "admin")
    assert (made.status, made.output[:9]) == (0, "locker_a_")
    headers = {"Authorization": f"Bearer {made.output.strip()}"}
    known = await client.open("/api/v1/admin/orders/x", method="TRACE", json=None, headers=headers)
    assert known.status_code == 405
    listed = json.loads(locker("token", "list", "--json").output)
    assert (listed["name"], listed["username"], listed["scopes"]) == (
        "the counter",
        alice,
        ["admin"],
    )
    assert locker("token", "revoke", listed["id"]).status == 0
    assert locker("token", "revoke", listed["id"]).status == 1
    assert locker("token", "list").output == ""
    assert locker("user", "role", alice, "none").output == "alice has no role.\n"
    events = [
        json.loads(line)
        for line in locker("audit", "--user", alice, "--json").output.split("\n")
        if line
    ]
    assert [each["event"] for each in events][:4] == [
        *("role_taken", "token_ended", "token_made", "role_given")
    ]
