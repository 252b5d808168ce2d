"""The counter's day, in a browser."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.browser.conftest import OpenWindow
from tests.browser.test_pages import complaints, prepare
from tests.support.chromium import DESKTOP, OPERATOR, PHONE, log_in

pytestmark = pytest.mark.asyncio(loop_scope="session")

MUG = "Enamel Mug"


async def count(page: Page, shop: str) -> int:
    """Return how many mugs there are, as the counter's page has it."""
    await page.goto(f"{shop}/admin/stock?q=enamel+mug")
    return int(await page.get_by_label("Counted").first.input_value())


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_the_counters_day(
    open_window: OpenWindow, shop: str, size: tuple[int, int], *, script: bool
) -> None:
    """An order found, sent in part, the rest cancelled with its stock, and stock corrected.

    Axe finds nothing on the way, and nothing sticks out of the window.
    """
    number = (await prepare(await open_window(), shop)).rpartition("/")[2]
    page = await (await open_window(size, script=script)).new_page()
    await log_in(page, shop, OPERATOR)
    before = await count(page, shop)

    async def look() -> None:
        if script:
            assert await complaints(page) == [], page.url
            wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert await page.evaluate(wide) <= 0, page.url

    await look()
    await page.get_by_role("navigation", name="Behind the counter").get_by_text("Today").click()
    await page.get_by_role("heading", name="To be sent").wait_for()
    await look()
    await page.get_by_role("navigation", name="Behind the counter").get_by_text("Orders").click()
    await page.get_by_role("heading", name="Orders").wait_for()
    await look()
    await page.get_by_label("Number, name or address").fill(number.lower())
    await page.get_by_role("button", name="Find", exact=True).click()
    await page.get_by_role("heading", name=f"Order {number}").wait_for()
    await look()
    await page.get_by_label(MUG).fill("9")
    await page.get_by_role("button", name="Note as sent").click()
    await page.get_by_text("Only 2 left.").wait_for()
    await look()
    await page.get_by_label(MUG).fill("1")
    await page.get_by_label("Tracking").fill("00340434161094042557")
    await page.get_by_role("button", name="Note as sent").click()
    await page.get_by_text("Sent. Left to be sent: 1.").wait_for()
    await page.get_by_text("Cancel what isn’t sent").click()
    await page.get_by_role("button", name="Cancel the rest").click()
    await page.get_by_text("back on the shelf").wait_for()
    await page.goto(f"{shop}/admin/orders/{number}/slip")
    await look()
    assert await count(page, shop) == before + 1
    counted = page.get_by_label("Counted").first
    await counted.fill(str(before))
    await counted.press("Enter")
    await page.get_by_text(f": {before}.").wait_for()
