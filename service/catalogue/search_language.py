"""In which language products are searched: words have other forms in each."""

from __future__ import annotations

from service.database import Connection
from service.errors import SettingsError

from . import language_queries


async def change_search_language(db: Connection, language: str) -> bool:
    """Make it the language of all products' words; returns whether it was another before.

    All in one transaction: searches go by the old words, in the old language, until it ends.
    Raises `SettingsError` for one that the database doesn't know.
    """
    known = await language_queries.select_search_languages(db)
    if language not in known:
        raise SettingsError(
            f"the database has no text search configuration {language}:"
            f" LOCKER_SEARCH_LANGUAGE can be {', '.join(known)}"
        )
    async with db.transaction():
        await language_queries.lift_timeout(db)
        changed = await language_queries.update_search_language(db, language)
        if changed:
            await language_queries.relist_products(db)
    return changed
