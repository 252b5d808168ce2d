"""The service with slow pages, for clients to leave in the middle of."""

from __future__ import annotations

import asyncio
from collections import Counter

from quart import Quart, Response, g, request, stream_with_context

import service
from service.database import Pool, get_db


def create_app() -> Quart:
    """Return the service, as the environment has it, with the slow pages."""
    app = service.create_app()
    endings: Counter[str] = Counter()

    async def write() -> None:
        """Two rows that belong together."""
        db = await get_db()
        async with db.transaction():
            pair = await db.fetchval("insert into pairs (half) values ('left') returning pair")
            await db.execute("select pg_sleep(0.002)")
            await db.execute("insert into pairs (pair, half) values ($1, 'right')", pair)

    @app.route("/slow", methods=["GET", "POST"])
    async def slow() -> str:
        try:
            await request.get_data()
            await write()
        except asyncio.CancelledError:
            endings["cancelled"] += 1
            raise
        endings["finished"] += 1
        return "done"

    @app.get("/stream")
    async def stream() -> Response:
        await write()

        @stream_with_context
        async def generate():  # type: ignore[no-untyped-def]  # noqa: ANN202
            for _ in range(3):
                yield str(await (await get_db()).fetchval("select 1 from pg_sleep(0.001)"))

        return Response(generate())

    @app.get("/state")
    async def state() -> dict[str, int]:
        pool: Pool = app.extensions["locker"].get(Pool)
        return {"idle": pool.idle, **endings}

    return app


def create_app_that_awaits() -> Quart:
    """Return the same, but giving its connections back the obvious way, which is wrong."""
    app = create_app()

    async def teardown(_: BaseException | None) -> None:
        if "db" in g:
            await asyncio.sleep(0.005)  # a server further away
            await app.extensions["locker"].get(Pool)._pool.release(g.pop("db"))

    del app.do_teardown_appcontext
    app.teardown_appcontext(teardown)
    return app
