"""What happened is where one looks: in view and focused, with a script and without."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import OpenWindow
from tests.support.chromium import DESKTOP, PHONE, add_to_cart, fill_in_checkout, register
from tests.support.shopping import PASSWORD, new_name

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "390"]),
    pytest.mark.parametrize("script", [True, False], ids=["script", "no script"]),
]


async def sees(page: Page, text: str) -> None:
    """Hold that what has the focus says this, and is in view."""
    answer = page.locator(":focus")
    await expect(answer).to_contain_text(text)
    await expect(answer).to_be_in_viewport(ratio=0.9)


async def hold_back(page: Page, url: str) -> asyncio.Event:
    """Keep requests to this address from being answered until the event is set."""
    answer = asyncio.Event()

    async def wait(route: Route) -> None:
        await answer.wait()
        await route.continue_()

    await page.route(url, wait)
    return answer


async def test_an_add_says_what_was_added(
    open_window: OpenWindow, shop: str, *, script: bool, size: tuple[int, int]
) -> None:
    """An add says variant and number near the button; it leads to the cart, nothing jumps."""
    page = await (await open_window(size, script=script)).new_page()
    await page.goto(f"{shop}/products/drizzle-jacket")
    await page.get_by_label("Ochre").check()
    await page.get_by_label("Quantity").fill("2")
    await page.get_by_role("button", name="Add to cart").click()
    await sees(page, "Added: Drizzle Rain Jacket, S · Ochre, 2.")
    await expect(page.get_by_label("Ochre")).to_be_checked()
    await page.get_by_role("link", name="View cart").click()
    await expect(page.get_by_role("main")).to_contain_text("S · Ochre")


async def test_too_many_offers_what_there_is(
    open_window: OpenWindow, shop: str, *, script: bool, size: tuple[int, int]
) -> None:
    """Where too many are asked for, a button takes as many as there are, on product and cart."""
    page = await (await open_window(size, script=script)).new_page()
    await page.goto(f"{shop}/products/brass-compass")
    await page.get_by_label("Quantity").fill("9")
    await page.get_by_role("button", name="Add to cart").click()
    await sees(page, "Only 7 in stock.")
    await page.get_by_role("button", name="Take 7").click()
    await sees(page, "In your cart: Brass Compass, 7.")
    await add_to_cart(page, shop, "enamel-mug")
    await page.goto(f"{shop}/cart")
    field = page.get_by_label("Quantity of Brass Compass")
    await field.fill("50")
    await field.press("Enter")
    await sees(page, "Only 7 in stock.")
    await expect(field).to_have_attribute("aria-invalid", "true")
    line = page.get_by_role("listitem").filter(has_text="Brass Compass")
    await expect(line).to_contain_text("Only 7 in stock.")


async def test_removing_can_be_undone(
    open_window: OpenWindow, shop: str, *, script: bool, size: tuple[int, int]
) -> None:
    """The message of a removal has the focus and a button to undo it; emptying asks first."""
    page = await (await open_window(size, script=script)).new_page()
    await add_to_cart(page, shop, "enamel-mug", 3)
    await add_to_cart(page, shop, "brass-compass")
    await page.goto(f"{shop}/cart")
    await page.get_by_role("button", name="Remove Enamel Mug").click()
    await sees(page, "Removed: Enamel Mug, Cream.")
    await page.get_by_role("button", name="Undo").click()
    await sees(page, "In your cart: Enamel Mug, Cream, 3.")
    await page.get_by_role("link", name="Empty the cart").click()
    await page.get_by_role("link", name="Keep it").click()
    await expect(page.locator("#badge")).to_contain_text("4")
    await page.get_by_role("link", name="Empty the cart").click()
    await page.get_by_role("button", name="Empty the cart").click()
    await sees(page, "Your cart is empty.")


@pytest.mark.parametrize("first", [True, False], ids=["first add", "later add"])
async def test_two_quick_clicks_add_once(
    open_window: OpenWindow, shop: str, *, first: bool, script: bool, size: tuple[int, int]
) -> None:
    """Two quick clicks add once, however long the answer takes; the button says it is awaited."""
    page = await (await open_window(size, script=script)).new_page()
    if not first:
        await add_to_cart(page, shop, "brass-compass")
    answer = await hold_back(page, "**/cart/lines")
    await page.goto(f"{shop}/products/enamel-mug")
    button = page.get_by_role("button", name="Add to cart")
    await button.dblclick(no_wait_after=True)
    if script:
        await expect(button).to_have_attribute("aria-busy", "true")
        await expect(button).to_be_disabled()
    answer.set()
    await sees(page, "Added: Enamel Mug, Cream, 1.")
    await page.goto(f"{shop}/cart")
    await expect(page.get_by_label("Quantity of Enamel Mug")).to_have_value("1")


async def test_a_choice_shows_its_price_and_stock(
    open_window: OpenWindow, shop: str, *, script: bool, size: tuple[int, int]
) -> None:
    """A choice of options shows its price and stock, and its address can be reloaded."""
    page = await (await open_window(size, script=script)).new_page()
    await page.goto(f"{shop}/products/steel-bottle")
    await expect(page.get_by_role("group")).to_have_count(2)
    await page.get_by_label("1 l").check()
    await page.get_by_label("Black").check()
    if not script:
        await page.get_by_role("button", name="Show price and stock").click()
    await expect(page.locator("#state")).to_contain_text("$29.00")
    await expect(page).to_have_url(re.compile("option2=Black"))
    await page.reload()
    await expect(page.get_by_label("Black")).to_be_checked()
    await page.goto(f"{shop}/products/drizzle-jacket?option1=L&option2=Ochre")
    await expect(page.locator("#state")).to_contain_text("Sold out")
    await page.get_by_label("Quantity").press("Enter")
    await sees(page, "This is sold out.")


async def test_two_quick_choices_both_count(
    open_window: OpenWindow, shop: str, *, script: bool, size: tuple[int, int]
) -> None:
    """A choice made before the one before it is answered isn't undone by that answer."""
    page = await (await open_window(size, script=script)).new_page()
    answer = await hold_back(page, "**/products/**option**")
    await page.goto(f"{shop}/products/steel-bottle")
    await page.get_by_label("1 l").check()
    await page.get_by_label("Black").check()
    answer.set()
    if not script:
        await page.get_by_role("button", name="Show price and stock").click()
    await expect(page).to_have_url(re.compile(r"option1=1(\+|%20)l&option2=Black"))
    await expect(page.get_by_label("1 l")).to_be_checked()
    await expect(page.get_by_label("Black")).to_be_checked()
    await expect(page.locator("#state")).to_contain_text("$29.00")


