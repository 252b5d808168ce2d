"""`PooledConnection` in an application that has nothing of the shop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from quart import Blueprint, Quart, g, websocket
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from quart_locker import DatabaseAway, DatabaseBusy, Misconfigured, PooledConnection
from tests.quart_locker.conftest import settle
from tests.support.line import Line


async def backend(db: PooledConnection) -> int:
    """Return the number of the server's process behind the connection."""
    pid: int = await (await db.get()).fetchval("select pg_backend_pid()")
    return pid


def plain(db: PooledConnection, view: Callable[[], Any]) -> Quart:
    """Return an application with one view."""
    app = Quart(__name__)
    app.add_url_rule("/", view_func=view)
    return app


async def test_one_for_each_request(dsn: str) -> None:
    """All of a request get one connection, which is also ``g.db``; afterwards it is back."""
    db = PooledConnection()

    async def view() -> dict[str, bool]:
        one, two = await asyncio.gather(db.get(), db.get())
        return {"one": one is two, "g": g.db is one}

    app = plain(db, view)
    db.init_app(app, dsn)
    async with app.test_app():
        client = app.test_client()
        for _ in range(3):
            assert await (await client.get("/")).get_json() == {"one": True, "g": True}
        assert await settle(app, db) == 10


async def test_released_early(dsn: str) -> None:
    """What was released early is back at once, and the next `get` takes another."""
    db = PooledConnection(max_size=1)
    seen: list[Any] = []

    async def view() -> str:
        await db.get()
        db.release()
        seen.extend(["db" in g, await settle(app, db), await backend(db) > 0])
        return ""

    app = plain(db, view)
    db.init_app(app, dsn)
    async with app.test_app():
        assert (await app.test_client().get("/")).status_code == 200
        assert seen == [False, 1, True]


async def test_said_all_at_once(dsn: str) -> None:
    """The constructor alone does as well, with the server's list naming the application."""
    app = Quart("bookshop")
    db = PooledConnection(app, dsn, min_size=1, max_size=3)
    async with app.test_app(), app.app_context():
        name = await (await db.get()).fetchval("select current_setting('application_name')")
        assert name == "bookshop"
        assert db.pool.idle == 2


async def test_a_factory_and_a_blueprint(dsn: str) -> None:
    """A blueprint's view, its hooks and its teardown use what the factory tied to the app."""
    db = PooledConnection(timeout=1.0)
    seen: list[int] = []
    pages = Blueprint("pages", __name__)

    @pages.before_request
    async def before() -> None:
        seen.append(await backend(db))

    @pages.get("/")
    async def show() -> dict[str, int]:
        return {"pid": await backend(db)}

    @pages.teardown_request
    async def after(_: BaseException | None) -> None:
        seen.append(await backend(db))

    def create_app() -> Quart:
        app = Quart(__name__)
        db.init_app(app, dsn, max_size=2)
        app.register_blueprint(pages)
        return app

    for app in (create_app(), create_app()):
        seen.clear()
        async with app.test_app():
            found = await (await app.test_client().get("/")).get_json()
            assert {found["pid"], *seen} == {found["pid"]}
            assert await settle(app, db) == 2


async def test_two_applications_at_once(dsn: str) -> None:
    """One object serves several applications, each with a pool of its own."""
    db = PooledConnection()
    one, two = Quart("one"), Quart("two")
    for app, size in ((one, 1), (two, 2)):
        db.init_app(app, dsn, max_size=size)
    async with one.test_app(), two.test_app():
        async with one.app_context():
            first = await backend(db)
            async with two.app_context():
                assert await backend(db) != first
                assert db.pool.idle == 1
        assert (await settle(one, db), await settle(two, db)) == (1, 2)


async def test_two_databases_in_one_application(dsn: str) -> None:
    """Two connections have two names in ``g``, and don't get in each other's way."""
    app = Quart(__name__)
    db, archive = PooledConnection(app, dsn), PooledConnection(app, dsn, name="archive")
    async with app.test_app():
        async with app.app_context():
            assert await backend(db) != await backend(archive)
            assert g.db is await db.get()
            assert g.archive is await archive.get()
            db.release()
            assert "db" not in g
            assert g.archive is await archive.get()
        assert (await settle(app, db), await settle(app, archive)) == (10, 10)


