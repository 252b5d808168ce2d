"""Takes the pictures of the shop for the README: ``make pictures``."""

from __future__ import annotations

import asyncio
import tempfile
from base64 import b64encode
from pathlib import Path

from playwright.async_api import FloatRect, Locator, Page

from tests.support.chromium import (
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
    """Take each picture in light and dark: the strip on a phone, two pages on a desktop."""
    users = ["ada", "bea", "cleo", "dora"]
    async with running_browser() as browser:
        for dark in (False, True):
            colours = "dark" if dark else "light"
            phone = await open_context(browser, PHONE, dark=dark)
            shots = await _shop_along(await phone.new_page(), shop, users.pop())
            page = await (await open_context(browser, (1640, 880), dark=dark)).new_page()
            await _lay_side_by_side(page, shots, folder / f"strip-{colours}.png")
            desktop = await open_context(browser, DESKTOP, dark=dark)
            page = await desktop.new_page()
            await page.goto(shop)
            await _shoot_down_to(page, page.locator(".card").nth(4), folder / f"shop-{colours}.png")
            await register(page, shop, users.pop())
            await add_to_cart(page, shop, "enamel-mug", 2)
            await page.goto(f"{shop}/locker")
            below = page.get_by_role("heading", name="Try to break it")
            await _shoot_down_to(page, below, folder / f"locker-{colours}.png")


async def _shoot_down_to(page: Page, below: Locator, path: Path) -> None:
    """Take what is above this, whole."""
    await page.wait_for_load_state("networkidle")
    box = await below.bounding_box()
    assert box is not None
    clip: FloatRect = {"x": 0, "y": 0, "width": DESKTOP[0], "height": box["y"] - 30}
    await page.screenshot(path=path, full_page=True, clip=clip)


async def _shop_along(page: Page, shop: str, user: str) -> list[bytes]:
    """Return pictures of what a shopper sees: a product, the log in, the receipt, the locker."""
    shots = []

    async def shoot() -> None:
        await page.wait_for_load_state("networkidle")
        shots.append(await page.screenshot())

    await register(page, shop, user)
    await add_to_cart(page, shop, "enamel-mug", 2)
    await page.goto(f"{shop}/account")
    await page.get_by_role("button", name="Log out", exact=True).first.click()
    await page.get_by_role("link", name="Log in").first.wait_for()
    await add_to_cart(page, shop, "ridgeline-4-tent")
    await add_to_cart(page, shop, "enamel-mug", 4)
    await page.goto(f"{shop}/products/ridgeline-4-tent")
    await shoot()
    await page.goto(f"{shop}/login")
    await shoot()
    await log_in(page, shop, user)
    await shoot()
    await page.goto(f"{shop}/locker")
    await page.locator("#sections").scroll_into_view_if_needed()
    await shoot()
    return shots


async def _lay_side_by_side(page: Page, shots: list[bytes], path: Path) -> None:
    images = "".join(
        f'<img src="data:image/png;base64,{b64encode(shot).decode()}">' for shot in shots
    )
    await page.set_content(
        "<style>body { margin: 0; display: flex; gap: 20px; background: #8b8576; padding: 16px }"
        f"img {{ border-radius: 18px; width: 387px }}</style>{images}"
    )
    await page.wait_for_load_state("networkidle")
    await page.screenshot(path=path)


def main() -> None:
    """Take the pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, served_shop(Path(folder)) as served:
        asyncio.run(take(served.url, PICTURES))


if __name__ == "__main__":
    main()
