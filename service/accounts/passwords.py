"""Judging and hashing passwords: off the event loop, bounded, holding no connection.

Hashes are argon2id of the password in NFKC, so that one typed on another system, where an
accent is a character of its own, is the same (NIST SP 800-63B-4, 3.1.1.2).
"""

from __future__ import annotations

import asyncio
import random
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from prometheus_client.core import Metric
from zxcvbn_rs_py import zxcvbn

from service import metrics
from service.database import release_db
from service.errors import Busy, TooManyAttempts, WeakPassword
from service.metrics import gauge, gauges
from service.settings import Settings
from service.tracing import Tracer

from .foreign import is_foreign, verify_foreign
from .model import check_password
from .waiting import Holder, WaitingLine

T = TypeVar("T")

WINDOW = 16
"""Characters that zxcvbn gets at once. It holds the GIL while it works, so that the event loop
stands still however many threads there are, and the time it takes grows with the square of what
it gets and worse: 24 signs that each may stand for a letter take it 40 ms, 16 of them 15 ms, a
whole password seconds."""

PATIENCE = 2.0
"""Seconds, more or less, after which those without a place are told so. A flood that has its
answers at once comes again at once, and the event loop has time for nothing else."""

FEWEST_GUESSES = 1_000_000
"""What zxcvbn has to expect a guesser to need: it knows the common passwords, words and names,
and what people do to them. Fewer is what throttling can't outlast for a year."""


class Hasher:
    """Hashes in one thread, so that one hash's memory is all that hashing ever takes.

    More threads would not be faster: argon2 is bound by memory. A request holds a place in the
    ``line`` meanwhile, from before its attempt is counted; who is ``known`` there comes first.
    """

    def __init__(
        self,
        settings: Settings,
        give_way: Callable[[], None] = lambda: None,
        tracer: Tracer | None = None,
    ) -> None:
        """Call ``give_way`` for a request that is only kept waiting."""
        memory_kib, time_cost, parallelism = settings.argon2
        self._argon2 = PasswordHasher(
            time_cost=time_cost, memory_cost=memory_kib, parallelism=parallelism
        )
        self.open()
        self.line = WaitingLine(settings.hash_queue)
        self._give_way = give_way
        self._tracer = tracer or Tracer()
        self._shortest = settings.password_min
        zxcvbn("")  # zxcvbn reads its lists on first use, which takes longer than any window.
        # This hash is checked where there is no such account, so that the answer takes as long.
        self._nobody = self._argon2.hash("nobody has this password")

    @asynccontextmanager
    async def place(self, holder: Holder) -> AsyncIterator[None]:
        """Hold a place in the line; raises `Busy`, though not at once, where there is none."""
        if not self.line.has_place(holder):
            metrics.hash_refused.inc()
            await self._keep_waiting()
            raise Busy(retry_after=1)
        with self.line.place(holder):
            try:
                yield
            except TooManyAttempts:
                # A flood that is refused at once comes back at once, and fills the pool.
                if self.line.is_crowded(holder):
                    release_db()
                    await self._keep_waiting()
                raise

    async def _keep_waiting(self) -> None:
        self._give_way()
        await asyncio.sleep(PATIENCE * random.uniform(0.5, 1.5))  # noqa: S311 - no secret

    def metrics(self) -> Iterator[Metric]:
        """Return how the line stands."""
        line = self.line
        yield gauges(
            "locker_hash_waiting", "Passwords that wait to be hashed.", "holder", line.waiting
        )
        yield gauge("locker_hash_places", "LOCKER_HASH_QUEUE.", line.places)
        yield gauge(
            "locker_hash_places_held", "Log ins and the like that are under way.", line.held
        )

    async def accept(self, password: str, username: str, *, known: bool = False) -> str:
        """Return the hash of a password that somebody chooses.

        Raises `WeakPassword` for one that is too short or long, common, or has the user name
        in it. It is judged in the form that is hashed: others may be longer, or rarer.
        """
        password = _normalised(password)
        check_password(password, username, self._shortest)

        def judge_and_hash() -> str:
            _judge(password, username)
            return self._argon2.hash(password)

        return await self._run(judge_and_hash, known=known)

    async def judge(self, password: str, username: str) -> None:
        """Raise `WeakPassword` where `accept` would."""
        password = _normalised(password)
        check_password(password, username, self._shortest)
        await self._run(lambda: _judge(password, username), known=False)

    async def rehash(self, password: str) -> str:
        """Return the hash of a password that was right, with today's parameters."""
        return await self._run(lambda: self._argon2.hash(_normalised(password)), known=True)

    async def verify(
        self, password_hash: str | None, password: str, *, known: bool = False
    ) -> bool:
        """Return whether the password is right; None, for no account, takes as long."""

        def check() -> bool:
            if password_hash and is_foreign(password_hash):
                return verify_foreign(password_hash, password)
            try:
                return self._argon2.verify(password_hash or self._nobody, _normalised(password))
            except (VerificationError, InvalidHashError):
                return False

        return await self._run(check, known=known) and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Return whether the hash was made with other parameters than today's, or elsewhere."""
        return is_foreign(password_hash) or self._argon2.check_needs_rehash(password_hash)

    def open(self) -> None:
        """Be ready to hash, also after an end."""
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="argon2")

    def close(self) -> None:
        """Let the running hash finish, and no other start."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T], *, known: bool) -> T:
        loop = asyncio.get_running_loop()

        def done(_: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self.line.pass_on)

        # Work that is cancelled while it waits is never begun. Once it has begun, the turn is its
        # own until it is done, cancelled or not.
        with metrics.hash_seconds.time(), self._tracer.hashing():
            await self.line.turn(known=known)
            future = self._executor.submit(work)
            future.add_done_callback(done)
            return await asyncio.wrap_future(future)


def _judge(password: str, username: str) -> None:
    # A guesser of the whole has to guess each part of it, so one good part will do. Between two
    # parts the event loop goes on.
    last = max(len(password) - WINDOW, 0)
    if not any(
        zxcvbn(password[start : start + WINDOW], [username, "locker"]).guesses >= FEWEST_GUESSES
        for start in (*range(0, last, WINDOW), last)
    ):
        message = "It is too common, or too easy to guess."
        raise WeakPassword("password", message, "weak_password")


def _normalised(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
