"""Chromium, the shop, and windows that complain of what a visitor would never see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage

from tests.support.chromium import (
    DESKTOP,
    find_chromium,
    open_context,
    running_browser,
    served_shop,
)

OpenWindow = Callable[..., Awaitable[BrowserContext]]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The served shop's URL."""
    if find_chromium() is None:
        pytest.skip("no Chromium here (Debian: apt install chromium)")
    with served_shop(tmp_path_factory.mktemp("shop")) as served:
        yield served.url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(shop: str) -> AsyncIterator[Browser]:
    """The browser, after the shop: where one is missing, so is the other."""
    async with running_browser() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def open_window(chromium: Browser, shop: str) -> AsyncIterator[OpenWindow]:
    """Open windows, each with cookies of its own, in which nothing may go wrong unseen.

    No error in the console (a page that is an error, and is asked for, is none), and no request
    to another host.
    """
    opened: list[BrowserContext] = []
    wrong: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        expected = "the server responded with a status of" in message.text
        is_page = message.location["url"].split("?")[0] == (message.page and message.page.url)
        if message.type in {"error", "warning"} and not (expected and is_page):
            wrong.append(f"{message.text} ({message.location['url']})")

    async def open_one(
        size: tuple[int, int] = DESKTOP, *, dark: bool = False, script: bool = True
    ) -> BrowserContext:
        context = await open_context(chromium, size, dark=dark, script=script)
        context.set_default_timeout(15_000)
        context.on("console", hear)
        context.on("weberror", lambda error: wrong.append(str(error.error)))
        context.on(
            "request",
            lambda request: (
                None
                if urlsplit(request.url).netloc == urlsplit(shop).netloc
                or request.url.startswith("data:")
                else wrong.append(f"asked another host: {request.url}")
            ),
        )
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        await context.close()
    assert wrong == []
