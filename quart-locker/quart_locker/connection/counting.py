"""Connections that count what they are asked."""

from __future__ import annotations

from typing import Any, NamedTuple

from .known_types import LearnedConnection

AROUND = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
"""How what asyncpg says around a transaction's statements begins."""


class Tally(NamedTuple):
    """``round_trips`` are the statements, and the ends of transactions that were waited for."""

    statements: int
    round_trips: int


NOTHING = Tally(0, 0)


def tally_of(connection: object) -> Tally | None:
    """Return what a connection was asked; None where it has died, or is of another class."""
    tally: Tally | None = getattr(connection, "tally", None)
    return tally


class Progress:
    """How far a connection's transaction has come.

    ``undecided`` is whether a loss of the connection now undoes everything since its beginning: a
    transaction has begun, and its COMMIT wasn't sent.
    """

    __slots__ = ("undecided",)

    def __init__(self) -> None:
        self.undecided = False


def progress_of(connection: object) -> Progress:
    """Return the progress of a connection; one that is never undecided, where it notes none."""
    progress: Progress | None = getattr(connection, "progress", None)
    return progress or Progress()


class CountingConnection(LearnedConnection):
    """asyncpg's connection, with the number of its statements and of its round trips.

    What the driver asks for itself, to prepare a statement or to know a type, isn't counted. What
    its ``progress`` says outlives it.
    """

    __slots__ = ("progress", "round_trips", "statements")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.statements = self.round_trips = 0
        self.progress = Progress()

    def execute(self, query: str, *args: Any, **kwargs: Any) -> Any:
        if not args:
            self.round_trips += 1
            if query.startswith(AROUND):
                return self._change_transaction(query, **kwargs)
            self.statements += 1
        return super().execute(query, *args, **kwargs)

    async def _change_transaction(self, query: str, **kwargs: Any) -> Any:
        if query.startswith("BEGIN"):
            self.progress.undecided = True
        elif query.startswith("COMMIT"):
            self.progress.undecided = False
        result = await super().execute(query, **kwargs)
        if query.startswith("ROLLBACK") and not query.startswith("ROLLBACK TO"):
            # Not before: one that was lost on its way is of a transaction that is undone as well.
            self.progress.undecided = False
        return result

    def _execute(self, *args: Any, **kwargs: Any) -> Any:
        self.round_trips += 1
        self.statements += 1
        return super()._execute(*args, **kwargs)  # type: ignore[misc]

    def _executemany(self, *args: Any, **kwargs: Any) -> Any:
        self.round_trips += 1
        self.statements += 1
        return super()._executemany(*args, **kwargs)  # type: ignore[misc]

    @property
    def tally(self) -> Tally:
        return Tally(self.statements, self.round_trips)
