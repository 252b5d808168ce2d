"""Who looks at a page, as far as every page must know: the name, the badge, the looks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from babel import Locale
from quart import g

from service.services import get_service

LOCALES = (
    "en", "en-GB", "en-AU", "en-CA", "en-IN", "da", "de", "de-CH", "es", "fi", "fr", "fr-CA",
    "it", "ja", "nb", "nl", "pl", "pt", "pt-BR", "sv",
)  # fmt: skip
"""Formats a shopper can choose from. Not all that there are: each takes memory for good."""


@dataclass(frozen=True, slots=True)
class PageContext:
    """A guest has no ``username``; ``cart_quantity`` is None where it isn't known.

    ``knows_cart`` is whether the browser has a cart's identity.
    """

    username: str | None = None
    theme: str = "system"
    locale: str = "en"
    page_size: int = 20
    cart_quantity: int | None = 0
    knows_cart: bool = False

    @property
    def formats(self) -> Locale:
        """The locale of money and dates: the nearest there is to the one preferred."""
        return nearest(self.locale)


@lru_cache(maxsize=256)
def nearest(tag: str) -> Locale:
    """Return the locale of a BCP 47 tag, its language's where the region is unknown, or English."""
    known = {name.lower(): name for name in LOCALES}
    parts = tag.lower().split("-")
    while parts:
        if name := known.get("-".join(parts)):
            return Locale.parse(name, sep="-")
        parts.pop()
    return Locale("en")


class PageContexts:
    """Where pages learn who looks, which only the features above them know."""

    def __init__(self, load: Callable[[], Awaitable[PageContext]]) -> None:
        self._load = load

    async def current(self) -> PageContext:
        if "page_context" not in g:
            g.page_context = await self._load()
        return cast("PageContext", g.page_context)


async def current_page_context() -> PageContext:
    """Return who looks, looked up once for each request."""
    return await get_service(PageContexts).current()
