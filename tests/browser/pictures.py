"""Takes the pictures of the shop for the README: ``make pictures``."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import Page

from tests.browser.chromium import (
    DESKTOP,
    PHONE,
    add_to_cart,
    log_in,
    open_context,
    register,
    running_browser,
    served_shop,
)

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"


async def take(shop: str, folder: Path) -> None:
    """Take each picture on a desktop and a phone, in light and dark."""
    users = ["ada", "bea", "cleo", "dora"]
    async with running_browser() as browser:
        for size, screen in ((DESKTOP, "desktop"), (PHONE, "phone")):
            for dark in (False, True):
                context = await open_context(browser, size, dark=dark)
                page = await context.new_page()
                name = f"{screen}-{'dark' if dark else 'light'}"
                await _shop_along(page, shop, folder, name, users.pop(0))
                await context.close()


async def _shop_along(page: Page, shop: str, folder: Path, name: str, user: str) -> None:
    async def shoot(what: str) -> None:
        await page.wait_for_load_state("networkidle")
        await page.screenshot(path=folder / f"{what}-{name}.png")

    await page.goto(shop)
    await shoot("shop")
    await register(page, shop, user)
    await add_to_cart(page, shop, "enamel-mug", 2)
    await page.goto(f"{shop}/account")
    await shoot("account")
    await page.get_by_role("button", name="Log out", exact=True).click()
    await add_to_cart(page, shop, "ridgeline-4-tent")
    await shoot("product")
    await add_to_cart(page, shop, "enamel-mug", 4)
    await log_in(page, shop, user)
    await shoot("receipt")
    await page.goto(f"{shop}/locker")
    await shoot("locker")
    await page.locator("#timeline").screenshot(path=folder / f"timeline-{name}.png")
    await page.goto(f"{shop}/checkout")
    await shoot("checkout")


def main() -> None:
    """Take the pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, served_shop(Path(folder)) as served:
        asyncio.run(take(served.url, PICTURES))


if __name__ == "__main__":
    main()
