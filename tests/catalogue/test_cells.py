"""One cell at a time."""

from __future__ import annotations

import pytest

from service.catalogue import SKU_LENGTH, cells
from service.catalogue.cells import BadCell
from service.catalogue.model import DESCRIPTION_LENGTH, PRICE


@pytest.mark.parametrize(
    ("cell", "currency", "amount"),
    [
        ("9.99", "USD", 999),
        ("0.30", "USD", 30),
        ("1.1", "USD", 110),
        ("50", "USD", 5000),
        (" 0 ", "USD", 0),
        ("8.190", "USD", 819),
        ("1500", "JPY", 1500),
        ("1500.00", "JPY", 1500),
        ("1.234", "KWD", 1234),
        ("0.1", "KWD", 100),
        ("999999999.99", "USD", 99_999_999_999),
    ],
)
def test_prices_are_exact(cell: str, currency: str, amount: int) -> None:
    """A decimal becomes minor units of its currency, whatever binary floats make of it."""
    assert cells.price("Variant Price", cell, currency) == amount


def test_every_cent_is_exact() -> None:
    """No amount is off by one, as it would be by way of a float."""
    for amount in range(100_000):
        text = f"{amount // 100}.{amount % 100:02}"
        assert cells.price("Variant Price", text, "USD") == amount


@pytest.mark.parametrize(
    ("cell", "currency"),
    [
        ("", "USD"),
        ("1,599.00", "USD"),
        ("1.599,00", "USD"),
        ("9,99", "USD"),
        ("-1", "USD"),
        ("+1", "USD"),
        ("$9.99", "USD"),
        ("1e3", "USD"),
        ("NaN", "USD"),
        ("9.", "USD"),
        ("1_000", "USD"),
        ("٣", "USD"),
        ("0.005", "USD"),
        ("1500.50", "JPY"),
        ("1.2345", "KWD"),
        (str(PRICE), "USD"),
        ("9" * 5000, "USD"),
    ],
)
def test_what_is_no_price(cell: str, currency: str) -> None:
    """Anything but a plain decimal that the currency can express is refused, never guessed."""
    with pytest.raises(BadCell, match="Variant Price"):
        cells.price("Variant Price", cell, currency)


@pytest.mark.parametrize(
    ("quantity", "tracker", "stock"),
    [
        ("5", "shopify", 5),
        ("5", "", 5),
        ("0", "", 0),
        ("-2", "shopify", -2),
        ("", "shopify", 0),
        ("", "", None),
    ],
)
def test_stock(quantity: str, tracker: str, stock: int | None) -> None:
    """Stock is tracked where there is a quantity or a tracker, and only there."""
    assert cells.stock(quantity, tracker) == stock


@pytest.mark.parametrize("quantity", ["1.0", "1.5", "many", "1,000", "2147483648", "9" * 5000, "٣"])
def test_what_is_no_stock(quantity: str) -> None:
    """Stock is a whole number that a column can hold."""
    with pytest.raises(BadCell, match="Variant Inventory Qty"):
        cells.stock(quantity, "shopify")


def test_harmless_html_stays() -> None:
    """Text and its structure come through as they are."""
    html = "<h3>Care</h3><p>30 &deg;<br>no <strong>spin</strong></p><ul><li>a</li></ul>"
    assert cells.description(html) == html.replace("&deg;", "°")
    assert cells.description('<a href="/x">x</a>') == (
        '<a href="/x" rel="noopener noreferrer">x</a>'
    )


@pytest.mark.parametrize(
    ("html", "safe"),
    [
        ("<script>alert(1)</script>x", "x"),
        ("<style>body{display:none}</style>x", "x"),
        ("<p onclick=alert(1) style=color:red class=a id=b>x</p>", "<p>x</p>"),
        ('<a href="javascript:alert(1)">x</a>', '<a rel="noopener noreferrer">x</a>'),
        ('<img src="https://tracker.example/1.gif">x', "x"),
        ('<iframe src="https://example.com"></iframe>x', "x"),
        ("<h1>x</h1>", "x"),
        ("<form><input name=a>x</form>", "x"),
        ("<svg><script>alert(1)</script></svg>x", "x"),
        ("<!-- a -->x", "x"),
        ("<p>open <b>x", "<p>open <b>x</b></p>"),
        ("5 < 6 & 7", "5 &lt; 6 &amp; 7"),
    ],
)
def test_harmful_html_goes(html: str, safe: str) -> None:
    """Nothing in a description runs, loads, styles or reaches beyond itself."""
    assert cells.description(html) == safe


@pytest.mark.parametrize("html", ["x" * (DESCRIPTION_LENGTH + 1), "<a>" * 5_000])
def test_long_descriptions(html: str) -> None:
    """A description is short enough before it is sanitised, and after."""
    with pytest.raises(BadCell, match="longer than"):
        cells.description(html)


def test_tags() -> None:
    """Tags are what stands between the commas, each once and in order."""
    assert cells.tags(" Pot,  Plants ,, Pot,pot") == ("Pot", "Plants", "pot")
    assert cells.tags("") == ()


@pytest.mark.parametrize(
    ("flag", "status", "sold"),
    [
        ("true", "", True),
        ("TRUE", "active", True),
        ("", "", True),
        ("FALSE", "active", False),
        ("true", "draft", False),
        ("true", "archived", False),
    ],
)
def test_published(flag: str, status: str, *, sold: bool) -> None:
    """A product is sold unless one of its columns says that it isn't."""
    assert cells.published(flag, status) is sold


def test_derived_skus_are_stable() -> None:
    """The same handle and options give the same SKU, today and in ten years."""
    assert cells.derived_sku("clay-plant-pot", ("Large",)) == "clay-plant-pot-large-512ada5f"


def test_derived_skus_differ() -> None:
    """Options that only look the same in words don't share a SKU."""
    variants = [
        ("a-b", ("c",)),
        ("a", ("b-c",)),
        ("a", ("b", "c")),
        ("a", ("B", "C")),
        ("a b c", ()),
        ("a", ("S/M",)),
        ("a", ("S M",)),
        ("壺", ("大",)),
        ("壺", ("小",)),
        ("!", ()),
        ("?", ()),
    ]
    skus = {cells.derived_sku(handle, values) for handle, values in variants}
    assert len(skus) == len(variants)
    assert all(sku.isprintable() and " " not in sku for sku in skus)


def test_derived_skus_are_short_enough() -> None:
    """The longest handle and options still make a SKU that fits."""
    sku = cells.derived_sku("h" * 255, ("x" * 255, "y" * 255, "z" * 255))
    assert len(sku) == SKU_LENGTH
    assert sku != cells.derived_sku("h" * 255, ("x" * 255, "y" * 255, "q" * 255))