async def test_two_quick_changes_of_the_cart_both_count(
    open_window: OpenWindow, shop: str, *, script: bool, size: tuple[int, int]
) -> None:
    """A line changed before the change of another is answered is changed as well."""
    if not script:
        pytest.skip("without a script a change is a page of its own")
    page = await (await open_window(size)).new_page()
    await add_to_cart(page, shop, "enamel-mug")
    await add_to_cart(page, shop, "brass-compass")
    await page.goto(f"{shop}/cart")
    answer = await hold_back(page, "**/cart/quantity")
    await page.get_by_label("Quantity of Enamel Mug").fill("3")
    await page.get_by_label("Quantity of Brass Compass").fill("2")
    await page.get_by_label("Quantity of Brass Compass").blur()
    answer.set()
    await expect(page.locator("#badge")).to_contain_text("5")
    await page.reload()
    await expect(page.get_by_label("Quantity of Enamel Mug")).to_have_value("3")
    await expect(page.get_by_label("Quantity of Brass Compass")).to_have_value("2")


async def test_the_button_is_in_view(
    open_window: OpenWindow, shop: str, *, script: bool, size: tuple[int, int]
) -> None:
    """The button to add is in view without scrolling, whatever the product's options are."""
    page = await (await open_window(size, script=script)).new_page()
    for handle in ("drizzle-jacket", "scree-hiking-boots", "enamel-mug", "brass-compass"):
        await page.goto(f"{shop}/products/{handle}")
        button = page.get_by_role("button", name="Add to cart")
        await expect(button).to_be_in_viewport(ratio=1)


async def test_error_pages_keep_the_account(
    open_window: OpenWindow, shop: str, *, script: bool, size: tuple[int, int]
) -> None:
    """Pages of errors keep account and cart: the badge counts what is in it."""
    page = await (await open_window(size, script=script)).new_page()
    await add_to_cart(page, shop, "enamel-mug", 3)
    for path in ("/nope", "/products/nope"):
        await page.goto(f"{shop}{path}")
        await expect(page.locator("#badge")).to_contain_text("3")


