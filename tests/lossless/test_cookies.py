"""Keys change and cookies stay small, and nobody notices."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from quart import Quart

from service.settings import Settings
from tests.support.jar import Jar
from tests.support.products import add_many
from tests.support.shopping import PASSWORD, Product, new_name

Start = Callable[..., Awaitable[Quart]]

BROWSER_LIMIT = 4093


async def old_key_uses(app: Quart) -> float:
    """Return the count that says when an old key can go."""
    metrics = await (await app.test_client().get("/metrics")).get_data(as_text=True)
    return float(metrics.split("\nlocker_old_key_uses_total ")[1].split("\n")[0])


async def sign_in(jar: Jar, name: str) -> None:
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    await jar.ask("POST", "/account", body, status=201)


async def test_keys_change_twice_under_traffic_and_nobody_is_logged_out(
    start_app: Start, settings: Settings, product: Product
) -> None:
    """Each cookie is signed anew on its next use, and the count of old keys comes to rest."""
    old, key, newest = settings.secret_key, secrets.token_hex(32), secrets.token_hex(32)
    jars = [Jar(await start_app(secret_key=old)) for _ in range(10)]
    for jar in jars:
        await sign_in(jar, new_name())
        await jar.ask("POST", "/cart/lines", {"sku": product.sku}, status=201)
        await jar.ask("PATCH", "/preferences", {"theme": "dark"})

    async def use(app: Quart, rounds: int) -> None:
        async def shop(jar: Jar) -> None:
            jar.app = app
            for _ in range(rounds):
                await jar.ask("POST", "/cart/lines", {"sku": product.sku})
                assert (await jar.ask("GET", "/session"))["authenticated"]

        await asyncio.gather(*(shop(jar) for jar in jars))

    rotated = [
        await start_app(secret_key=key, secret_key_fallbacks=(old,)),
        await start_app(secret_key=newest, secret_key_fallbacks=(key, old)),
    ]
    for app in rotated:
        before = await old_key_uses(app)
        await use(app, rounds=2)
        counted = await old_key_uses(app)
        assert counted > before
        await use(app, rounds=1)
        assert await old_key_uses(app) == counted

    # Nobody uses an old key any more, so it can go.
    app = await start_app(secret_key=newest)
    await use(app, rounds=1)
    for jar in jars:
        assert (await jar.ask("GET", "/preferences"))["theme"] == "dark"
        assert (await jar.ask("GET", "/cart"))["quantity"] == 8


async def test_a_full_cart_of_long_skus_fits_its_cookie(app: Quart, database_url: str) -> None:
    """100 lines with skus of 64 characters: every cookie below what browsers keep, all there."""
    skus = await add_many(database_url, 100, prefix=secrets.token_hex(30))
    assert max(map(len, skus)) >= 63
    jar, name = Jar(app), new_name()
    for sku in skus:
        await jar.ask("POST", "/cart/lines", {"sku": sku, "quantity": 99}, status=201)
    await sign_in(jar, name)
    for cookie, value in jar.cookies.items():
        assert len(f"{cookie}={value}") < BROWSER_LIMIT - 100
    cart = await jar.ask("GET", "/cart")
    assert {line["sku"] for line in cart["lines"]} == set(skus)
    assert cart["quantity"] == 9900


async def test_a_cart_beyond_the_cookie_lives_without_its_copy(
    start_app: Start, database_url: str
) -> None:
    """Where the setting allows more lines than a cookie holds, the copy goes, the cart stays."""
    app = await start_app(cart_max_lines=2_000)
    skus = await add_many(database_url, 400)
    jar = Jar(app)
    for sku in skus:
        await jar.ask("POST", "/cart/lines", {"sku": sku}, status=201)
    assert len(jar.cookies["session-cart"]) < BROWSER_LIMIT
    assert (await jar.ask("GET", "/cart"))["quantity"] == 400


async def test_the_base_cookie_is_small(app: Quart) -> None:
    """A signed-in shopper's login takes under 400 bytes, with the longest name."""
    jar = Jar(app)
    await sign_in(jar, secrets.token_hex(32)[:64])
    response = await jar.send("GET", "/session")
    jar.take(response)
    assert len(f"session={jar.cookies['session']}; HttpOnly; Path=/; SameSite=Lax") < 400
