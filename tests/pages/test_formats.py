"""Money, devices and drawings, as a shopper sees them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from quart import Quart, render_template_string

from service.pages import LOCALES, PageContext
from service.pages.assets import FILES
from service.pages.context import nearest
from service.pages.drawings import drawing
from service.pages.formats import below_title, device

TEMPLATES = sorted((Path(__file__).parents[2] / "service/templates").rglob("*.html"))


@pytest.mark.parametrize(
    ("locale", "amount", "currency", "written"),
    [
        ("en", 123456, "USD", "$1,234.56"),
        ("de", 123456, "EUR", "1.234,56\xa0€"),
        ("en", 1599, "JPY", "¥1,599"),
        ("en", 1599, "KWD", "KWD1.599"),
        ("en", 9_007_199_254_740_991, "USD", "$90,071,992,547,409.91"),
    ],
)
async def test_money(app: Quart, locale: str, amount: int, currency: str, written: str) -> None:
    """Money is shown to the last minor unit, with as many decimals as the currency has."""
    async with app.test_request_context("/"):
        text = await render_template_string(
            "{{ amount|money(currency) }}",
            amount=amount,
            currency=currency,
            shopper=PageContext(locale=locale),
        )
    assert text == written


@pytest.mark.parametrize(
    ("tag", "found"),
    [("de-CH", "de_CH"), ("de-AT", "de"), ("EN-gb", "en_GB"), ("tlh", "en"), ("zz-ZZ-zz", "en")],
)
def test_the_nearest_locale(tag: str, found: str) -> None:
    """An unknown region is its language, an unknown language English."""
    assert str(nearest(tag)) == found


def test_every_locale_is_there() -> None:
    """None that can be chosen turns out as another."""
    assert [str(nearest(tag)).replace("_", "-") for tag in LOCALES] == list(LOCALES)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
         "Firefox on Linux"),
        (("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
         " Version/18.0 Safari/605.1.15"), "Safari on Mac"),
        (("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"), "Edge on Windows"),
        ("curl/8.9.1", "curl"),
        ("a program of my own", "a program of my own"),
        ("", "Unknown device"),
    ],
)  # fmt: skip
def test_devices(agent: str, name: str) -> None:
    """Devices are shown by the names that people use."""
    assert device(agent) == name


@pytest.mark.parametrize(
    ("handle", "kind", "motif"),
    [
        ("ridgeline-2-tent", "Tents", "tent"),
        ("drift-sleeping-bag", "Sleeping", "sleeping"),
        ("roll-top-dry-bag", "Backpacks", "drybag"),
        ("dry-bag", "", "drybag"),
        ("nothing-of-the-kind", "Bottles", "bottle"),
        ("ÿ", "", "parcel"),
    ],
)
def test_drawings(handle: str, kind: str, motif: str) -> None:
    """The nearest by the product's name, then by its type, and a parcel for anything."""
    drawn = drawing(handle, kind)
    assert f"/{motif}.svg?v=" in drawn["url"]
    assert drawn == drawing(handle, kind)


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<h3>Care</h3>", "<h2>Care</h2>"),
        ("<h2>A</h2><h5>B</h5><h2>C</h2>", "<h2>A</h2><h3>B</h3><h2>C</h2>"),
        ("<h6>A</h6><h4>B</h4>", "<h2>A</h2><h2>B</h2>"),
        ("<p>None, <hr> and no header</p>", "<p>None, <hr> and no header</p>"),
    ],
)
def test_headings_skip_no_level(html: str, shown: str) -> None:
    """The headings of a description are moved below the product's own."""
    assert below_title(html) == shown


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_templates_fit_the_content_security_policy(path: Path) -> None:
    """No inline style or script, and every static file they name is there."""
    text = path.read_text()
    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=|javascript:|hx-on", text)
    scripts = re.findall(r"<script[^>]*>", text)
    # What is data runs nowhere.
    assert all("src=" in tag or 'type="application/ld+json"' in tag for tag in scripts)
    for name in re.findall(r"static_url\('([^']+\.\w+)'\)", text):
        assert name in FILES
