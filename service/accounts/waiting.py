"""Who may wait for a hash, and who comes next. No I/O."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

SHARE = 4
"""The share of all places, a quarter, that one network may hold. As many are kept for known
devices."""

KNOWN_SHARE = 16
"""The share of all places, a sixteenth, that one account's devices may hold together; but at least
`A_FEW`."""

A_FEW = 4


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds places in the line: a stranger's network, or the account of a known device.

    A device is known if it proves that it has logged in here before, to whichever account; what
    it tries now may be another one.
    """

    name: str
    known: bool = False


class WaitingLine:
    """The line before the one thread that hashes.

    A network can't hold more than a share of its ``places``, and strangers together not all of
    them; known devices come first. So a flood of strangers keeps no known device out, and makes it
    wait for no more than the hash that is under way. A line serves one event loop.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self._held: Counter[Holder] = Counter()
        self._taken = False
        self._known: deque[asyncio.Future[None]] = deque()
        self._strangers: deque[asyncio.Future[None]] = deque()

    @property
    def held(self) -> int:
        """Places that are taken."""
        return self._held.total()

    @property
    def waiting(self) -> dict[str, int]:
        """How many wait for their turn."""
        return {"known": len(self._known), "stranger": len(self._strangers)}

    @contextmanager
    def place(self, holder: Holder) -> Iterator[None]:
        """Hold a place, which the holder has to have."""
        self._held[holder] += 1
        try:
            yield
        finally:
            self._held[holder] -= 1
            self._held += Counter()  # without those that hold nothing

    def has_place(self, holder: Holder) -> bool:
        """Return whether there is a place left for this holder."""
        if self.held >= self.places:
            return False
        if holder.known:
            return self._held[holder] < max(self.places // KNOWN_SHARE, A_FEW)
        strangers = sum(count for each, count in self._held.items() if not each.known)
        share = max(self.places // SHARE, 1)
        return self._held[holder] < share and strangers < max(self.places - share, 1)

    def is_crowded(self, holder: Holder) -> bool:
        """Return whether the holder has more places than somebody who logs in needs."""
        return self._held[holder] >= A_FEW

    async def turn(self, *, known: bool) -> None:
        """Wait for one's turn, which lasts until `pass_on`."""
        if not self._taken:
            self._taken = True
            return
        waiting = self._known if known else self._strangers
        mine = asyncio.get_running_loop().create_future()
        waiting.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():
                self.pass_on()
            elif mine in waiting:
                waiting.remove(mine)
            raise

    def pass_on(self) -> None:
        """End a turn, and let the next one begin."""
        for waiting in (self._known, self._strangers):
            while waiting:
                following = waiting.popleft()
                if not following.done():
                    following.set_result(None)
                    return
        self._taken = False
