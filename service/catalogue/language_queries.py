"""The language that products are searched in. Each function is one statement."""

from __future__ import annotations

from service.database import Connection
from service.statements import Statement


async def select_search_language(db: Connection) -> str:
    """Return the text search configuration that the products' words were made with."""
    return str(await db.fetchval("select language from search_index"))


async def select_search_languages(db: Connection) -> list[str]:
    """Return the text search configurations that there are."""
    rows = await db.fetch(
        "select cfgname from pg_ts_config where pg_ts_config_is_visible(oid) order by cfgname"
    )
    return [row["cfgname"] for row in rows]


async def lift_timeout(db: Connection) -> None:
    """Let the transaction take as long as it takes."""
    await db.execute("set local statement_timeout = 0; set local lock_timeout = 0")


UPDATE_SEARCH_LANGUAGE = Statement(
    "update search_index set language = :language where language <> :language returning true"
)


async def update_search_language(db: Connection, language: str) -> bool:
    """Make it the language of all words to come; returns whether it is another than before.

    An import waits for the transaction's end from here on.
    """
    return bool(await db.fetchval(*UPDATE_SEARCH_LANGUAGE(language=language)))


async def relist_products(db: Connection) -> None:
    """Make the words of all products anew."""
    await db.execute(
        "select list_products(array_agg(id order by id)) from products having count(*) > 0"
    )
