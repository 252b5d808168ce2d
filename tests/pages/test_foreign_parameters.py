"""What others put into links is theirs: no page minds it, and the API takes none of it."""

from __future__ import annotations

import pytest
from quart.typing import TestClientProtocol as Client

from tests.pages.conftest import Visitor
from tests.support.shopping import API

FOREIGN = {
    "doubled": "utm_source=a&utm_source=b",
    "not UTF-8": "utm_source=%FF%FE",
    "a surrogate": "ref=%ED%A0%80",
    "NUL": "ref=%00",
    "a name that is not UTF-8": "%FF=1",
    "an empty name": "=1&=2",
    "no value, twice": "fbclid&fbclid",
    "no end": "&".join(f"p{number}=1" for number in range(3000)),
    "separators alone": "&" * 3000,
    "a long name": f"{'q' * 20_000}=1",
}


@pytest.mark.parametrize("path", ["/", "/login", "/register", "/cart", "/orders"])
async def test_page_with_foreign_parameters(browser: Visitor, path: str) -> None:
    """A link that mails, redirects or trackers have added to shows the page all the same."""
    if path == "/orders":
        await browser.register()
    for what, query in FOREIGN.items():
        response = await browser.get(f"{path}?{query}")
        assert response.status_code == 200, what


async def test_own_parameter_among_foreign_ones(browser: Visitor) -> None:
    """What is the page's own is found among them, however its name is written."""
    for link in ("/?utm=1&q=tent&utm=2", "/?utm=%FF&%71=tent", f"/?{'&' * 3000}q=tent"):
        page = await browser.get(link)
        assert page.status_code == 200
        assert 'value="tent"' in page.text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("q=a&q=b", 422),
        ("q=a&%71=b", 422),
        ("q=%FF", 400),
        ("q=%00", 400),
        ("&".join(["q=a"] * 3000), 422),
    ],
)
async def test_own_parameter_stays_strict(browser: Visitor, query: str, status: int) -> None:
    """What the page reads itself it reads as strictly as the API does."""
    assert (await browser.get(f"/?{query}")).status_code == status


async def test_api_refuses_foreign_parameters(client: Client) -> None:
    """The API says no to what it doesn't know."""
    for what, query in FOREIGN.items():
        response = await client.get(f"{API}/products?{query}")
        assert response.status_code in {400, 422}, what
