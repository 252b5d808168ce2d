"""What the pages look like where they are not looked at every day."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import OpenWindow
from tests.browser.test_pages import GUEST, SIGNED_IN, prepare
from tests.support.chromium import PHONE, add_to_cart

pytestmark = pytest.mark.asyncio(loop_scope="session")

STYLE = """([selector, name]) =>
    [...document.querySelectorAll(selector)].map((each) => getComputedStyle(each)[name])"""


async def test_forced_colours_tell_the_chosen_apart(chromium: Browser, shop: str) -> None:
    """The chosen option and the current page have what the others lack, in colours not ours."""
    context = await chromium.new_context(forced_colors="active")
    page = await context.new_page()
    await page.goto(f"{shop}/products/drizzle-jacket")
    chips = await page.evaluate(STYLE, [".choice input:checked + span", "outlineStyle"])
    others = await page.evaluate(STYLE, [".choice input:not(:checked) + span", "outlineStyle"])
    assert set(chips) == {"solid"}
    assert set(others) == {"none"}
    await page.goto(f"{shop}/?type=Lighting")
    current = await page.evaluate(STYLE, ["main nav a[aria-current]", "outlineStyle"])
    assert set(current) == {"solid"}
    await page.goto(f"{shop}/cart")
    borders = await page.evaluate(STYLE, [".top nav a", "borderBottomColor"])
    assert len(set(borders)) == 2
    await context.close()


async def test_zoomed_to_four_times(open_window: OpenWindow, shop: str) -> None:
    """At 320 by 215 pixels nothing sticks out, and nothing that stays covers what is read."""
    window = await open_window((320, 215))
    order = await prepare(window, shop)
    page = await window.new_page()
    for path in (*GUEST, *SIGNED_IN, order, f"{order}/cancel", "/cart/clear"):
        await page.goto(f"{shop}{path}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320, path
        fixed = """[...document.querySelectorAll("main *")].filter((each) =>
            ["sticky", "fixed"].includes(getComputedStyle(each).position)).length"""
        assert await page.evaluate(fixed) == 0, path


@pytest.mark.parametrize("size", [(320, 640), (375, 667)], ids=["320", "375"])
async def test_the_button_is_in_view_on_a_small_phone(
    open_window: OpenWindow, shop: str, size: tuple[int, int]
) -> None:
    """On a small phone the button to add is in view, and hides no end of a page for good."""
    page = await (await open_window(size)).new_page()
    await page.goto(f"{shop}/products/drizzle-jacket")
    button = page.get_by_role("button", name="Add to cart")
    await expect(button).to_be_in_viewport(ratio=1)
    await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    bar, foot = (
        await page.locator(".order").bounding_box(),
        await page.locator(".foot").bounding_box(),
    )
    assert bar
    assert foot
    assert foot["y"] + foot["height"] <= bar["y"] + 1


async def test_the_header_of_a_small_phone_breaks_no_word(
    open_window: OpenWindow, shop: str
) -> None:
    """At 320 pixels each entry of the header is in one line, signed in as well."""
    window = await open_window((320, 640))
    await prepare(window, shop)
    page = await window.new_page()
    await page.goto(shop)
    for entry in await page.locator(".top nav :is(a, button)").all():
        box = await entry.bounding_box()
        assert box
        assert box["height"] < 45, await entry.inner_text()


async def test_no_button_that_does_nothing(open_window: OpenWindow, shop: str) -> None:
    """What needs a script isn't shown without one."""
    page = await (await open_window(script=False)).new_page()
    await page.goto(f"{shop}/locker")
    await expect(page.locator("#two-adds")).to_be_hidden()
    await page.goto(f"{shop}/docs")
    await page.locator(".operation > summary").first.click()
    await expect(page.locator(".operation[open] form button")).to_be_hidden()
    await page.goto(f"{shop}/login")
    await expect(page.locator("[data-reveal]")).to_be_hidden()


async def test_a_long_word_widens_nothing(open_window: OpenWindow, shop: str) -> None:
    """A word longer than a phone is broken, in a name, an option and a message."""
    window = await open_window((320, 640))
    await add_to_cart(await window.new_page(), shop, "drizzle-jacket")
    page = await window.new_page()
    for path, selectors in (
        ("/products/drizzle-jacket", ("h1", ".choice span", ".crumbs a")),
        ("/?q=tent", ("h1", ".card .name")),
        ("/cart", (".line .name", ".line .option")),
    ):
        for selector in selectors:
            await page.goto(f"{shop}{path}")
            await page.locator(selector).first.evaluate("each => each.textContent = 'w'.repeat(99)")
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= 320, (path, selector)


async def test_still_for_those_who_ask(open_window: OpenWindow, shop: str) -> None:
    """With reduced motion nothing moves, the picture under the pointer included."""
    page = await (await open_window()).new_page()
    await page.goto(shop)
    await page.locator(".card a").first.hover()
    moved = await page.evaluate(STYLE, [".card img", "transform"])
    assert set(moved) == {"none"}
    durations = await page.evaluate(STYLE, ["*", "transitionDuration"])
    assert set(durations) == {"0s"}


