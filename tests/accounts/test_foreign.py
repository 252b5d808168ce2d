"""Hashes of other applications: good for one login, then ours."""

from __future__ import annotations

from typing import TypeAlias

import asyncpg
import pytest
from quart.typing import TestClientProtocol as Client
from werkzeug.security import generate_password_hash

from service import accounts
from service.accounts.foreign import is_foreign
from service.errors import Invalid
from tests.support.shopping import API, PASSWORD, new_name

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.mark.parametrize("method", ["scrypt:1024:8:1", "pbkdf2:sha256:1000", "pbkdf2:sha512:1000"])
async def test_the_first_login_puts_a_hash_of_ours_in_its_place(
    client: Client, observer: Connection, method: str
) -> None:
    """The password that was right in the other application is right here, and hashed anew."""
    name = new_name()
    made = generate_password_hash(PASSWORD, method)
    account = await accounts.import_account(observer, name, f"{name}@example.com", made)

    async def log_in(password: str) -> int:
        response = await client.post(
            f"{API}/session", json={"username": name, "password": password}
        )
        return response.status_code

    async def stored() -> str:
        return str(
            await observer.fetchval("select password_hash from accounts where id = $1", account.id)
        )

    assert await log_in("not the password at all") == 401
    assert await stored() == made
    assert await log_in(PASSWORD) == 200
    assert (await stored()).startswith("$argon2id$")
    assert await log_in(PASSWORD) == 200


@pytest.mark.parametrize("method", ["scrypt", "pbkdf2"])
def test_what_werkzeug_makes_by_default_is_taken(method: str) -> None:
    """A hash with the parameters that werkzeug takes by default is within the bounds."""
    assert is_foreign(generate_password_hash(PASSWORD, method))


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "secret",
        "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99",
        "$2b$12$abcdefghijklmnopqrstuuT9S7Qo2yYJkJ2vS5lq4gJ7F8uK5eH2e",
        "scrypt:1073741824:8:1$salt$" + "0" * 128,
        "scrypt:32768:8:64$salt$" + "0" * 128,
        "scrypt:1000:8:1$salt$" + "0" * 128,
        "scrypt:0:8:1$salt$" + "0" * 128,
        "pbkdf2:sha256:0$salt$" + "0" * 64,
        "pbkdf2:sha256:999999999$salt$" + "0" * 64,
        "pbkdf2:sha256:1000$salt$" + "x" * 64,
        "pbkdf2:sha256:1000$salt$" + "0" * 64 + "\n",
    ],
)
async def test_a_hash_that_is_none_or_takes_too_long_is_refused(db: Connection, bad: str) -> None:
    """No hash gets in that would take memory or time without a bound, or never be right."""
    name = new_name()
    with pytest.raises(Invalid):
        await accounts.import_account(db, name, f"{name}@example.com", bad)
