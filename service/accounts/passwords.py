"""Hashing passwords with argon2id: off the event loop, bounded, holding no connection."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from service.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.settings import Settings

T = TypeVar("T")


class Hasher:
    """Hashes in one thread, so that one hash's memory is all that hashing ever takes.

    More threads would not be faster: argon2 is bound by memory. When ``hash_queue`` others
    are waiting already, it raises `Busy`.
    """

    def __init__(self, settings: Settings) -> None:
        memory_kib, time_cost, parallelism = settings.argon2
        self._argon2 = PasswordHasher(
            time_cost=time_cost, memory_cost=memory_kib, parallelism=parallelism
        )
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="argon2")
        self._room = settings.hash_queue
        # Checked when there is no such account, so that the answer takes as long.
        self._nobody = self._argon2.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """Return the password's hash, with its parameters and salt."""
        return await self._run(lambda: self._argon2.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Return whether the password is right; None, for no account, takes as long."""

        def check() -> bool:
            try:
                return self._argon2.verify(password_hash or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False

        return await self._run(check) and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Return whether the hash was made with other parameters than today's."""
        return self._argon2.check_needs_rehash(password_hash)

    def close(self) -> None:
        """Let the running hash finish, and no other start."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._room <= 0:
            raise Busy(retry_after=1)
        self._room -= 1
        # Cancelled while it waits, it is never begun; counted until it is over.
        future = self._executor.submit(work)
        future.add_done_callback(self._count_down(asyncio.get_running_loop()))
        return await asyncio.wrap_future(future)

    def _count_down(self, loop: asyncio.AbstractEventLoop) -> Callable[[object], None]:
        def leave() -> None:
            self._room += 1

        def done(_: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(leave)

        return done
