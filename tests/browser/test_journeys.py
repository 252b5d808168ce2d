"""What people do in the shop, in a real browser."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenWindow
from tests.browser.test_pages import complaints
from tests.support.chromium import DESKTOP, PHONE, add_to_cart, fill_in_checkout, log_in, register
from tests.support.shopping import new_name

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def change_quantity(page: Page, name: str, quantity: int, *, script: bool) -> None:
    field = page.get_by_label(f"Quantity of {name}")
    await field.fill(str(quantity))
    if script:
        await field.blur()
    else:
        await (
            page.get_by_role("listitem")
            .filter(has_text=name)
            .get_by_role("button", name="Update")
            .click()
        )


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
async def test_from_guest_to_farewell(
    open_window: OpenWindow, shop: str, *, script: bool, phone: bool
) -> None:
    """A guest fills a cart, registers, reads the receipt, checks out and logs out everywhere."""
    window = await (open_window(PHONE, script=script) if phone else open_window(script=script))
    page = await window.new_page()
    await page.goto(f"{shop}/?q=tent")
    await page.get_by_role("link", name="Ridgeline 4 Tent").click()
    await page.get_by_role("button", name="Add to cart").click()
    await page.get_by_text("Added: Ridgeline 4 Tent").wait_for()
    await add_to_cart(page, shop, "enamel-mug", 2)
    await expect(page.locator("#badge")).to_contain_text("3")

    await page.goto(f"{shop}/cart")
    await change_quantity(page, "Enamel Mug", 3, script=script)
    await expect(page.locator("dd.total")).to_have_text("$466.50")
    await page.get_by_role("link", name="Check out").click()
    await page.get_by_role("link", name="Create account").click()
    name = new_name()
    await page.get_by_label("User name").fill(name)
    await page.get_by_label("E-mail address").fill(f"{name}@example.com")
    await page.get_by_label("Password", exact=True).fill("correct horse battery staple")
    await page.get_by_role("button", name="Create account").click()

    await page.get_by_text("4 items came along").wait_for()
    await expect(page.locator(".receipt")).to_have_count(0)
    await fill_in_checkout(page)
    await page.get_by_role("button", name="Place the order").click()
    await page.get_by_text("Thank you! Your order is placed.").wait_for()
    number = re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}", await page.inner_text("h1"))
    assert number is not None
    await page.get_by_role("link", name="Orders", exact=True).click()
    await expect(page.get_by_role("main")).to_contain_text(number[0])
    await expect(page.locator("#badge")).to_contain_text("0")

    await page.get_by_role("link", name="Account").click()
    await page.get_by_role("button", name="Log out everywhere").click()
    await page.get_by_text("You are logged out everywhere").wait_for()
    await page.goto(f"{shop}/orders")
    await expect(page).to_have_url(re.compile("/login"))


async def test_the_cart_changes_in_place(open_window: OpenWindow, shop: str) -> None:
    """With a script the page stays, and the cart, the badge and the message change in it."""
    page = await (await open_window()).new_page()
    await page.goto(f"{shop}/products/enamel-mug")
    await page.evaluate("window.stayed = true")
    await page.get_by_role("button", name="Add to cart").click()
    await expect(page.locator("#said")).to_contain_text("Added: ")
    await expect(page.locator("#badge")).to_contain_text("1")
    assert await page.evaluate("window.stayed")
    await page.goto(f"{shop}/cart")
    await page.evaluate("window.stayed = true")
    await change_quantity(page, "Enamel Mug", 500, script=True)
    await page.evaluate("document.activeElement.blur()")
    await change_quantity(page, "Enamel Mug", 4, script=True)
    await expect(page.locator("#badge")).to_contain_text("4")
    await expect(page.locator("dd.total")).to_have_text("$50.00")
    await page.get_by_role("button", name="Remove").click()
    await page.get_by_role("heading", name="Room for something good").wait_for()
    await expect(page.locator("#badge")).to_contain_text("0")
    assert await page.evaluate("window.stayed")


async def test_two_tabs_at_once(open_window: OpenWindow, shop: str) -> None:
    """A guest's first adds from two tabs, in the same instant, are both in the cart."""
    window = await open_window()
    handles = ("enamel-mug", "brass-compass")
    tabs = [await window.new_page() for _ in handles]
    for tab, handle in zip(tabs, handles, strict=True):
        await tab.goto(f"{shop}/products/{handle}")
    assert await window.cookies() == []

    async def add(tab: Page) -> None:
        # Not the message: it is the browser's, so both may come up in one tab.
        async with tab.expect_response(lambda answer: answer.request.method == "POST"):
            await tab.get_by_role("button", name="Add to cart").click()

    await asyncio.gather(*map(add, tabs))
    await tabs[0].goto(f"{shop}/cart")
    for name in ("Enamel Mug", "Brass Compass"):
        await expect(tabs[0].get_by_role("main")).to_contain_text(name)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
