"""Judging a password: whatever it is, the event loop goes on."""

from __future__ import annotations

import asyncio
import random
import string
import time
from collections.abc import Awaitable

import pytest
from quart import Quart

from service.accounts import Hasher
from service.errors import WeakPassword
from service.settings import Settings
from tests.support.shopping import API, PASSWORD, new_name, register

LONGEST_STALL = 0.05
LETTERS = random.Random(26)
LEET = "4@8({[<369&#!1|/0$5+7%2"


def drawn(letters: str, count: int) -> str:
    return "".join(LETTERS.choices(letters, k=count))


PASSWORDS = {
    "a run of 27 signs repeated": ("&3[!529$6!543%4|{{&[672+5@(" * 4)[:96],
    "as a password manager makes it": drawn(string.printable[:94], 100),
    "the longest, of any signs": drawn(string.printable[:94], 1024),
    "the longest, of digits that stand for letters": drawn(LEET, 1024),
    "the longest, weak in every part": "4@" * 512,
    "the longest run of dates": "1.1.1990/" * 113,
    "repeats of repeats": ("a1" * 11 + "b2" * 12) * 22,
    "words, in other signs": "p@$$w0rd!" * 113,
    "each sign for another letter": "48+(<{/9!|%&7@[$013652e9" * 4,
    "signs beyond ASCII": "ſ4İ0ß@字$" * 70,
}


async def longest_stall(work: Awaitable[object]) -> float:
    """Return for how many seconds the loop stood still at most while the work went on."""
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - before - 0.001)

    beating = asyncio.create_task(beat())
    await asyncio.sleep(0.01)
    await work
    await asyncio.sleep(0.01)
    beating.cancel()
    return longest


@pytest.mark.alone
@pytest.mark.parametrize("password", PASSWORDS.values(), ids=PASSWORDS)
async def test_loop_goes_on_while_a_password_is_judged(app: Quart, password: str) -> None:
    """The loop goes on while the most awkward password is judged, taken or refused.

    The best of three, as the machine may be busy with something else.
    """
    client = app.test_client()
    await register(client)
    stalls = []
    for _ in range(3):
        name = new_name()
        body = {"username": name, "email": f"{name}@example.com", "password": password}
        stalls.append(
            max(
                await longest_stall(app.test_client().post(f"{API}/account", json=body)),
                await longest_stall(
                    client.put(
                        f"{API}/account/password",
                        json={"current_password": PASSWORD, "new_password": password},
                    )
                ),
            )
        )
        await client.put(
            f"{API}/account/password",
            json={"current_password": password, "new_password": PASSWORD},
        )
    assert min(stalls) < LONGEST_STALL


@pytest.mark.parametrize("settling", [1, 16, 17, 24, 31, 32, 100])
async def test_one_good_part_makes_a_password_good(settings: Settings, settling: int) -> None:
    """One good part makes a password good; a long one of weak parts alone is refused."""
    hasher = Hasher(settings)
    with pytest.raises(WeakPassword):
        await hasher.accept("a" * (24 + settling), "ada")
    for password in ("a" * settling + "wire nano 7!", "wire nano 7!" + "a" * settling):
        assert await hasher.verify(await hasher.accept(password, "ada"), password)
