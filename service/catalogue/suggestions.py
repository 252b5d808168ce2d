"""What to propose for what is typed, above all where it finds nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from service.database import Connection

from . import list_queries, proposal_queries
from .model import Page, Product, Selection
from .search import LONGEST, read_search

SUGGESTED = 8
"""Products, at most."""


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The first products of a search, or if it finds none, of the one that was probably meant."""

    products: tuple[Product, ...]
    did_you_mean: str | None


async def suggest(db: Connection, text: str) -> Suggestions:
    """Return suggestions for a text that is still being typed; none for a blank one."""
    if not read_search(text).words:
        return Suggestions((), None)
    selection = Selection(text=text)
    page = await list_queries.select_products(db, selection, sort="relevance", limit=SUGGESTED)
    if page.products:
        return Suggestions(page.products, None)
    meant, near = await find_near(db, selection, limit=SUGGESTED)
    return Suggestions(near.products if meant else (), meant)


async def find_near(db: Connection, selection: Selection, limit: int) -> tuple[str | None, Page]:
    """Return what was probably meant by a search that finds nothing, and the products it finds.

    Where nothing better is known than what was typed, they are those with any of its words.
    """
    words = read_search(selection.text).words
    proposals = await proposal_queries.select_proposals(db, words)
    if any(proposals):
        pairs = zip(words, proposals, strict=True)
        meant = " ".join(proposal or word for word, proposal in pairs)[:LONGEST]
        page = await _search(db, selection, meant, limit)
        if page.products:
            return meant, page
    return None, await _search(db, selection, " or ".join(words)[:LONGEST], limit)


async def _search(db: Connection, selection: Selection, text: str, limit: int) -> Page:
    return await list_queries.select_products(
        db, replace(selection, text=text), sort="relevance", limit=limit
    )
