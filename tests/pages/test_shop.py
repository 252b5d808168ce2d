"""The shop is its owner's, and can be found and shared."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from msgspec.structs import asdict
from quart import Quart

from service.errors import SettingsError
from service.pages.shop import Brand, Shop, read_shop
from tests.pages.conftest import Visitor
from tests.support.shopping import Product, add_product

FILE = """
name = "Hut & Heather"
greeting = "Up, and out."
password_help = "Forgot it? Write to help@example.com."
logo = "logo.svg"
[[links]]
text = "Terms"
url = "https://example.com/terms"
[[links]]
text = "Contact"
url = "mailto:hut@example.com"
[colors]
green = ["#123456", "#abcdef"]
"""
LOGO = '<svg xmlns="http://www.w3.org/2000/svg"/>'


async def test_the_shop_of_a_file(
    start_app: Callable[..., Awaitable[Quart]], tmp_path: Path
) -> None:
    """A shop's file puts its name, words, links, logo and colours on the pages."""
    (tmp_path / "shop.toml").write_text(FILE)
    (tmp_path / "logo.svg").write_text(LOGO)
    app = await start_app(shop_file=str(tmp_path / "shop.toml"))
    transport = httpx.ASGITransport(cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        page = (await client.get("/login")).text
        assert "<title>Log in · Hut &amp; Heather</title>" in page
        assert "Forgot it? Write to help@example.com." in page
        assert '<a href="https://example.com/terms">Terms</a>' in page
        assert '<a href="mailto:hut@example.com">Contact</a>' in page
        assert "Locker</a>" not in page
        (logo,) = set(re.findall(r'"(/brand/logo\?v=\w+)"', page))
        assert (await client.get(logo)).text == LOGO
        (colors,) = re.findall(r'href="(/brand/colors.css\?v=\w+)"', page)
        style = await client.get(colors)
        assert style.text == ":root { --green: light-dark(#123456, #abcdef); }\n"
        assert style.headers["Content-Type"] == "text/css; charset=utf-8"
        assert "immutable" in style.headers["Cache-Control"]
        missing = await client.get("/nope", headers={"Accept": "text/html"})
        assert "Hut &amp; Heather" in missing.text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('nmae = "x"', "nmae"),
        ("name = 3", "name"),
        ("name", "Expected '='"),
        ('logo = "nothing.svg"', "No such file"),
        ('logo = "shop.toml"', "a logo is one of"),
        ('links = [{text = "x", url = "javascript:alert(1)"}]', "url"),
        ('links = [{text = "x", url = "//evil.example"}]', "url"),
        ('[colors]\ngreen = ["red;}", "#000000"]', "green"),
    ],
)
def test_a_file_that_cannot_be_taken(tmp_path: Path, text: str, reason: str) -> None:
    """A shop's file that can't be taken stops the start, by a line with file and reason."""
    path = tmp_path / "shop.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=reason) as refused:
        read_shop(str(path))
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_no_file_is_the_default() -> None:
    """Without a shop's file the shop is Locker's; one that isn't there stops the start."""
    assert read_shop("") == (Shop(), Brand({}))
    with pytest.raises(SettingsError, match="No such file"):
        read_shop("/nothing/like/it.toml")


async def test_the_addresses_of_a_site(browser: Visitor, product: Product) -> None:
    """Robots find the sitemap, and by it every product that is sold; there is an icon."""
    robots = await browser.get("/robots.txt")
    assert robots.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Disallow: /account\n" in robots.text
    (index,) = re.findall(r"Sitemap: (http\S+)", robots.text)
    parts = re.findall(r"<loc>([^<]+)</loc>", (await browser.get(index)).text)
    listed = [
        url
        for part in parts
        for url in re.findall(r"<loc>([^<]+)<", (await browser.get(part)).text)
    ]
    assert f"http://localhost/products/{product.handle}" in listed
    assert listed[0] == "http://localhost/"
    icon = await browser.get("/favicon.ico")
    assert icon.headers["Content-Type"].startswith("image/svg+xml")
    for path in ("/robots.txt", "/sitemap.xml", "/favicon.ico"):
        assert "Set-Cookie" not in (await browser.get(path)).headers


@pytest.mark.parametrize("part", ["-1", "x", "99999999999", "1.5", "40000"])
async def test_a_part_that_is_not_there(browser: Visitor, part: str) -> None:
    """Has nothing in it, or is refused."""
    response = await browser.get("/sitemap-products.xml", params={"part": part})
    assert response.status_code in {200, 422}
    assert "/products/" not in response.text


async def test_a_product_can_be_shared(browser: Visitor, database_url: str) -> None:
    """A product's page has for machines its one address, what to show of it, and its price."""
    product = await add_product(database_url, price="12.50", stock=0)
    page = (await browser.get(f"/products/{product.handle}?sku={product.sku}")).text
    address = f"http://localhost/products/{product.handle}"
    assert f'<link rel="canonical" href="{address}">' in page
    assert f'<meta property="og:url" content="{address}">' in page
    (data,) = re.findall(r'<script type="application/ld\+json">(.+?)</script>', page)
    about = json.loads(data)
    assert about["name"] == f"The {product.sku}"
    assert about["offers"]["lowPrice"] == "12.50"
    assert about["offers"]["availability"].endswith("OutOfStock")


def test_the_guide_is_true(tmp_path: Path) -> None:
    """The file in the guide can be taken, and names everything that there is to name."""
    guide = Path(__file__).parents[2] / "docs/shop.md"
    (text,) = re.findall(r"```toml\n(.+?)```", guide.read_text(), re.DOTALL)
    (tmp_path / "shop.toml").write_text(text)
    (tmp_path / "logo.svg").write_text(LOGO)
    shop, brand = read_shop(str(tmp_path / "shop.toml"))
    assert set(brand.assets) == {"logo", "colors.css"}
    for part in (shop, shop.colors):
        for field in part.__struct_fields__:
            assert re.search(rf"^\[*{field}\b", text, re.MULTILINE), field
    style = (Path(__file__).parents[2] / "service/static/shop.css").read_text()
    for name, (light, dark) in asdict(shop.colors).items():
        assert f"--{name.replace('_', '-')}: light-dark({light}, {dark});" in style
