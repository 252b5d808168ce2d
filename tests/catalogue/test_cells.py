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
        ("1,5", "KWD"),
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
    ("cell", "currency", "amount"),
    [("9,99", "USD", 999), ("12,5", "EUR", 1250), ("1,25", "KWD", 1250), ("7.10", "EUR", 710)],
)
def test_decimal_commas(cell: str, currency: str, amount: int) -> None:
    """Where commas don't separate cells, one before one or two digits is a decimal comma."""
    assert cells.price("Price", cell, currency, comma=True) == amount


@pytest.mark.parametrize(
    ("cell", "currency"),
    [("1,000", "JPY"), ("1,599", "USD"), ("1,234", "KWD"), ("1.599,00", "EUR"), ("1,5", "JPY")],
)
def test_thousands_are_no_decimals(cell: str, currency: str) -> None:
    """A comma that may stand between thousands is refused, never guessed."""
    with pytest.raises(BadCell):
        cells.price("Price", cell, currency, comma=True)


@pytest.mark.parametrize(
    ("quantity", "tracker", "stock"),
    [
        ("5", "shopify", 5),
        ("-2", "shopify", -2),
        ("", "shopify", 0),
        ("5", "", None),
        ("0", "", None),
        ("-3", " ", None),
        ("", "", None),
        ("5", None, 5),
        ("0", None, 0),
        ("", None, None),
    ],
)
def test_stock(quantity: str, tracker: str | None, stock: int | None) -> None:
    """A blank tracker says that stock isn't tracked; without the column a quantity counts."""
    assert cells.stock("Variant Inventory Qty", quantity, tracker) == stock


@pytest.mark.parametrize("quantity", ["1.0", "1.5", "many", "1,000", "2147483648", "9" * 5000, "٣"])
def test_what_is_no_stock(quantity: str) -> None:
    """What isn't a whole number that a column can hold is no stock."""
    with pytest.raises(BadCell, match="Variant Inventory Qty"):
        cells.stock("Variant Inventory Qty", quantity, "shopify")


def described(html: str) -> str:
    """Return the HTML as it is kept."""
    return cells.description("Body (HTML)", html).html


def test_harmless_html_stays() -> None:
    """Text and its structure come through as they are."""
    html = "<h2>Care</h2><p>30 &deg;<br>no <strong>spin</strong></p><ul><li>a</li></ul>"
    assert described(html) == html.replace("&deg;", "°")
    assert described('<a href="/x">x</a>') == ('<a href="/x" rel="noopener noreferrer">x</a>')


@pytest.mark.parametrize(
    ("html", "safe"),
    [
        ("<script>alert(1)</script>x", "x"),
        ("<style>body{display:none}</style>x", "x"),
        ("<p onclick=alert(1) style=color:red class=a id=b>x</p>", "<p>x</p>"),
        ('<a href="javascript:alert(1)">x</a>', '<a rel="noopener noreferrer">x</a>'),
        ('<iframe src="https://example.com"></iframe>x', "x"),
        ("<form><input name=a>x</form>", "<div>x</div>"),
        ("<svg><script>alert(1)</script></svg>x", "x"),
        ("<!-- a -->x", "x"),
        ("<p>open <b>x", "<p>open <b>x</b></p>"),
        ("5 < 6 & 7", "5 &lt; 6 &amp; 7"),
    ],
)
def test_harmful_html_goes(html: str, safe: str) -> None:
    """Nothing in a description runs, loads, styles or reaches beyond itself."""
    assert described(html) == safe


@pytest.mark.parametrize("html", ["x" * (DESCRIPTION_LENGTH + 1), "<a>" * 5_000])
def test_long_descriptions(html: str) -> None:
    """A description is short enough before it is sanitised, and after."""
    with pytest.raises(BadCell, match="longer than"):
        cells.description("Body", html)


def test_tags() -> None:
    """Tags are what stands between the commas, each once and in order."""
    assert cells.tags("Tags", " Pot,  Plants ,, Pot,pot") == ("Pot", "Plants", "pot")
    assert cells.tags("Tags", "") == ()


@pytest.mark.parametrize(("cell", "online"), [("true", True), ("", True), (" FALSE ", False)])
def test_online(cell: str, *, online: bool) -> None:
    """A product is in the shop unless its column says that it isn't."""
    assert cells.online("Published", cell) is online


@pytest.mark.parametrize(
    ("cell", "status"),
    [("", "active"), ("Active", "active"), (" draft", "draft"), ("UNLISTED", "unlisted")],
)
def test_status(cell: str, status: str) -> None:
    """A status is one of those that Shopify has, in any case; a blank is active."""
    assert cells.status("Status", cell) == status


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example/a.png",
        "http://shop.example/a.png",
        "HTTP://shop.example/a.png",
        "/\\evil.example/a.png",
        "\\\\evil.example\\a.png",
        "https:/\\evil.example",
        "https:evil.example/a.png",
        "https:///a.png",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "a.png",
        "https://shop.example/a b.png",
        "https://[shop.example/a.png",
    ],
)
def test_what_is_no_picture(address: str) -> None:
    """A picture is had by https or from the shop's own host, and no other address is taken."""
    with pytest.raises(BadCell, match="Image Src"):
        cells.picture("Image Src", address)


@pytest.mark.parametrize("address", ["https://x.example/a.png?v=1", "/static/a.png", "HTTPS://x/a"])
def test_pictures(address: str) -> None:
    """The address of a picture that pages can show is taken as it is."""
    assert cells.picture("Image Src", f" {address} ") == address


@pytest.mark.parametrize(
    "text",
    ["A\ufe0f", "\u3164", "A\u2800B", "A\u034f", "A\u115f", "A\u200b", "A\u00ad", "A\U000e0100"],
)
def test_identifiers_are_visible(text: str) -> None:
    """Nothing in a SKU or a handle is there without being seen."""
    with pytest.raises(BadCell, match="invisible"):
        cells.identifier("Variant SKU", text, SKU_LENGTH)


def test_texts_have_one_form() -> None:
    """What is typed as a letter and an accent is the letter with the accent, in every text."""
    assert cells.identifier("SKU", "CAFE\u0301", SKU_LENGTH) == "CAF\u00c9"
    assert cells.text("Title", "cafe\u0301") == "caf\u00e9"
    assert cells.tags("Tags", "u\u0308, \u00fc") == ("\u00fc",)
    assert described("<p>e\u0301</p>") == "<p>\u00e9</p>"


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
