"""The shop's list as a page: what it says, how it is narrowed, and paging there and back."""

from __future__ import annotations

import re
import secrets
from html import unescape
from urllib.parse import quote_plus

import asyncpg
import pytest

from service.catalogue import import_products
from tests.pages.conftest import Visitor
from tests.support.files import csv_file, row


@pytest.fixture
async def type_(database_url: str) -> str:
    """A type of 45 products, which no other test has: a name, two vendors, rising prices."""
    type_ = f"Kind {secrets.token_hex(5)}"
    stock = {"Variant_Inventory_Tracker": "shopify"}
    rows = [
        row(
            f"{type_}-{n}",
            Title=f"Numbat {n:02}",
            Type=type_,
            Vendor=f"{type_} {'AB'[n % 2]}",
            Tags=f"quoll{n:02}",
            Variant_Price=f"{n}.50",
            Variant_Inventory_Qty=str(n % 5),
            **stock,
        )
        for n in range(1, 46)
    ]
    db = await asyncpg.connect(database_url)
    await import_products(db, csv_file(*rows), currency="USD")
    await db.close()
    return type_


async def show(browser: Visitor, path: str) -> str:
    """Return the page's text, as it is read."""
    response = await browser.get(path)
    assert response.status_code == 200, response.text
    return unescape(response.text)


def link(page: str, text: str) -> str:
    """Return where the link with this text leads."""
    found = re.search(rf'<a [^>]*href="([^"]+)"[^>]*>(?:<span[^>]*>[^<]*</span>)?\s*{text}\b', page)
    assert found, text
    return found[1]


def names(page: str) -> list[str]:
    """Return the names on the cards."""
    return re.findall(r'<span class="name">([^<]+)</span>', page)


def heading(page: str) -> str:
    """Return the page's main heading, which its title begins with."""
    (found,) = re.findall(r"<h1[^>]*>([^<]+)</h1>", page)
    assert f"<title>{found} · " in page
    return str(found)


async def test_how_much_there_is(browser: Visitor, type_: str) -> None:
    """A search says how many products it has, and so does a type."""
    path = f"/?type={quote_plus(type_)}"
    page = await show(browser, f"{path}&q=numbat")
    assert heading(page) == f"45 products for “numbat” in {type_}"
    page = await show(browser, f"{path}&q=quoll07")
    assert heading(page) == f"1 product for “quoll07” in {type_}"
    page = await show(browser, path)
    assert heading(page) == type_
    assert "45 products" in page


@pytest.mark.parametrize("more", ["", "&q=numbat", "&sort=price", "&q=numbat&sort=title"])
async def test_pages_have_numbers(browser: Visitor, type_: str, more: str) -> None:
    """Heading and title say the page; one goes on, and back, by one page at a time."""
    pages = [await show(browser, f"/?type={quote_plus(type_)}{more}")]
    assert 'rel="prev"' not in pages[0]
    for number in (2, 3):
        pages.append(await show(browser, link(pages[-1], f"Page {number}")))
        assert heading(pages[-1]).endswith(f", page {number}")
    assert 'rel="next"' not in pages[2]
    assert len({name for page in pages for name in names(page)}) == 45
    again = await show(browser, link(pages[2], "Page 2"))
    assert names(again) == names(pages[1])
    assert heading(again).endswith(", page 2")
    first = await show(browser, link(again, "Page 1"))
    assert names(first) == names(pages[0])
    assert "page 1" not in heading(first)


async def test_what_it_is_narrowed_by(browser: Visitor, type_: str) -> None:
    """Each filter counts, is shown, and can be taken away alone."""
    path = f"/?type={quote_plus(type_)}&vendor={quote_plus(type_)}+A&min=10&max=19,50"
    page = await show(browser, f"{path}&available=true&sort=-price")
    assert names(page) == [f"Numbat {n}" for n in (18, 16, 14, 12)]
    page = await show(browser, link(page, "At most 19,50"))
    assert "At most 19,50" not in page
    assert names(page)[0] == "Numbat 44"
    page = await show(browser, link(page, f"Brand {type_} A"))
    assert names(page)[0] == "Numbat 44"
    assert f"{type_} B (" in page
    assert link(page, "In stock")


