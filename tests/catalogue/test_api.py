"""The catalogue over HTTP."""

from __future__ import annotations

import io
import secrets
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
from quart.typing import TestClientProtocol as Client

from service.catalogue import ImportOptions, import_products
from tests.support.files import csv_file, row, size
from tests.support.shopping import API, Product, get


async def put_up(database_url: str, source: io.BytesIO) -> None:
    """Import a file that must be good, for all to see."""
    db = await asyncpg.connect(database_url)
    options = ImportOptions(stock=True)
    report = await import_products(db, source, currency="USD", options=options)
    await db.close()
    assert not report.bad_rows


@pytest.fixture
def type_() -> str:
    """A type that no other test has."""
    return f"Type {secrets.token_hex(5)}"


async def test_product(client: Client, database_url: str, type_: str) -> None:
    """A product is shown with all that the contract names, and nothing else."""
    handle = type_.lower().replace(" ", "-")
    first = size(
        handle,
        "Large",
        Title="Pot",
        Vendor="Maker",
        Type=type_,
        Tags="clay, home",
        Variant_SKU=f"{handle}-L",
        Variant_Price="15.99",
        Variant_Compare_At_Price="20",
        Variant_Inventory_Qty="0",
        Image_Src="https://x.example/pot.jpg",
        Image_Alt_Text="A pot",
        Variant_Image="https://x.example/pot.jpg",
    )
    first["Body (HTML)"] = "<p>Holds <script>alert(1)</script>water</p>"
    second = size(handle, "Small", Variant_SKU=f"{handle}-S")
    await put_up(database_url, csv_file(first, second))

    expected: dict[str, Any] = {
        "handle": handle,
        "title": "Pot",
        "description": "<p>Holds water</p>",
        "vendor": "Maker",
        "type": type_,
        "tags": ["clay", "home"],
        "images": [{"src": "https://x.example/pot.jpg", "alt": "A pot"}],
        "variants": [
            {
                "sku": f"{handle}-L",
                "options": {"Size": "Large"},
                "price": 1599,
                "compare_at_price": 2000,
                "currency": "USD",
                "available": 0,
                "orderable": False,
                "image": {"src": "https://x.example/pot.jpg", "alt": "A pot"},
            },
            {
                "sku": f"{handle}-S",
                "options": {"Size": "Small"},
                "price": 999,
                "compare_at_price": None,
                "currency": "USD",
                "available": None,
                "orderable": True,
                "image": None,
            },
        ],
    }
    assert await get(client, f"/products/{handle}") == expected
    response = await client.get(f"{API}/products", query_string={"type": type_})
    assert await response.get_json() == {"products": [expected], "next": None, "total": 1}


async def test_pages(client: Client, database_url: str, type_: str) -> None:
    """Following `next` shows each product of a search once."""
    rows = [row(f"{type_}-{number}", Title="Narwhal", Type=type_) for number in range(5)]
    await put_up(database_url, csv_file(*rows))
    query: dict[str, Any] = {"q": "narwhals", "type": type_, "limit": 2}
    seen: list[str] = []
    while True:
        response = await client.get(f"{API}/products", query_string=query)
        body = await response.get_json()
        seen += [product["handle"] for product in body["products"]]
        if body["next"] is None:
            break
        query["after"] = body["next"]
        assert body["total"] == 5
    assert seen == [line["Handle"] for line in reversed(rows)]


@pytest.mark.parametrize(
    "other",
    [{"q": "quokkas"}, {"q": ""}, {"sort": "price"}, {"tag": "x"}, {"available": "true"}],
    ids=str,
)
async def test_cursor_of_another_query(
    client: Client, database_url: str, type_: str, other: dict[str, str]
) -> None:
    """`next` goes with its query, whatever limit and facets are, and is refused with another."""
    rows = [row(f"{type_}-{number}", Title="Quokka", Type=type_) for number in range(3)]
    await put_up(database_url, csv_file(*rows))
    query: dict[str, Any] = {"q": "quokka", "type": type_}
    first = await client.get(f"{API}/products", query_string={**query, "limit": 1})
    query["after"] = (await first.get_json())["next"]
    again = await client.get(f"{API}/products", query_string={**query, "facets": "true"})
    assert len((await again.get_json())["products"]) == 2
    response = await client.get(f"{API}/products", query_string={**query, **other})
    assert response.status_code == 422
    assert [error["field"] for error in (await response.get_json())["errors"]] == ["after"]


