"""A crowd of clients that never end: `python -m tests.support.crowd PORT KIND CLIENTS`.

In a process of its own, so that it takes no time from the shopper whose waiting is measured. Writes
a line when it begins.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from types import SimpleNamespace
from typing import Any

from tests.support.wire import NEVER_ENDING, frame

MIXED = "of every kind"


async def crowd(port: int, kind: str, clients: int) -> None:
    names = [*NEVER_ENDING] if kind == MIXED else [kind]
    served: Any = SimpleNamespace(port=port)
    openings = {name: NEVER_ENDING[name](served) for name in names}
    sys.stdout.write("coming\n")
    sys.stdout.flush()
    async with asyncio.TaskGroup() as tasks:
        for number in range(clients):
            name = names[number % len(names)]
            tasks.create_task(come_again(port, openings[name], pings=name == "pings"))


async def come_again(port: int, opening: bytes, *, pings: bool) -> None:
    """Hold a connection open; when it is closed, come back."""
    while True:
        with contextlib.suppress(OSError):
            # Of what comes next to nothing is read: it stays in the kernel, and with the service.
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
            writer.write(opening)
            while not (reader.at_eof() or reader.exception() or writer.transport.is_closing()):
                await asyncio.sleep(1)
                if pings:
                    writer.write(frame(6, payload=bytes(8)))
            writer.transport.abort()
        await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(crowd(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
