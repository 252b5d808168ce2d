"""The counter's day, in a browser."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

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
    """An order found, sent in part, the rest cancelled, stock corrected, a customer disabled.

    Axe finds nothing on the way, and nothing sticks out of the window.
    """
    window = await open_window()
    number = (await prepare(window, shop)).rpartition("/")[2]
    told = await window.request.get(f"{shop}/api/v1/account")
    customer = (await told.json())["username"]
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
    await look_after(page, customer, look)


async def look_after(page: Page, customer: str, look: Callable[[], Awaitable[None]]) -> None:
    """Find a customer, disable and enable the account, and see that in the audit."""
    await page.get_by_role("navigation", name="Behind the counter").get_by_text("Customers").click()
    await page.get_by_label("Beginning of the name").fill(customer)
    await page.get_by_role("button", name="Find", exact=True).click()
    await page.get_by_role("link", name=customer).wait_for()
    await look()
    await page.get_by_role("link", name=customer).click()
    await page.get_by_role("button", name="Disable the account").click()
    await page.get_by_text("can log in no more").wait_for()
    await look()
    await page.get_by_role("button", name="Let in again").click()
    await page.get_by_text("can log in again").wait_for()
    await page.get_by_text("Delete the account").click()
    await page.get_by_label("The user name, once more").fill("somebody")
    await page.get_by_role("button", name="Delete for good").click()
    await page.get_by_text("This is another user name.").wait_for()
    await look()
    await page.get_by_role("navigation", name="Behind the counter").get_by_text("Audit").click()
    await page.get_by_text("Account enabled").nth(1).wait_for()
    await look()
    await page.get_by_role("navigation", name="Behind the counter").get_by_text("Webhooks").click()
    await page.get_by_text("Everything was taken").wait_for()
    await look()
