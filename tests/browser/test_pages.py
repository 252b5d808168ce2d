"""What holds for every page: accessible in light and dark, small, still, and with a name."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, Route

from tests.browser.conftest import OpenWindow
from tests.support.chromium import PHONE, add_to_cart, fill_in_checkout, log_in, register
from tests.support.shopping import new_name

pytestmark = pytest.mark.asyncio(loop_scope="session")

AXE = Path(__file__).parent / "vendor/axe-core-4.14.1/axe.min.js"

GUEST = (
    "/",
    "/?q=tent",
    "/?q=nothing-at-all",
    "/?type=Lighting",
    "/products/ridgeline-2-tent",
    "/products/market-tote",
    "/products/drizzle-jacket?option1=L&option2=Ochre",
    "/cart",
    "/login",
    "/login?next=/checkout",
    "/register",
    "/preferences",
    "/locker",
    "/docs",
    "/no-such-page",
)
SIGNED_IN = (
    "/",
    "/cart",
    "/cart/clear",
    "/checkout",
    "/orders",
    "/account",
    "/locker",
    "/preferences",
)

FIRST_VIEW = 60 * 1024


async def prepare(window: BrowserContext, shop: str) -> str:
    """Register, order, and fill the cart; returns the order's path."""
    page = await window.new_page()
    await register(page, shop, new_name())
    await add_to_cart(page, shop, "enamel-mug", 2)
    await page.goto(f"{shop}/checkout")
    await fill_in_checkout(page)
    await page.get_by_role("button", name="Place the order").click()
    await page.get_by_text("Thank you").wait_for()
    order: str = page.url.removeprefix(shop)
    await add_to_cart(page, shop, "ember-wood-stove")
    await page.close()
    return order


async def complaints(page: Page) -> list[str]:
    """Return what axe finds."""
    await page.evaluate(AXE.read_text())
    found: dict[str, Any] = await page.evaluate("axe.run()")
    return [
        f"{each['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


@pytest.mark.timeout(240)  # thirty pages, each looked at whole
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_every_page_is_accessible(open_window: OpenWindow, shop: str, *, dark: bool) -> None:
    """Axe finds nothing on any page, light or dark, for guests and others."""
    found = {}
    guest = await open_window(dark=dark)
    member = await open_window(PHONE, dark=dark)
    order = await prepare(member, shop)
    for window, paths in ((guest, GUEST), (member, (*SIGNED_IN, order, f"{order}/cancel"))):
        page = await window.new_page()
        for path in paths:
            await page.goto(f"{shop}{path}")
            found[path] = await complaints(page)
    page = await guest.new_page()
    for path, button in (("/login", "Log in"), ("/register", "Create account")):
        await page.goto(f"{shop}{path}")
        await page.evaluate("document.querySelector('main form').noValidate = true")
        await page.get_by_label("User name").fill("x")
        await page.get_by_role("button", name=button).click()
        await page.locator("[aria-invalid]").first.wait_for()
        found[f"{path} again"] = await complaints(page)
    assert {path: each for path, each in found.items() if each} == {}


async def test_the_receipt_is_accessible(open_window: OpenWindow, shop: str) -> None:
    """Axe finds nothing on the receipt after a login."""
    name = new_name()
    elsewhere = await (await open_window()).new_page()
    await register(elsewhere, shop, name)
    await add_to_cart(elsewhere, shop, "brass-compass")
    page = await (await open_window()).new_page()
    await add_to_cart(page, shop, "enamel-mug")
    await log_in(page, shop, name)
    await page.get_by_role("heading", name="Two carts became one").wait_for()
    assert await complaints(page) == []


async def test_every_page_has_a_name(open_window: OpenWindow, shop: str) -> None:
    """Every page has a title of its own, a description, one main heading and its language."""
    window = await open_window()
    order = await prepare(window, shop)
    page = await window.new_page()
    titles = []
    for path in (*SIGNED_IN, order, "/login", "/register", "/products/enamel-mug", "/nothing"):
        await page.goto(f"{shop}{path}")
        titles.append(await page.title())
        description = await page.get_attribute("meta[name=description]", "content")
        assert description, path
        assert len(description) > 10, path
        assert await page.locator("h1").count() == 1, path
        assert await page.get_attribute("html", "lang") == "en"
    assert len(set(titles)) == len(titles)


async def test_a_first_view_is_small(open_window: OpenWindow, shop: str) -> None:
    """A first view takes 60 KB at most over the wire, drawings included."""
    window = await open_window()
    page = await window.new_page()
    wire = await window.new_cdp_session(page)
    await wire.send("Network.enable")
    sizes: list[float] = []
    wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    await page.goto(shop, wait_until="networkidle")
    assert len(sizes) > 5
    assert sum(sizes) <= FIRST_VIEW


@pytest.mark.parametrize("path", ["/", "/products/ridgeline-2-tent", "/cart"])
@pytest.mark.parametrize("size", [(1280, 860), PHONE], ids=["desktop", "phone"])
async def test_pictures_move_nothing(
    open_window: OpenWindow, shop: str, path: str, size: tuple[int, int]
) -> None:
    """However late pictures come, nothing on the page shifts."""
    window = await open_window(size)
    page = await window.new_page()
    await add_to_cart(page, shop, "enamel-mug")
    arrived = asyncio.Event()

    async def hold_back(route: Route) -> None:
        await arrived.wait()
        await route.continue_()

    await page.route("**/drawings/**", hold_back)
    await page.route("**/hero.svg*", hold_back)
    await page.add_init_script(
        """
        window.shifts = [];
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) window.shifts.push(entry.value);
        }).observe({ type: "layout-shift", buffered: true });
        """
    )
    await page.goto(f"{shop}{path}", wait_until="domcontentloaded")
    before = await page.evaluate("document.documentElement.scrollHeight")
    arrived.set()
    await page.wait_for_load_state("networkidle")
    assert await page.evaluate("document.documentElement.scrollHeight") == before
    assert sum(await page.evaluate("window.shifts")) == 0
    undersized = "[...document.images].filter((each) => !each.width || !each.height).length"
    assert await page.evaluate(undersized) == 0


@pytest.mark.parametrize("width", [320, 390])
async def test_nothing_sticks_out_of_a_phone(
    open_window: OpenWindow, shop: str, width: int
) -> None:
    """No page is wider than the screen, down to 320 pixels (WCAG 2.2, 1.4.10)."""
    window = await open_window((width, 800))
    order = await prepare(window, shop)
    page = await window.new_page()
    for path in (*GUEST, *SIGNED_IN, order):
        await page.goto(f"{shop}{path}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path


async def test_the_theme_is_the_shoppers(open_window: OpenWindow, shop: str) -> None:
    """A page is dark if the system is, until the shopper chooses light."""
    page = await (await open_window(dark=True)).new_page()
    background = "getComputedStyle(document.documentElement).backgroundColor"
    await page.goto(f"{shop}/preferences")
    dark = await page.evaluate(background)
    await page.get_by_label("Light", exact=True).check()
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("Your preferences are saved").wait_for()
    assert await page.evaluate(background) != dark