async def test_errors_of_a_form_all_at_once(
    open_window: OpenWindow, shop: str, *, script: bool, size: tuple[int, int]
) -> None:
    """Errors of a form stand at their fields, all at once; only the password typed is lost."""
    page = await (await open_window(size, script=script)).new_page()
    await page.goto(f"{shop}/register")
    await page.get_by_label("User name").fill("ab c!")
    await page.get_by_label("E-mail address").fill("x@y")
    await page.get_by_label("Password", exact=True).fill("passwordpassword")
    await page.get_by_role("button", name="Create account").click()
    await expect(page).to_have_title(re.compile("^Error: Create account"))
    for label, typed in (("User name", "ab c!"), ("E-mail address", "x@y"), ("Password", "")):
        field = page.get_by_label(label, exact=True)
        await expect(field).to_have_attribute("aria-invalid", "true")
        await expect(field).to_have_accessible_description(re.compile(".+"))
        await expect(field).to_have_value(typed)
    await expect(page.get_by_label("User name")).to_be_focused()
    await expect(page.get_by_label("User name")).to_be_in_viewport()


async def test_the_account_answers_in_its_place(
    open_window: OpenWindow, shop: str, *, script: bool, size: tuple[int, int]
) -> None:
    """On the account's page error, success and token are in view; a reload repeats nothing."""
    page = await (await open_window(size, script=script)).new_page()
    name = new_name()
    await register(page, shop, name)
    await page.goto(f"{shop}/account")
    email = page.locator("#email")
    await email.get_by_label("New e-mail address").fill(f"new-{name}@example.com")
    await email.get_by_label("Current password", exact=True).fill("not this one")
    await email.get_by_role("button", name="Change e-mail address").click()
    wrong = page.locator("#email [aria-invalid]")
    await expect(wrong).to_be_focused()
    await expect(wrong).to_be_in_viewport()
    await expect(page).to_have_title(re.compile("^Error: "))
    await email.get_by_label("Current password", exact=True).fill(PASSWORD)
    await email.get_by_role("button", name="Change e-mail address").click()
    await sees(page, "Your e-mail address is changed.")
    tokens = page.locator("#tokens")
    await tokens.get_by_label("What it is for").fill("backup")
    await tokens.get_by_label("Current password", exact=True).fill(PASSWORD)
    await tokens.get_by_role("button", name="Create token").dblclick(no_wait_after=True)
    await sees(page, "locker_r_")
    await expect(page).to_have_url(f"{shop}/account")
    await page.reload()
    await expect(page.get_by_text("locker_r_")).to_have_count(0)
    await expect(tokens.get_by_role("button", name="Revoke")).to_have_count(1)
    await tokens.get_by_role("button", name="Revoke").click()
    await sees(page, "That token is revoked")
    await page.goto(f"{shop}/account/tokens")
    await expect(page).to_have_url(f"{shop}/account#tokens")


async def test_from_the_cart_to_the_order(
    open_window: OpenWindow, shop: str, *, script: bool, size: tuple[int, int]
) -> None:
    """Checking out as a guest says what it takes, leads back, and says what comes next."""
    page = await (await open_window(size, script=script)).new_page()
    await add_to_cart(page, shop, "enamel-mug", 2)
    await page.get_by_role("link", name="Check out").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("How would you like to order?")
    await page.get_by_role("link", name="Create account").click()
    name = new_name()
    await page.get_by_label("User name").fill(name)
    await page.get_by_label("E-mail address").fill(f"{name}@example.com")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Create account").click()
    await sees(page, "2 items came along in your cart.")
    await expect(page).to_have_url(f"{shop}/checkout")
    await expect(page.get_by_role("main")).to_contain_text(f"{name}@example.com")
    await fill_in_checkout(page)
    await page.get_by_role("button", name="Place the order").click()
    await sees(page, "Thank you! Your order is placed.")
    await page.get_by_role("link", name="Enamel Mug").click()
    await expect(page).to_have_url(re.compile("/products/enamel-mug"))
    await page.go_back()
    await page.get_by_role("link", name="Cancel this order").click()
    await page.get_by_role("link", name="Keep it").click()
    await page.get_by_role("link", name="Cancel this order").click()
    await page.get_by_role("button", name="Cancel the order").click()
    await sees(page, "Your order is cancelled.")
    await page.goto(f"{shop}/nope")
    await expect(page.get_by_role("navigation", name="Shopper")).to_contain_text("Account")
