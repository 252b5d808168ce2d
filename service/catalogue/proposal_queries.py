"""What was probably meant by a word that finds nothing. Each function is one statement."""

from __future__ import annotations

from collections.abc import Sequence

from service.database import Connection
from service.statements import Statement

from .list_statements import LANGUAGE
from .model import COUNTED
from .search import BEGINNING

SELECT_PROPOSALS = Statement(
    f"""
    with typed as materialized (
        select n, word, slips(word) as slips,
            to_tsquery({LANGUAGE}, '''' || word || ' ''{BEGINNING}') as query
        from unnest(:words::text[]) with ordinality as each (raw, n), search_text(raw) as word
    ),
    common as materialized (
        select words from listed_products order by product_id desc limit {COUNTED}
    )
    -- What has a slip in common comes first: what is alike is looked for only where nothing has.
    select case when not known then coalesce(
        (
            select vocabulary.word from vocabulary
            where vocabulary.slips && typed.slips
            order by
                (
                    select count(*) from unnest(vocabulary.slips) as slip
                    where slip = any(typed.slips)
                ) desc,
                similarity(vocabulary.word, typed.word) desc,
                vocabulary.word
            limit 1
        ),
        (
            select vocabulary.word from vocabulary
            where vocabulary.word % typed.word
            order by similarity(vocabulary.word, typed.word) desc, vocabulary.word
            limit 1
        )
    ) end as proposal
    from typed, lateral (
        -- More than one, as for the first one alone the planner would read through the table.
        with found as materialized (
            select from listed_products where words @@ typed.query limit {COUNTED}
        )
        -- What the newest have may be all over the catalogue: the index isn't asked for it.
        select numnode(typed.query) = 0
            or exists (select from common where words @@ typed.query)
            or exists (select from found) as known
    ) as looked_up
    order by n
    """
)


async def select_proposals(db: Connection, words: Sequence[str]) -> list[str | None]:
    """Return for each word the one that was probably meant, None where it finds something.

    A word is meant that one slip makes of it, or that has enough letters in a row in common.
    """
    rows = await db.fetch(*SELECT_PROPOSALS(words=words))
    return [row["proposal"] for row in rows]
