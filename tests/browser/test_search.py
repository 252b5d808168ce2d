"""Finding something, by those who type and those who choose, with and without JavaScript."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenWindow
from tests.support.chromium import DESKTOP, PHONE

pytestmark = pytest.mark.asyncio(loop_scope="session")

each_size = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
each_way = pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])


@each_size
@each_way
async def test_what_is_chosen_is_in_view(
    open_window: OpenWindow, shop: str, size: tuple[int, int], *, script: bool
) -> None:
    """The type and every filter that are chosen can be seen without scrolling."""
    page = await (await open_window(size, script=script)).new_page()
    await page.goto(f"{shop}/?type=Tools&vendor=Oak+%26+Ember&min=20&available=true")
    for seen in (
        page.get_by_role("navigation", name="Types").get_by_role("link", name="Tools"),
        page.get_by_role("link", name="Brand Oak & Ember"),
        page.get_by_role("link", name="At least 20"),
        page.get_by_role("link", name="In stock"),
    ):
        box = await seen.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0]
        assert box["y"] + box["height"] <= size[1]
    await page.get_by_role("link", name="At least 20").click()
    assert await page.get_by_role("link", name="At least 20").count() == 0
    assert await page.get_by_role("link", name="In stock").count() == 1


@each_size
@each_way
async def test_sort_and_filter(
    open_window: OpenWindow, shop: str, size: tuple[int, int], *, script: bool
) -> None:
    """The form of the filters keeps the search and the type, and says what it did."""
    page = await (await open_window(size, script=script)).new_page()
    await page.goto(f"{shop}/?q=hiking&type=Bottles")
    await page.get_by_text("Sort and filter").click()
    await page.get_by_label("Sort by").select_option("Price, highest first")
    await page.get_by_label("At most").fill("40")
    await page.get_by_label("In stock").check()
    await page.get_by_role("button", name="Show", exact=True).click()
    await page.get_by_role("heading", name="2 products for “hiking” in Bottles").wait_for()
    assert await page.locator(".card .name").all_text_contents() == [
        "Thermal Flask",
        "Steel Bottle",
    ]


@each_size
async def test_suggestions_while_typing(
    open_window: OpenWindow, shop: str, size: tuple[int, int]
) -> None:
    """Suggestions come while one types, go with Escape, and lead to the product by keys."""
    page = await (await open_window(size)).new_page()
    await page.goto(shop)
    field = page.get_by_label("Search the shop")
    await field.press_sequentially("headla")
    await page.locator("#suggestions").get_by_role("link", name="Glow Headlamp").wait_for()
    assert await page.locator("#suggested").text_content() == "1 suggestion"
    await field.press("Escape")
    await page.locator("#suggestions").wait_for(state="hidden")
    await field.fill("tnet")
    await page.locator("#suggestions").get_by_role("link", name="tent", exact=True).wait_for()
    await field.fill("skill")
    link = page.locator("#suggestions").get_by_role("link", name="Cast Iron Skillet")
    await link.wait_for()
    await link.focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Cast Iron Skillet").wait_for()


async def test_a_typo_finds_what_was_meant(open_window: OpenWindow, shop: str) -> None:
    """A search that finds nothing shows what was probably meant, and its products."""
    page = await (await open_window(script=False)).new_page()
    await page.goto(shop)
    await page.get_by_label("Search the shop").fill("tnet")
    await page.get_by_role("button", name="Search").click()
    await page.get_by_role("heading", name="Did you mean “tent”?").wait_for()
    assert await page.locator(".card .name").first.text_content() == "Ridgeline 2 Tent"
    await page.get_by_role("link", name="tent", exact=True).click()
    await page.get_by_role("heading", name="6 products for “tent”").wait_for()