async def test_in_a_websocket_and_a_background_task(dsn: str) -> None:
    """A websocket has one for its life, and a background task one of its own."""
    app = Quart(__name__)
    db = PooledConnection(app, dsn)
    done: asyncio.Queue[int] = asyncio.Queue()

    async def work() -> None:
        await done.put(await backend(db))

    @app.websocket("/")
    async def socket() -> None:
        first = await backend(db)
        app.add_background_task(work)
        other = await done.get()
        await websocket.send_json([first == await backend(db), first != other])

    async with app.test_app():
        async with app.test_client().websocket("/") as client:
            assert await client.receive_json() == [True, True]
        assert await settle(app, db) == 10


@pytest.mark.parametrize("reset", [True, False])
async def test_reset_as_told(dsn: str, reset: bool) -> None:  # noqa: FBT001
    """What belongs to the server's session is gone for the next one, unless told otherwise."""
    app = Quart(__name__)
    db = PooledConnection(app, dsn, max_size=1, reset=reset)
    async with app.test_app():
        async with app.app_context():
            await (await db.get()).execute("set search_path to elsewhere")
        async with app.app_context():
            path = await (await db.get()).fetchval("show search_path")
    assert (path != "elsewhere") is reset


async def test_further_options_reach_the_driver(dsn: str) -> None:
    """What asyncpg takes besides is handed on, such as a codec for JSON."""
    app = Quart(__name__)

    async def init(connection: asyncpg.Connection[asyncpg.Record]) -> None:
        await connection.set_type_codec("json", encoder=str, decoder=len, schema="pg_catalog")

    db = PooledConnection(app, dsn, connect={"init": init, "statement_cache_size": 0})
    async with app.test_app(), app.app_context():
        assert await (await db.get()).fetchval("""select '{"a": 1}'::json""") == 8


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"dsn": ""}, "needs the database's address"),
        ({"dsn": None}, "needs the database's address"),
        ({"max_size": 0}, "min_size and max_size"),
        ({"min_size": 3, "max_size": 2}, "min_size and max_size"),
        ({"min_size": -1}, "min_size and max_size"),
        ({"timeout": 0}, "timeout must be seconds, more than 0"),
        ({"timeout": float("inf")}, "timeout must be seconds, more than 0"),
        ({"connect_timeout": -1}, "connect_timeout must be seconds"),
        ({"statement_timeout": float("nan")}, "statement_timeout must be seconds"),
        ({"size": 3}, "unexpected keyword argument 'size'"),
        ({"max_size": "3"}, "min_size and max_size must be whole numbers"),
        ({"max_size": 5.5}, "min_size and max_size must be whole numbers"),
        ({"min_size": True}, "min_size and max_size must be whole numbers"),
        ({"timeout": "2"}, "timeout must be seconds, more than 0"),
        ({"timeout": None}, "timeout must be seconds, more than 0"),
        ({"timeout": timedelta(seconds=2)}, "timeout must be seconds, more than 0"),
        ({"statement_timeout": None}, "statement_timeout must be seconds"),
        ({"statement_timeout": 0.0001}, "statement_timeout must be seconds, from 0.001 to"),
        ({"statement_timeout": 3e6}, "statement_timeout must be seconds, .* to 2147483"),
        ({"application_name": 5}, "application_name must be text"),
        ({"application_name": "a\0b"}, "application_name must be text"),
        ({"reset": None}, "reset must be True or False"),
        ({"name": "a b"}, "name is what g calls the connection"),
        ({"name": ""}, "name is what g calls the connection"),
        ({"name": 5}, "name is what g calls the connection"),
        ({"name": "class"}, "name is what g calls the connection"),
        ({"name": "get"}, "name is what g calls the connection"),
        ({"name": "pop"}, "name is what g calls the connection"),
        ({"name": "setdefault"}, "name is what g calls the connection"),
        ({"name": "__dict__"}, "name is what g calls the connection"),
        ({"dsn": "localhost/shop"}, "needs the database's address: postgresql://"),
        ({"dsn": "postgresql+asyncpg://localhost/shop"}, "needs the database's address"),
        ({"dsn": "sqlite:///shop"}, "needs the database's address"),
        ({"connect": None}, "connect must be a dictionary"),
        ({"connect": {"nonsense": 1}}, "connect has nonsense, which asyncpg doesn't take"),
        ({"connect": {"pool_size": 3, "echo": True}}, "connect has echo, pool_size, which"),
        ({"connect": {"timeout": 3}}, "connect can't say timeout"),
        ({"connect": {"reset": None, "dsn": ""}}, "connect can't say dsn, reset"),
    ],
)
def test_arguments_are_checked(options: dict[str, Any], told: str) -> None:
    """An argument that can't be honoured is refused with a sentence, before anything starts."""
    with pytest.raises(Misconfigured, match=told):
        PooledConnection(Quart(__name__), **{"dsn": "postgresql://localhost/shop", **options})


