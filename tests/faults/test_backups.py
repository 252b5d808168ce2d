"""What docs/operations.md says of backups, done: a dump restored, and a moment gone back to."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
from quart import Quart

from service.catalogue import SAMPLE
from service.devserver import PostgresServer
from tests.support.commands import LOCKER, development, environment
from tests.support.databases import with_database
from tests.support.jar import Jar
from tests.support.replicas import (
    PRIMARY,
    as_superuser,
    copy_server,
    let_copy,
    let_in,
    open_folder,
    run,
)
from tests.support.shopping import PASSWORD, new_name

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

StartApp = Callable[..., Awaitable[Quart]]

OWNER, SERVICE = "locker_owner", "locker_service"
SKU = "SPOON-LONG"


@contextmanager
def server(folder: Path, **settings: str) -> Iterator[str]:
    """Run a server with the two roles; gives the address of its superuser."""
    folder.mkdir(mode=0o711, exist_ok=True)
    with PostgresServer(folder, durable=False, settings={**PRIMARY, **settings}) as started:
        yield as_superuser(started.dsn)


async def make_roles(superuser: str) -> None:
    db = await asyncpg.connect(superuser)
    for role in (OWNER, SERVICE):
        await db.execute(f"create role {role} login")
    await db.close()
    await let_in(superuser, OWNER, SERVICE)


def as_role(superuser: str, role: str, database: str) -> str:
    return with_database(superuser, database).replace("//postgres@", f"//{role}@")


def locker(url: str, *arguments: str) -> str:
    """Run `locker` on this database."""
    settings = {f"LOCKER_{name}": value for name, value in development(url).items()}
    done = subprocess.run(
        [*LOCKER, *arguments],
        env=environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def open_shop(superuser: str, database: str) -> None:
    """Make the database, its tables and a catalogue."""
    run("createdb", f"--maintenance-db={superuser}", f"--owner={OWNER}", database)
    owner = as_role(superuser, OWNER, database)
    locker(owner, "migrate", "--grant", SERVICE)
    locker(owner, "catalogue", "import", str(SAMPLE))


async def fill(jar: Jar, quantity: int) -> None:
    response = await jar.send("PUT", f"/cart/lines/{SKU}", {"quantity": quantity})
    assert response.status_code in {200, 201}
    jar.take(response)


async def order(jar: Jar, quantity: int = 1) -> str:
    """Order so many; returns the order's number."""
    await fill(jar, quantity)
    total = (await jar.ask("GET", "/cart"))["total"]
    body = {"expected_total": total, "contact": {"email": "ada@example.com"}}
    return str((await jar.ask("POST", "/orders", body, status=201))["number"])


async def register(jar: Jar) -> str:
    name = new_name()
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    await jar.ask("POST", "/account", body, status=201)
    return name


async def orders(jar: Jar) -> set[str]:
    return {each["number"] for each in (await jar.ask("GET", "/orders"))["orders"]}


async def quantity(jar: Jar) -> int:
    lines = (await jar.ask("GET", "/cart"))["lines"]
    return sum(line["quantity"] for line in lines)


def see_well(service: str) -> None:
    """Have `locker doctor` find nothing that keeps the service from running."""
    said = locker(service, "doctor")
    assert "good schema: up to date" in said
    assert "good catalogue" in said


async def test_a_dump_is_restored(start_app: StartApp) -> None:
    """On another server a dump is the shop as it was: accounts, carts, orders, search, rights.

    Browsers that were there since bring their carts back.
    """
    with open_folder() as folder, server(folder / "one") as one, server(folder / "two") as two:
        await make_roles(one)
        open_shop(one, "shop")
        app = await start_app(database_url=as_role(one, SERVICE, "shop"))
        ada, guest = Jar(app), Jar(app)
        await register(ada)
        number = await order(ada)
        await fill(ada, 2)
        await fill(guest, 3)

        dump = folder / "locker.dump"
        owner = as_role(one, OWNER, "shop")
        run("pg_dump", "--format=custom", f"--file={dump}", f"--dbname={owner}")
        late = await order(ada)
        await fill(guest, 5)

        await make_roles(two)
        run(
            *("createdb", f"--maintenance-db={two}", f"--owner={OWNER}", "--encoding=UTF8"),
            *("--template=template0", "locker_restored"),
        )
        run(
            *("pg_restore", "--no-owner", f"--role={OWNER}", "--exit-on-error", "--jobs=4"),
            *(f"--dbname={with_database(two, 'locker_restored')}", str(dump)),
        )
        locker(as_role(two, OWNER, "locker_restored"), "migrate", "--grant", SERVICE)
        service = as_role(two, SERVICE, "locker_restored")
        see_well(service)

        restored = await start_app(database_url=service)
        ada.app = guest.app = restored
        assert await orders(ada) == {number}
        assert late != number
        assert await quantity(guest) == 5
        found = await ada.ask("GET", "/products?q=spoon")
        assert found["products"]
        assert await order(ada) not in {number, late}


async def test_a_moment_is_gone_back_to(start_app: StartApp) -> None:
    """A base backup and the archived log are the shop as it was the moment before a mistake."""
    with open_folder() as folder:
        archive = folder / "archive"
        archive.mkdir()
        archive.chmod(0o777)
        archiving = {
            "archive_mode": "on",
            "archive_command": f"test ! -f {archive}/%f && cp %p {archive}/%f",
        }
        with server(folder / "one", **archiving) as one:
            await make_roles(one)
            await let_copy(one)
            open_shop(one, "shop")
            app = await start_app(database_url=as_role(one, SERVICE, "shop"))
            ada, guest = Jar(app), Jar(app)
            await register(ada)
            numbers = {await order(ada)}
            copy_server(one, folder / "two")
            numbers.add(await order(ada))

            db = await asyncpg.connect(with_database(one, "shop"))
            moment = await db.fetchval("select now()::text")
            await db.execute("truncate orders cascade")
            await fill(guest, 4)
            await order(guest)
            archived = await db.fetchval("select pg_walfile_name(pg_switch_wal())")
            await db.close()
            while not (archive / archived).exists():  # noqa: ASYNC110 - nobody says when
                await asyncio.sleep(0.05)

        restoring = {
            "restore_command": f"cp {archive}/%f %p",
            "recovery_target_time": moment,
            "recovery_target_action": "promote",
        }
        (folder / "two/postgres/recovery.signal").touch()
        with server(folder / "two", **restoring) as two:
            db = await asyncpg.connect(with_database(two, "shop"))
            while await db.fetchval("select pg_is_in_recovery()"):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)
            await db.close()
            await let_in(two, OWNER, SERVICE)
            locker(as_role(two, OWNER, "shop"), "migrate", "--grant", SERVICE)
            service = as_role(two, SERVICE, "shop")
            see_well(service)

            ada.app = guest.app = await start_app(database_url=service)
            assert await orders(ada) == numbers
            await fill(guest, 2)
            assert await quantity(guest) == 2
            assert len(numbers | {await order(ada)}) == 3