async def test_only_types_that_have_something(
    browser: Visitor, database_url: str, type_: str
) -> None:
    """A search offers the types that it finds something of, with how much, the chosen one first."""
    db = await asyncpg.connect(database_url)
    other = row(f"{type_}-other", Title=f"Other {type_}", Type=f"Another {type_}")
    await import_products(db, csv_file(other), currency="USD")
    await db.close()

    def chips(page: str) -> list[str]:
        (nav,) = re.findall(r'aria-label="Types">(.*?)</nav>', page, re.DOTALL)
        texts = re.findall(r"<a [^>]*>(.*?)</a>", nav, re.DOTALL)
        return [re.sub(r"<[^>]*>", "", each) for each in texts]

    page = await show(browser, f"/?q={quote_plus(type_)}")
    assert chips(page) == ["Everything", f"Another {type_} 1", f"{type_} 45"]
    page = await show(browser, f"/?q={quote_plus(type_)}&type={quote_plus(type_)}")
    assert chips(page) == ["Everything", f"{type_} 45", f"Another {type_} 1"]


@pytest.mark.parametrize(
    "query",
    [
        *("after=garbage", "after=42&page=7", "after=AAAA", "page=9", "page=-1", "page=x&after=x"),
        *("sort=rank", "min=cheap", "max=-1", "min=1e9", "available=maybe", "page=%D9%A1"),
        f"after={'x' * 5000}",
    ],
)
async def test_what_cannot_be_is_not_said(browser: Visitor, type_: str, query: str) -> None:
    """A link with something that can't be taken shows the first page of the rest."""
    page = await show(browser, f"/?type={quote_plus(type_)}&{query}")
    assert heading(page) == type_
    assert names(page)[0] == "Numbat 45"


async def test_a_cursor_of_another_order(browser: Visitor, type_: str) -> None:
    """A list's address whose order was changed by hand begins at the first page."""
    first = await show(browser, f"/?type={quote_plus(type_)}&sort=price")
    page = await show(browser, link(first, "Page 2").replace("sort=price", "sort=title"))
    assert names(page)[0] == "Numbat 01"


@pytest.mark.parametrize("text", ["x" * 201, "numbat " * 2000, "é" * 300])
async def test_a_long_search_is_cut(browser: Visitor, text: str) -> None:
    """A long text is searched for as far as it goes."""
    page = await show(browser, f"/?q={quote_plus(text)}")
    assert f'value="{text[:200]}"' in page


async def test_nothing_found(browser: Visitor, database_url: str) -> None:
    """A search that finds nothing shows what was probably meant, or what is nearest."""
    word = "".join(secrets.choice("bcdfghjklmnpqrstvwxz") for _ in range(10))
    db = await asyncpg.connect(database_url)
    await import_products(db, csv_file(row(word, Title=f"{word} thing")), currency="USD")
    await db.close()
    page = await show(browser, f"/?q={word[:4]}{word[5:]}+thing")
    assert heading(page).startswith("No products for")
    assert "Did you mean" in page
    assert names(page) == [f"{word} thing"]
    assert names(await show(browser, link(page, f"{word} thing"))) == [f"{word} thing"]
    page = await show(browser, f"/?q={word}+ŋŋŋŋŋŋ")
    assert "The nearest there is" in page
    assert names(page) == [f"{word} thing"]
    page = await show(browser, f"/?q={word}&type=nothing-of-this")
    assert "Look without the filters" in page
    assert "Nothing here by that name" in await show(browser, "/?q=ŋŋŋŋŋŋ")


async def test_suggestions(browser: Visitor, type_: str) -> None:
    """While somebody types, there is what it may become, and nothing for nothing."""
    page = await show(browser, f"/suggestions?q={quote_plus(type_)}+numb")
    assert page.count("<li>") == 8
    assert "8 suggestions" in page
    for text in ("", "+", "-", "%22"):
        assert "<li>" not in await show(browser, f"/suggestions?q={text}")
    assert "<li>" not in await show(browser, f"/suggestions?q={'x' * 5000}")