@pytest.mark.parametrize(
    "wrong",
    [
        "localhost/?sslmode=sometimes",
        "localhost/?target_session_attrs=any-one",
        "localhost/?sslnegotiation=maybe",
    ],
)
async def test_an_address_that_cannot_be_read(wrong: str) -> None:
    """An address that the driver can't read is nobody's to wait for: 500, and the log says why."""
    app = Quart(__name__)
    db = PooledConnection(app, f"postgresql://{wrong}")

    @app.get("/")
    async def show() -> str:
        return str(await db.get())

    async with app.test_app():
        response = await app.test_client().get("/")
        assert response.status_code == 500
        assert "Retry-After" not in response.headers
        async with app.app_context():
            with pytest.raises(Misconfigured, match="The database's address can't be used: "):
                await db.get()


async def test_a_hook_of_the_start_that_comes_too_early(dsn: str) -> None:
    """A hook of the start from before `init_app` is told where it belongs."""
    app, db, told = Quart(__name__), PooledConnection(), []

    @app.before_serving
    async def make_tables() -> None:
        with pytest.raises(
            RuntimeError, match="hook of the start is registered after init_app"
        ) as e:
            await db.get()
        told.append(e)

    db.init_app(app, dsn)
    async with app.test_app():
        assert told


def test_two_of_one_name_are_refused() -> None:
    """Two connections of one name in an application are refused, and the error says what to do."""
    app = Quart(__name__)
    PooledConnection(app, "postgresql://localhost/one")
    with pytest.raises(Misconfigured, match="give the second one another name"):
        PooledConnection(app, "postgresql://localhost/two")


async def test_an_application_it_was_not_tied_to() -> None:
    """In an application it wasn't tied to, `get_db` says so, and what to call."""
    db, app = PooledConnection(), Quart(__name__)
    async with app.app_context():
        with pytest.raises(RuntimeError, match=r"call init_app\(app, dsn\)"):
            await db.get()


async def test_before_the_start_and_after_the_end(dsn: str) -> None:
    """Before the start and after the end `get_db` says what to do; a second start works."""
    app = Quart(__name__)
    db = PooledConnection(app, dsn)
    for _ in range(2):
        async with app.test_app(), app.app_context():
            assert await backend(db)
        async with app.app_context():
            with pytest.raises(RuntimeError, match="after the application's end"):
                await db.get()
    fresh = Quart(__name__)
    db.init_app(fresh, dsn)
    async with fresh.app_context():
        with pytest.raises(RuntimeError, match=r"async with app\.test_app\(\)"):
            await db.get()


async def test_exhausted_is_503(dsn: str) -> None:
    """A pool that has none in time is a 503 that says when to come again, without any handler."""
    db = PooledConnection(max_size=1, timeout=0.05)

    async def view() -> dict[str, int]:
        return {"pid": await backend(db)}

    app = plain(db, view)
    db.init_app(app, dsn)
    async with app.test_app():
        client = app.test_client()
        async with app.app_context():
            await db.get()
            response = await client.get("/")
            assert response.status_code == 503
            assert response.headers["Retry-After"] == "1"
        await settle(app, db)
        assert (await client.get("/")).status_code == 200