async def test_back_after_logging_out(open_window: OpenWindow, shop: str, *, script: bool) -> None:
    """The back button shows nothing of the account, however far it goes."""
    page = await (await open_window(script=script)).new_page()
    name = new_name()
    await register(page, shop, name)
    await add_to_cart(page, shop, "wool-socks")
    await page.goto(f"{shop}/products/wool-socks")
    for path in ("cart", "checkout", "orders", "account"):
        await page.goto(f"{shop}/{path}")
    await page.get_by_role("button", name="Log out", exact=True).click()
    await page.get_by_text("You are logged out.").wait_for()
    for _ in range(6):
        await page.go_back()
        await page.wait_for_load_state()
        text = await page.inner_text("body")
        assert name not in text
        assert "Account" not in text
        listed = "/products/" in page.url or page.url == f"{shop}/"
        assert "Hut Socks\n" not in text or listed
        assert "0" in await page.inner_text("#badge")


async def test_by_keyboard_alone(open_window: OpenWindow, shop: str) -> None:
    """By keyboard alone one skips to the content, chooses, adds, and sees where the focus is."""
    page = await (await open_window()).new_page()
    await page.goto(f"{shop}/products/ridgeline-2-tent")
    await page.keyboard.press("Tab")
    await expect(page.locator(":focus")).to_have_text("Skip to content")
    await expect(page.locator(":focus")).to_be_in_viewport()
    await page.keyboard.press("Enter")
    for _ in range(10):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.type") == "radio":
            break
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_label("Sand")).to_be_checked()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert await page.evaluate(outline) == "solid"
    await page.keyboard.press("Enter")
    await page.get_by_text("Added: ").wait_for()
    await page.goto(f"{shop}/cart")
    await expect(page.get_by_role("main")).to_contain_text("Sand")


async def test_two_adds_from_the_locker_page(open_window: OpenWindow, shop: str) -> None:
    """Two adds from the locker page are both counted, beside the button and in the timeline."""
    page = await (await open_window()).new_page()
    await page.goto(f"{shop}/locker")
    await page.get_by_role("button", name="Add two at once").click()
    outcome = page.locator("#two-adds-outcome")
    await expect(outcome).to_contain_text("2 items")
    await expect(outcome).to_be_focused()
    await expect(outcome).to_be_in_viewport()
    await expect(page.locator("#badge")).to_contain_text("2")
    drawn = page.locator("#timeline .route", has_text="POST /api/v1/cart/lines 20")
    await expect(drawn).to_have_count(2)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_an_experiment_shows_its_outcome_where_one_looks(
    open_window: OpenWindow, shop: str, size: tuple[int, int], *, script: bool
) -> None:
    """The outcome of an experiment of the locker page is in view, focused and accessible."""
    page = await (await open_window(size, script=script)).new_page()
    await register(page, shop, new_name())
    await add_to_cart(page, shop, "enamel-mug")
    for button, around in (
        (re.compile(r"Tamper with it.*session-cart"), "details"),
        ("Send the cookie of then", "li"),
        ("Log out, keep the cookie", "li"),
    ):
        await page.goto(f"{shop}/locker")
        await page.get_by_role("button", name=button).click()
        outcome = page.locator("#outcome")
        await expect(outcome).to_be_in_viewport(ratio=0.9)
        await expect(outcome).to_be_focused()
        await expect(page.locator(around).filter(has=outcome)).to_have_count(1)
        if script:
            assert await complaints(page) == []
    await expect(page.get_by_role("banner")).to_contain_text("Log in")


async def test_messages_reach_the_right_window(open_window: OpenWindow, shop: str) -> None:
    """The receipt after a login names what each cart had; a second login shows none."""
    first = await (await open_window()).new_page()
    name = new_name()
    await register(first, shop, name)
    await add_to_cart(first, shop, "enamel-mug", 2)
    second = await (await open_window()).new_page()
    await add_to_cart(second, shop, "enamel-mug", 5)
    await log_in(second, shop, name)
    row = second.locator(".receipt tbody tr")
    await expect(row).to_have_text(re.compile(r"Enamel Mug.*5\s*2\s*5", re.DOTALL))
    await second.reload()
    await expect(second.locator(".receipt")).to_have_count(0)


async def test_an_operation_is_tried_on_the_page_of_the_api(
    open_window: OpenWindow, shop: str
) -> None:
    """What the API's page sends is answered in view, and counts in this browser's cart."""
    page = await (await open_window()).new_page()
    await page.goto(f"{shop}/docs")
    document = await (await page.request.get(f"{shop}/openapi.json")).json()
    operation = document["paths"]["/api/v1/cart/lines"]["post"]["operationId"]
    await page.goto(f"{shop}/docs#{operation}")
    form = page.locator(f"#{operation} form")
    await form.get_by_label("Body").fill('{"sku": "TENT-2P-GREEN", "quantity": 2}')
    await form.get_by_role("button", name="Send").click()
    await expect(form.get_by_role("status")).to_contain_text("201")
    await expect(form.get_by_role("status")).to_be_focused()
    await page.goto(shop)
    await expect(page.locator("#badge")).to_contain_text("2")
