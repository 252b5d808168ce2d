"""Two clients of one account, on two processes: what ends one is seen by the other at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import asyncpg
import httpx

from service import accounts
from service.audit import COMMAND_LINE
from service.settings import Settings
from tests.support.operators import find_id
from tests.support.serving import Served, serve
from tests.support.shopping import API, PASSWORD, new_name

NEW_PASSWORD = "a brand new secret of mine"


class Shopper(NamedTuple):
    """An account with a browser on each process, and a token that the other process knows."""

    name: str
    mine: httpx.Client
    other: httpx.Client
    token: dict[str, str]
    token_id: str
    database_url: str

    def seen(self) -> tuple[bool, int]:
        """Return what the other process makes of the other browser, and of the token."""
        browser = self.other.get(f"{API}/session").json()["authenticated"]
        token = self.other.get(f"{API}/account", headers=self.token).status_code
        return browser, token


@contextmanager
def shopping(one: Served, two: Served, database_url: str) -> Iterator[Shopper]:
    """Register on one process, log in on the other, and make a token."""
    name = new_name()
    with httpx.Client(base_url=one.url) as mine, httpx.Client(base_url=two.url) as other:
        body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        assert mine.post(f"{API}/account", json=body).status_code == 201
        body = {"username": name, "password": PASSWORD}
        assert other.post(f"{API}/session", json=body).status_code == 200
        body = {"name": "x", "current_password": PASSWORD}
        made = mine.post(f"{API}/account/tokens", json=body).json()
        token = {"Authorization": f"Bearer {made['token']}"}
        yield Shopper(name, mine, other, token, made["id"], database_url)


async def change_password(shopper: Shopper) -> None:
    response = shopper.mine.put(
        f"{API}/account/password",
        json={"current_password": PASSWORD, "new_password": NEW_PASSWORD},
    )
    assert response.status_code == 204


async def end_one_login(shopper: Shopper) -> None:
    logins = shopper.mine.get(f"{API}/account/sessions").json()["sessions"]
    (login,) = (each["id"] for each in logins if not each["current"])
    assert shopper.mine.delete(f"{API}/account/sessions/{login}").status_code == 204


async def end_the_token(shopper: Shopper) -> None:
    response = shopper.mine.delete(f"{API}/account/tokens/{shopper.token_id}")
    assert response.status_code == 204


async def end_other_logins(shopper: Shopper) -> None:
    assert shopper.mine.delete(f"{API}/account/sessions").status_code == 204


async def delete_account(shopper: Shopper) -> None:
    response = shopper.mine.request("DELETE", f"{API}/account", json={"current_password": PASSWORD})
    assert response.status_code == 204


async def end_everything(shopper: Shopper) -> None:
    """As `locker sessions end` does."""
    db = await asyncpg.connect(shopper.database_url)
    account_id = await find_id(db, shopper.name)
    assert await accounts.revoke_all_logins(db, account_id, COMMAND_LINE) == 3
    await db.close()


async def disable(shopper: Shopper) -> None:
    """As `locker user disable` does."""
    db = await asyncpg.connect(shopper.database_url)
    await accounts.disable(db, await find_id(db, shopper.name), COMMAND_LINE)
    await db.close()


DEEDS: dict[Callable[[Shopper], Awaitable[None]], tuple[bool, int, bool]] = {
    change_password: (False, 401, True),
    end_one_login: (False, 200, True),
    end_the_token: (True, 401, True),
    end_other_logins: (False, 200, True),
    delete_account: (False, 401, False),
    end_everything: (False, 401, False),
    disable: (False, 401, False),
}
"""What the other browser, the token and the browser that did it are from then on."""


async def test_next_request_of_the_other_client_sees_it(
    settings: Settings, database_url: str
) -> None:
    """What one client does the next request of another sees, by cookie and by token.

    A changed password, one login ended, one token, all others, all, a deleted and a disabled
    account.
    """
    found = {}
    with serve(settings) as one, serve(settings) as two:
        for deed in DEEDS:
            with shopping(one, two, database_url) as shopper:
                assert shopper.seen() == (True, 200)
                await deed(shopper)
                session = shopper.mine.get(f"{API}/session").json()
                found[deed] = (*shopper.seen(), session["authenticated"])
    assert found == DEEDS
