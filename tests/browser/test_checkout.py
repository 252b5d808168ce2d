"""The checkout in a real browser: without an account, and in another country."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import OpenWindow
from tests.browser.test_pages import complaints
from tests.support.chromium import DESKTOP, PHONE, add_to_cart, fill_in_checkout

pytestmark = pytest.mark.asyncio(loop_scope="session")

ADDRESS = "#shipping_address"


async def begin(page: Page, shop: str) -> None:
    """Fill a cart, and come to the form of the checkout as a guest."""
    await add_to_cart(page, shop, "enamel-mug", 2)
    await page.goto(f"{shop}/cart")
    await page.get_by_role("link", name="Check out").click()
    await page.get_by_role("link", name="Order as a guest").click()
    await page.get_by_role("heading", name="Check out").wait_for()


async def inaccessible(page: Page, *, script: bool) -> list[str]:
    """Return what axe finds, which is a script itself."""
    return await complaints(page) if script else []


@pytest.mark.timeout(120)
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_a_guest_checks_out(
    open_window: OpenWindow, shop: str, size: tuple[int, int], *, script: bool
) -> None:
    """A guest says where it goes, mends what was wrong, orders, comes back by the link, cancels."""
    page = await (await open_window(size, script=script)).new_page()
    await add_to_cart(page, shop, "enamel-mug", 2)
    await page.goto(f"{shop}/checkout")
    found = await inaccessible(page, script=script)
    await page.get_by_role("link", name="Order as a guest").click()
    found += await inaccessible(page, script=script)
    await page.get_by_label("E-mail address").fill("nobody")
    await page.get_by_label("The bill goes to another address").check()
    await expect(page.get_by_role("group", name="Where the bill goes")).to_be_visible()
    await page.get_by_role("button", name="Place the order").click()
    await expect(page.locator(":focus")).to_have_id("contact.email")
    await expect(page.get_by_label("E-mail address")).to_have_value("nobody")
    await expect(page.get_by_label("Your name")).to_have_attribute("aria-invalid", "true")
    found += await inaccessible(page, script=script)
    await page.get_by_label("The bill goes to another address").uncheck()
    await expect(page.get_by_role("group", name="Where the bill goes")).to_be_hidden()
    await fill_in_checkout(page, email="ada@example.com")
    await page.get_by_label("Note to us").fill("Ring twice")
    await page.get_by_label("Note to us").press("Tab")
    wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wide
    await page.get_by_role("textbox", name="City").press("Enter")
    await page.get_by_text("Thank you! Your order is placed.").wait_for()
    for text in ("Ada Lovelace", "10117 Berlin", "Germany", "ada@example.com", "Ring twice"):
        await expect(page.get_by_role("main")).to_contain_text(text)
    await expect(page.get_by_role("link", name="Create account")).to_be_visible()
    found += await inaccessible(page, script=script)
    assert found == []

    link = await page.inner_text("#link")
    elsewhere = await (await open_window(size, script=script)).new_page()
    await elsewhere.goto(link)
    await expect(elsewhere).to_have_url(page.url)
    await expect(elsewhere.get_by_role("main")).to_contain_text("10117 Berlin")
    await elsewhere.get_by_role("link", name="Cancel this order").click()
    await elsewhere.get_by_role("button", name="Cancel the order").click()
    await elsewhere.get_by_text("Your order is cancelled.").wait_for()
    await page.reload()
    await expect(page.get_by_role("main")).to_contain_text("Cancelled")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
async def test_another_country(open_window: OpenWindow, shop: str, *, script: bool) -> None:
    """Another country asks for other parts, keeps what was typed, and leaves the focus there."""
    page = await (await open_window(script=script)).new_page()
    await begin(page, shop)
    country = page.locator(ADDRESS).get_by_label("Country")
    await page.get_by_label("E-mail address").fill("ada@example.com")
    await page.get_by_label("Street and number").first.fill("1 Infinite Loop")
    for chosen, label, seen in (
        ("US", "ZIP code", "State"),
        ("JP", "Postal code", "Prefecture"),
        ("IN", "PIN code", "State"),
    ):
        await country.focus()
        await country.select_option(chosen)
        if not script:
            await page.locator(ADDRESS).get_by_role("button", name="Use this country").click()
        await expect(page.locator(ADDRESS).get_by_label(label)).to_be_visible()
        await expect(page.locator(ADDRESS).get_by_label(seen)).to_be_visible()
        await expect(country).to_have_value(chosen)
        if script:
            await expect(country).to_be_focused()
        await expect(page.get_by_label("Street and number").first).to_have_value("1 Infinite Loop")
    await expect(page.get_by_label("E-mail address")).to_have_value("ada@example.com")


async def test_typed_while_the_country_changes(open_window: OpenWindow, shop: str) -> None:
    """What is typed while the parts are awaited stays, and the last country chosen is the one."""
    page = await (await open_window()).new_page()
    await begin(page, shop)
    go_on = asyncio.Event()

    async def wait(route: Route) -> None:
        await go_on.wait()
        await route.continue_()

    await page.route(re.compile("/checkout$"), wait)
    country = page.locator(ADDRESS).get_by_label("Country")
    await country.select_option("GB")
    await country.select_option("IE")
    await page.get_by_label("Street and number").first.fill("1 Grafton Street")
    go_on.set()
    await expect(page.locator(ADDRESS).get_by_label("Eircode")).to_be_visible()
    await expect(country).to_have_value("IE")
    await expect(page.get_by_label("Street and number").first).to_have_value("1 Grafton Street")