async def test_an_order_on_paper(open_window: OpenWindow, shop: str) -> None:
    """An order on paper has number, lines and total, and nothing that only a screen can do."""
    window = await open_window()
    order = await prepare(window, shop)
    page = await window.new_page()
    await page.goto(f"{shop}{order}")
    await page.emulate_media(media="print")
    for text in ("Enamel Mug", "$25.00", "Placed"):
        await expect(page.get_by_role("main").get_by_text(text).first).to_be_visible()
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    for selector in (".top", ".foot", "main a[href$='/cancel']"):
        await expect(page.locator(selector)).to_be_hidden()


async def test_paper_is_white(open_window: OpenWindow, shop: str) -> None:
    """A page is printed dark on white, whoever chose dark, without the message of the moment."""
    window = await open_window()
    order = await prepare(window, shop)
    page = await window.new_page()
    await page.goto(f"{shop}/preferences")
    await page.get_by_label("Dark", exact=True).check()
    await page.get_by_role("button", name="Save").click()
    message = page.get_by_text("Your preferences are saved.")
    await expect(message).to_be_visible()
    await page.emulate_media(media="print")
    await expect(message).to_be_hidden()
    await page.goto(f"{shop}{order}")
    schemes = await page.evaluate(STYLE, [".meta, .status, .lines", "colorScheme"])
    assert set(schemes) == {"light"}


async def test_a_broken_picture_is_drawn(open_window: OpenWindow, shop: str) -> None:
    """A picture that can't be had is replaced by the drawing, and nothing moves for it."""
    window = await open_window()
    page = await window.new_page()
    await page.route("**/pictures/**", lambda route: route.fulfill(status=200, body="no picture"))
    await page.goto(f"{shop}/products/enamel-mug")
    first = page.locator(".pictures img").first
    await expect(first).to_have_attribute("src", re.compile("/drawings/mug.svg"))
    assert await first.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0


@pytest.mark.parametrize("size", [(1280, 860), PHONE], ids=["1280", "390"])
async def test_pictures_open(open_window: OpenWindow, shop: str, size: tuple[int, int]) -> None:
    """Pictures open over the page, one after the other; closing leads back to where one was."""
    page = await (await open_window(size)).new_page()
    await page.goto(f"{shop}/products/enamel-mug")
    link = page.get_by_role("link", name="Enlarge picture 2 of 3")
    await link.click()
    viewer = page.get_by_role("dialog")
    await expect(viewer.get_by_role("img")).to_have_attribute("src", re.compile("mug-blue"))
    await page.keyboard.press("ArrowRight")
    await expect(viewer.get_by_role("img")).to_have_attribute("src", re.compile("mug-red"))
    await page.keyboard.press("Escape")
    await expect(viewer).to_have_count(0)
    await expect(link).to_be_focused()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
async def test_a_variant_shows_its_own_picture(
    open_window: OpenWindow, shop: str, *, script: bool
) -> None:
    """A variant shows its own picture, on its page and in the cart."""
    page = await (await open_window(script=script)).new_page()
    await page.goto(f"{shop}/products/enamel-mug")
    await page.get_by_label("Blue").check()
    if not script:
        await page.get_by_role("button", name="Show price and stock").click()
    first = page.locator(".pictures img").first
    await expect(first).to_have_attribute("src", re.compile("mug-blue"))
    await page.get_by_role("button", name="Add to cart").click()
    await page.get_by_text("Added: Enamel Mug, Blue").wait_for()
    await page.goto(f"{shop}/cart")
    await expect(page.locator(".line img")).to_have_attribute("src", re.compile("mug-blue"))


async def test_times_are_the_shoppers(chromium: Browser, shop: str) -> None:
    """Times are in the browser's zone, and without a script in UTC, which is said."""
    context = await chromium.new_context(timezone_id="Pacific/Auckland", locale="en-US")
    order = await prepare(context, shop)
    page = await context.new_page()
    await page.goto(f"{shop}{order}")
    shown = await page.locator("main time").inner_text()
    moment = await page.locator("main time").get_attribute("datetime")
    expected = await page.evaluate(
        """(moment) => new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short",
            timeZone: "Pacific/Auckland" }).format(new Date(moment))""",
        moment,
    )
    assert shown == expected
    cookies = await context.cookies()
    plain = await chromium.new_context(java_script_enabled=False)
    await plain.add_cookies(cast("Any", cookies))
    page = await plain.new_page()
    await page.goto(f"{shop}{order}")
    assert (await page.locator("main time").inner_text()).endswith(" UTC")
    await context.close()
    await plain.close()


async def test_passwords_can_be_seen(open_window: OpenWindow, shop: str) -> None:
    """A button shows the password that is typed, and hides it again."""
    page: Page = await (await open_window()).new_page()
    await page.goto(f"{shop}/login")
    field = page.locator("#password")
    await page.get_by_role("button", name="Show password").click()
    await expect(field).to_have_attribute("type", "text")
    await page.get_by_role("button", name="Hide password").click()
    await expect(field).to_have_attribute("type", "password")


async def test_looking_leaves_no_cookie(open_window: OpenWindow, shop: str) -> None:
    """Looking leaves no cookie, before there is something to remember."""
    window = await open_window()
    page = await window.new_page()
    for path in ("/", "/products/enamel-mug", "/cart", "/login", "/nope"):
        await page.goto(f"{shop}{path}")
    assert await window.cookies() == []
    await add_to_cart(page, shop, "enamel-mug")
    assert {each["name"] for each in await window.cookies()} >= {"session-cart"}