async def test_etag(client: Client, database_url: str, type_: str) -> None:
    """A product known already is not sent again until something of it changes, even stock."""
    await put_up(database_url, csv_file(row(type_, Variant_Inventory_Qty="5")))
    path = f"{API}/products/{type_}"
    etag = (await client.get(path)).headers["ETag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        response = await client.get(path, headers={"If-None-Match": known})
        assert response.status_code == 304
        assert response.headers["ETag"] == etag
        assert await response.get_data() == b""

    await put_up(database_url, csv_file(row(type_, Variant_Inventory_Qty="4")))
    response = await client.get(path, headers={"If-None-Match": etag})
    assert response.status_code == 200
    assert response.headers["ETag"] != etag


@pytest.mark.parametrize("suffix", ["/a/b", "//b", "a b", "?", "#%2F%", "壺", "'", "&amp;", "+"])
async def test_any_handle(client: Client, database_url: str, type_: str, suffix: str) -> None:
    """A handle may hold any visible character, a slash included."""
    handle = f"{type_}{suffix}"
    await put_up(database_url, csv_file(row(handle)))
    for safe in ("", "/"):
        body = await get(client, f"/products/{quote(handle, safe=safe)}")
        assert body["handle"] == handle


@pytest.mark.parametrize(
    "handle", ["nowhere", "%FF", "%ED%A0%80", "x" * 5_000, "'", "..%2F..", "%F0%9F%8F%BA"]
)
async def test_no_such_product(client: Client, handle: str) -> None:
    """A handle that nothing has is not found."""
    response = await client.get(f"{API}/products/{handle}")
    assert response.status_code == 404
    assert (await response.get_json())["code"] == "not_found"


async def test_withdrawn_product(client: Client, database_url: str, product: Product) -> None:
    """A product that is no longer published is not found, though its row stays."""
    line = row(product.handle, Variant_SKU=product.sku, Published="false")
    await put_up(database_url, csv_file(line))
    response = await client.get(f"{API}/products/{product.handle}")
    assert response.status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=1.0", "limit"),
        ("limit=true", "limit"),
        ("limit=", "limit"),
        ("limit=1e2", "limit"),
        (f"limit=1{'0' * 5000}", "limit"),
        (f"q={'x' * 201}", "q"),
        (f"type={'x' * 256}", "type"),
        ("after=42", "after"),
        ("after=AAAAAAAAAAIAAAAA", "after"),
        (f"after={'x' * 513}", "after"),
        ("sort=rank", "sort"),
        ("sort=", "sort"),
        ("min_price=-1", "min_price"),
        ("max_price=9.99", "max_price"),
        ("available=yes", "available"),
        ("facets=2", "facets"),
        ("page=2", "page"),
        ("limit=1&limit=2", "limit"),
    ],
)
async def test_bad_query(client: Client, query: str, field: str) -> None:
    """A parameter out of range, unknown or made up is refused by name."""
    response = await client.get(f"{API}/products?{query}")
    body = await response.get_json()
    assert (response.status_code, body["code"]) == (422, "invalid")
    assert [error["field"] for error in body["errors"]] == [field]


@pytest.mark.parametrize("query", ["q=%00", "type=a%00", "q=%FF%FE", "q=%ED%A0%80"])
async def test_unreadable_query(client: Client, query: str) -> None:
    """A query that isn't text in UTF-8, or that Postgres can't hold, is malformed."""
    response = await client.get(f"{API}/products?{query}")
    assert response.status_code == 400
    assert (await response.get_json())["code"] == "malformed"


async def test_narrowed(client: Client, database_url: str, type_: str) -> None:
    """A list takes sort and filters together, and says by what it can be narrowed."""
    await put_up(
        database_url,
        csv_file(
            row(f"{type_}-1", Title="Ibex", Type=type_, Vendor="Horn", Tags="x", Variant_Price="5"),
            row(f"{type_}-2", Title="Ibex", Type=type_, Vendor="Horn", Tags="x", Variant_Price="9"),
            row(f"{type_}-3", Title="Ibex", Type=type_, Vendor="Hoof", Variant_Price="7"),
        ),
    )
    query = {
        "q": "ibex",
        "type": type_,
        "vendor": "Horn",
        "tag": "x",
        "min_price": 500,
        "max_price": 900,
        "available": "true",
        "sort": "-price",
        "facets": "true",
    }
    response = await client.get(f"{API}/products", query_string=query)
    body = await response.get_json()
    assert [each["handle"] for each in body["products"]] == [f"{type_}-2", f"{type_}-1"]
    assert body["total"] == 2
    assert body["facets"] == {
        "types": [{"value": type_, "count": 2}],
        "vendors": [{"value": "Horn", "count": 2}],
        "tags": [{"value": "x", "count": 2}],
    }
    types = await get(client, "/product-types")
    assert {"value": type_, "count": 3} in types["types"]


async def test_suggestions(client: Client, database_url: str) -> None:
    """What is being typed gets products to go to, and a slip what was probably meant."""
    word = f"zz{secrets.token_hex(6)}".translate(str.maketrans("0123456789", "ghijklmnop"))
    await put_up(database_url, csv_file(row(word, Title=f"The {word} thing")))
    products = [{"handle": word, "title": f"The {word} thing"}]
    for q, meant in ((word[:9], None), (word[:5] + word[6:], word)):
        body = await get(client, f"/products/suggest?q={q}")
        assert body == {"products": products, "did_you_mean": meant}
    for q in ("", "%20", "-", "qqqqxxqqqq"):
        body = await get(client, f"/products/suggest?q={q}")
        assert body == {"products": [], "did_you_mean": None}


@pytest.mark.parametrize(
    "q",
    ["-" * 33 + "a", "- " * 33 + "a", '"' * 99, "'" * 99, "\\" * 99, ":*", "(" * 99, "or " * 50],
)
@pytest.mark.parametrize("path", [f"{API}/products", f"{API}/products/suggest", "/"])
async def test_any_search_is_answered(client: Client, path: str, q: str) -> None:
    """No search that can be typed is a 5xx."""
    response = await client.get(path, query_string={"q": q, "sort": "price", "facets": "true"})
    if path.endswith("suggest"):
        response = await client.get(path, query_string={"q": q})
    assert response.status_code == 200


async def test_null_is_a_word(client: Client, product: Product) -> None:
    """`null` in a query is the word, not the absence of a filter."""
    response = await client.get(f"{API}/products?type=null")
    assert (await response.get_json())["products"] == []


async def test_blank_query(client: Client, product: Product) -> None:
    """A form sent with nothing filled in lists what is sold."""
    response = await client.get(f"{API}/products?q=&type=&after=")
    assert (await response.get_json())["products"]
