"""The connection of an app context: one, taken on first use, kept in ``g``, always given back."""

from __future__ import annotations

from functools import wraps
from keyword import iskeyword
from typing import Any

import asyncpg
from quart import Quart, current_app, g, has_app_context

from quart_locker.errors import Misconfigured

from .counting import Tally
from .errors import AWAY, BUSY, OF_A_DEAD_CONNECTION, DatabaseAway, DatabaseBusy
from .pool import Connection, Pool, PoolOptions, is_dead
from .visits import Visit, current_visit, is_copy


class PooledConnection:
    """A Quart extension: ``await db.get()`` is this context's connection, also as ``g.db``.

    A context is a request, a websocket, a background task or a command. The first `get` takes a
    connection from the application's pool, later ones return the same, and the context's end gives
    it back, whatever happened. ``name`` is what it is called in ``g``; an application with two
    databases has two of these, with two names. For ``options`` see `PoolOptions`.

    One of these may serve several applications: each has a pool, which opens and closes with it.
    """

    def __init__(
        self, app: Quart | None = None, dsn: str = "", *, name: str = "db", **options: Any
    ) -> None:
        if not _may_be_in_g(name):
            raise Misconfigured(f"name is what g calls the connection, and g.{name} can't be.")
        self.name = name
        self._visit = f"_{name}_visit"
        self._extension = f"quart_locker.{name}"
        self._dsn = dsn
        self._options = options
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart, dsn: str = "", **options: Any) -> Pool:
        """Tie a pool's life to the server's, and each connection's to its app context.

        What isn't said here is as the constructor was told. An error of the database's that the
        application has no handler for is answered by what it means, where that is a 503. Raises
        `Misconfigured`.
        """
        if self._extension in app.extensions:
            raise Misconfigured(
                f"This application has a connection called {self.name!r} already: "
                "give the second one another name."
            )
        try:
            made = PoolOptions(**{**self._options, **options})
        except TypeError as error:
            raise Misconfigured(f"PooledConnection: {error}") from error
        pool = app.extensions[self._extension] = Pool(dsn or self._dsn, made, app.name)

        async def close() -> None:
            # A context that waits for the others must hold no connection itself.
            if has_app_context():
                self.release()
            await pool.close()

        @app.before_serving
        async def close_last() -> None:
            # Other hooks of the end may still need a connection.
            app.after_serving_funcs[:] = [
                *(each for each in app.after_serving_funcs if each is not close),
                close,
            ]

        app.before_serving(pool.open)
        teardown = app.do_teardown_appcontext

        async def do_teardown_appcontext(*args: Any, **kwargs: Any) -> None:
            # This goes around the application's own functions, which may use the connection, and of
            # which one that raises keeps Quart 0.22 from calling those after it.
            try:
                await teardown(*args, **kwargs)
            finally:
                self._end()

        app.do_teardown_appcontext = do_teardown_appcontext  # type: ignore[method-assign]
        app.teardown_request(self._end_copy)
        app.teardown_websocket(self._end_copy)
        handle_user_exception: Any = app.handle_user_exception

        @wraps(handle_user_exception)
        async def handle(*args: Any) -> Any:
            # Quart 0.23 passes the context before the error.
            *context, error = args
            try:
                return await handle_user_exception(*args)
            except Exception as unhandled:
                meant = self.explain(error) if unhandled is error else None
                if meant is None:
                    raise
                meant.__cause__ = error
                return await handle_user_exception(*context, meant)

        app.handle_user_exception = handle  # type: ignore[assignment,method-assign]
        return pool

    @property
    def pool(self) -> Pool:
        """The pool of the current application."""
        pool: Pool | None = current_app.extensions.get(self._extension)
        if pool is None:
            raise RuntimeError("This application has no connection yet: call init_app(app, dsn).")
        return pool

    async def get(self) -> Connection:
        """Return this app context's connection, taking one from the pool on first use.

        Two tasks of one request get the same connection, which runs one query at a time: they
        must take turns. After the context's end it raises `RuntimeError`, also in tasks that
        outlive their request. Raises `DatabaseBusy` when none comes free in time, `DatabaseAway`
        when the database can't be reached.
        """
        visit = current_visit(self._visit)
        # Between "is there one?" and "keep it" lies an await; without the lock the second task of
        # a gather would take a connection that nobody gives back.
        async with visit.lock:
            visit.check()
            if visit.connection is not None and is_dead(visit.connection):
                # A connection that died under this request is no use to what comes after.
                self._release(visit)
            return visit.connection or await self._take(visit)

    async def _take(self, visit: Visit) -> Connection:
        pool = self.pool
        connection = await pool.acquire()
        try:
            visit.check()
        except RuntimeError:
            # The context ended while this task waited.
            pool.release(connection)
            raise
        visit.take(connection)
        if visit.is_kept_by_a_test:
            pool.keep_for_test(visit)
        if g.get(self._visit) is visit:
            setattr(g, self.name, connection)
        if pool.observer is not None:
            pool.observer.taken(connection)
        return connection

    def release(self) -> None:
        """Give the connection back early, before slow work. A later `get` takes another."""
        self._release(current_visit(self._visit))

    def _release(self, visit: Visit) -> None:
        connection = visit.give_back()
        if connection is None:
            return
        if g.get(self.name) is connection:
            g.pop(self.name)
        pool = self.pool
        pool.release(connection)
        if pool.observer is not None:
            pool.observer.given_back(connection)

    def tally(self) -> Tally:
        """Return how many statements this app context has asked so far, and the round trips."""
        return current_visit(self._visit).tally()

    def _end(self) -> None:
        """End the visit: give the connection back, if one was taken, and let none be taken."""
        visit = current_visit(self._visit)
        self._release(visit)
        visit.over = True

    async def _end_copy(self, _: BaseException | None) -> None:
        if is_copy():
            self._end()

    def explain(self, error: BaseException) -> DatabaseAway | DatabaseBusy | None:
        """Return the 503 that an error of the database's means, or None where it is a fault.

        After the one that says that the server has become read-only the connections are replaced.
        """
        if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
            self.pool.distrust()
        if isinstance(error, DatabaseAway | DatabaseBusy):
            return error
        if isinstance(error, BUSY):
            return DatabaseBusy(retry_after=1)
        if isinstance(error, AWAY):
            return DatabaseAway(retry_after=1)
        if isinstance(error, OF_A_DEAD_CONNECTION):
            connection = current_visit(self._visit).connection
            if connection is not None and is_dead(connection):
                return DatabaseAway(retry_after=1)
        return None


def _may_be_in_g(name: object) -> bool:
    """Return whether ``g`` can have this, and hasn't it as a method of its own."""
    return (
        isinstance(name, str)
        and name.isidentifier()
        and not iskeyword(name)
        and not hasattr(Quart.app_ctx_globals_class, name)
    )
