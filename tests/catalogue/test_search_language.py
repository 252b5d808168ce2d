"""The language that products are searched in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest

from service.catalogue import (
    Selection,
    change_search_language,
    select_products,
    select_search_language,
)
from service.errors import SettingsError
from tests.support.files import load, row

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def url(own_url: str) -> str:
    """A database with a product whose text has a word of German."""
    db = await asyncpg.connect(own_url)
    await bring(db, "before")
    await db.close()
    return own_url


@pytest.fixture
async def db(url: str) -> AsyncIterator[Connection]:
    """A connection to it."""
    db = await asyncpg.connect(url)
    yield db
    await db.close()


async def bring(db: Connection, handle: str) -> None:
    """Import a product about a lamp, in German."""
    await load(db, row(handle) | {"Body (HTML)": "<p>Eine schöne Lampe für den Garten.</p>"})


async def find(db: Connection, text: str) -> list[str]:
    """Return the handles of what is found."""
    page = await select_products(db, Selection(text=text), sort="title")
    return [product.handle for product in page.products]


async def test_a_change(db: Connection) -> None:
    """What was there and what comes later are found by the forms of the words of the language."""
    assert await find(db, "Lampen") == []
    assert await change_search_language(db, "german")
    assert await select_search_language(db) == "german"
    await bring(db, "later")
    assert await find(db, "Lampen") == await find(db, "schönes") == ["before", "later"]
    assert await find(db, "den") == []
    assert not await change_search_language(db, "german")


async def test_no_language(db: Connection) -> None:
    """`simple` takes words as they are, and finds what is a stop word elsewhere."""
    await change_search_language(db, "simple")
    assert await find(db, "Lampe für") == ["before"]
    assert await find(db, "Lampen") == []


@pytest.mark.parametrize("language", ["klingon", "", "English", "english; drop table products"])
async def test_unknown(db: Connection, language: str) -> None:
    """One that the database doesn't know changes nothing, and those it knows are named."""
    with pytest.raises(SettingsError, match=r"can be .*english.*simple"):
        await change_search_language(db, language)
    assert await select_search_language(db) == "english"


async def test_an_import_meanwhile(db: Connection, url: str) -> None:
    """An import waits for the change, and its words are of the new language."""
    other, observer = await asyncpg.connect(url), await asyncpg.connect(url)
    async with db.transaction():
        await change_search_language(db, "german")
        importing = asyncio.create_task(bring(other, "meanwhile"))
        while not await observer.fetchval(
            "select wait_event_type = 'Lock' from pg_stat_activity where pid = $1",
            other.get_server_pid(),
        ):
            assert not importing.done()
            await asyncio.sleep(0.01)
        assert await find(observer, "Lampe") == ["before"]
    await importing
    assert await find(db, "Lampen") == ["before", "meanwhile"]
    await other.close()
    await observer.close()