@pytest.mark.parametrize("handler", [DatabaseAway, ServiceUnavailable, HTTPException, 503])
async def test_away_is_503_in_the_applications_words(dsn: str, handler: Any) -> None:
    """A database that can't be reached is answered by whatever handler the application has."""
    db = PooledConnection()

    async def view() -> dict[str, int]:
        return {"pid": await backend(db)}

    app = plain(db, view)
    async with Line(dsn) as line:
        db.init_app(app, line.url)

        @app.errorhandler(handler)
        async def away(error: HTTPException) -> tuple[str, int]:
            return f"away: {type(error).__name__}", 503

        async with app.test_app():
            client = app.test_client()
            assert (await client.get("/")).status_code == 200
            await line.cut()
            response = await client.get("/")
            assert response.status_code == 503
            assert await response.get_data() == b"away: DatabaseAway"
            await line.mend()
            assert (await client.get("/")).status_code == 200
            assert await settle(app, db) == 10


@pytest.mark.parametrize(
    ("statement", "status"),
    [
        ("select pg_terminate_backend(pg_backend_pid())", 503),
        ("select pg_sleep(9)", 503),
        ("do $$ begin raise serialization_failure; end $$", 503),
        ("do $$ begin raise admin_shutdown; end $$", 503),
        ("set transaction_read_only = on; create table a ()", 503),
        ("select nothing_of_the_kind", 500),
        ("select 1 / 0", 500),
        ("do $$ begin raise unique_violation; end $$", 500),
    ],
)
async def test_in_the_middle_of_a_request(dsn: str, statement: str, status: int) -> None:
    """What passes is a 503 with a time to come again; a fault of the application's stays a 500."""
    db = PooledConnection(statement_timeout=0.2)

    async def view() -> str:
        await (await db.get()).execute(statement)
        return ""

    app = plain(db, view)
    db.init_app(app, dsn)
    async with app.test_app():
        response = await app.test_client().get("/")
        assert response.status_code == status
        assert ("Retry-After" in response.headers) is (status == 503)
        assert await settle(app, db) == 10


@pytest.mark.parametrize("kind", [ConnectionError, asyncpg.InterfaceError])
async def test_a_fault_of_somebody_elses(dsn: str, kind: type[Exception]) -> None:
    """An error of another connection's, or of how ours is used, is no 503 while ours lives."""
    db = PooledConnection()

    async def view() -> str:
        await db.get()
        raise kind("another's")

    app = plain(db, view)
    db.init_app(app, dsn)
    async with app.test_app():
        assert (await app.test_client().get("/")).status_code == 500


@pytest.mark.parametrize("kind", [asyncpg.PostgresError, Exception, asyncpg.QueryCanceledError])
async def test_an_application_may_answer_itself(dsn: str, kind: type[Exception]) -> None:
    """A handler of its own for an error of the driver's comes first, and may ask what it means."""
    app = Quart(__name__)
    db = PooledConnection(app, dsn, statement_timeout=0.1)

    @app.get("/")
    async def view() -> str:
        await (await db.get()).execute("select pg_sleep(9)")
        return ""

    @app.errorhandler(kind)
    async def tell(error: Exception) -> tuple[str, int]:
        return f"{type(error).__name__} means {type(db.explain(error)).__name__}", 418

    async with app.test_app():
        response = await app.test_client().get("/")
        assert response.status_code == 418
        told = await response.get_data(as_text=True)
        assert told == f"QueryCanceledError means {DatabaseBusy.__name__}"


async def test_a_fault_reaches_the_handlers_that_there_are(dsn: str) -> None:
    """An error of another connection's goes the way that it would go without this one."""
    app = Quart(__name__)
    db = PooledConnection(app, dsn)

    @app.get("/")
    async def view() -> str:
        await db.get()
        raise ConnectionResetError

    @app.errorhandler(OSError)
    async def tell(error: OSError) -> tuple[str, int]:
        return type(error).__name__, 502

    async with app.test_app():
        response = await app.test_client().get("/")
        assert (response.status_code, await response.get_data()) == (502, b"ConnectionResetError")
