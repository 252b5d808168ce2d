"""A real browser on a really served shop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from werkzeug.security import generate_password_hash

from service import accounts
from service.audit import COMMAND_LINE
from service.catalogue import SAMPLE, import_products
from service.devserver import PostgresServer
from service.migrations import migrate
from service.settings import Settings
from tests.support.serving import Served, serve
from tests.support.shopping import PASSWORD

ARGUMENTS = [
    "--no-sandbox",  # Chromium refuses to start as root without it
    "--disable-gpu",
    # What Chromium would ask of its maker's hosts on its own account.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
OPERATOR = "keeper"
"""Who stands behind the served shop's counter."""

DESKTOP, PHONE = (1280, 860), (390, 844)


def find_chromium() -> str | None:
    """Return the path of Chromium; the variable is for one in an unusual place."""
    given = os.environ.get("LOCKER_TEST_CHROMIUM")
    return given or shutil.which("chromium") or shutil.which("chromium-browser")


@contextlib.contextmanager
def served_shop(folder: Path) -> Iterator[Served]:
    """Serve the sample catalogue from a database of its own."""
    with PostgresServer(folder / "postgres", durable=False) as server:
        asyncio.run(_fill(server.dsn))
        settings = Settings(
            environment="development",
            database_url=server.dsn,
            secret_key=secrets.token_hex(32),
            allowed_hosts=("localhost", "127.0.0.1"),
            secure_cookies=False,
            argon2=(64, 1, 1),
            drain_time=0.0,
            docs=True,
            admin_pages=True,
        )
        with serve(settings) as served:
            yield served


async def _fill(database_url: str) -> None:
    db = await asyncpg.connect(database_url)
    try:
        await migrate(db)
        with SAMPLE.open("rb") as source:
            await import_products(db, source, currency="USD")
        hashed = generate_password_hash(PASSWORD, "pbkdf2:sha256:1000")
        account = await accounts.import_account(db, OPERATOR, f"{OPERATOR}@example.com", hashed)
        await accounts.set_role(db, account.id, "operator", COMMAND_LINE)
    finally:
        await db.close()


@contextlib.asynccontextmanager
async def running_browser(*arguments: str) -> AsyncIterator[Browser]:
    """Run Chromium, with these arguments more."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_chromium(), args=[*ARGUMENTS, *arguments]
        )
        try:
            yield browser
        finally:
            await browser.close()


async def add_to_cart(page: Page, shop: str, handle: str, quantity: int = 1) -> None:
    """Add to the cart on the product's page, and wait for the shop to say so."""
    await page.goto(f"{shop}/products/{handle}")
    await page.get_by_label("Quantity").fill(str(quantity))
    await page.get_by_role("button", name="Add to cart").click()
    await page.get_by_text("Added: ").wait_for()


async def register(page: Page, shop: str, name: str) -> None:
    """Make an account, and wait to be welcomed."""
    await page.goto(f"{shop}/register")
    await page.get_by_label("User name").fill(name)
    await page.get_by_label("E-mail address").fill(f"{name}@example.com")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Create account").click()
    await page.get_by_text(f"Welcome, {name}").wait_for()


async def log_in(page: Page, shop: str, name: str) -> None:
    """Log in, and wait to be welcomed."""
    await page.goto(f"{shop}/login")
    await page.get_by_label("User name").fill(name)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_text(f"Welcome back, {name}").wait_for()


async def fill_in_checkout(page: Page, *, email: str = "") -> None:
    """Say who orders and where it goes: to Germany, whatever country there was before."""
    if email:
        await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Your name").fill("Ada Lovelace")
    goes = page.get_by_role("group", name="Where it goes")
    await goes.get_by_label("Country").select_option("DE")
    use = goes.get_by_role("button", name="Use this country")
    if await use.is_visible():
        await use.click()
    await goes.get_by_label("State").wait_for(state="detached")
    await goes.get_by_label("Street and number").fill("Unter den Linden 1")
    await goes.get_by_label("Postal code").fill("10117")
    await goes.get_by_label("City").fill("Berlin")


async def open_context(
    browser: Browser, size: tuple[int, int] = DESKTOP, *, dark: bool = False, script: bool = True
) -> BrowserContext:
    """Return a browser with no cookies, of a screen's size and colours."""
    width, height = size
    return await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
        reduced_motion="reduce",
    )
