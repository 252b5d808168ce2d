"""What people type, and what they meant: on the sample catalogue, and of each kind of writing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.catalogue import SAMPLE, Selection, import_products
from service.catalogue.list_queries import select_products
from service.catalogue.search import read_search
from service.catalogue.suggestions import Suggestions, suggest
from tests.support.files import load, row, size

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

TYPE = "Type of these tests"

FIRST = {
    # words as they are
    "tent": "ridgeline-2-tent",
    "tents": "ridgeline-2-tent",
    "ridgeline 4": "ridgeline-4-tent",
    "sleeping bag": "meadow-sleeping-bag",
    "summer sleeping bag": "meadow-sleeping-bag",
    "headlamp": "glow-headlamp",
    "rain jacket": "drizzle-jacket",
    "boots": "scree-hiking-boots",
    "hiking boots": "scree-hiking-boots",
    "wool socks": "wool-socks",
    "coffee": "coffee-dripper",
    "candles": "beeswax-candle",
    "wood stove": "ember-wood-stove",
    "cast iron": "cast-iron-skillet",
    "water filter": "water-filter",
    "repair": "repair-kit",
    "lighting -garden": "glow-headlamp",
    '"watering can"': "watering-can",
    "compass or sextant": "brass-compass",
    "made to order": "camp-hatchet",
    # words inside others, apart, together
    "lamp": "glow-headlamp",
    "head lamp": "glow-headlamp",
    "drybag": "roll-top-dry-bag",
    "roll top": "roll-top-dry-bag",
    "back pack 20": "daybreak-20-backpack",
    # beginnings
    "ten": "ridgeline-2-tent",
    "lant": "storm-lantern",
    "feath": "featherlight-mat",
    "enamel m": "enamel-mug",
    "the": "thermal-flask",
    # SKUs
    "TENT-2P-GREEN": "ridgeline-2-tent",
    "drift-l-r": "drift-sleeping-bag",
    "trav55 ml": "traverse-55-backpack",
    # colours and other options
    "navy": "drizzle-jacket",
    "moss": "meadow-sleeping-bag",
    "mustard beanie": "fisherman-beanie",
    # typos
    "tnet": "ridgeline-2-tent",
    "sleping bag": "meadow-sleeping-bag",
    "skilet": "cast-iron-skillet",
    "headlmap": "glow-headlamp",
    "thermal flaks": "thermal-flask",
    "beeswaxx": "beeswax-candle",
    # accents that the catalogue doesn't have, and other letters
    "mérino blanket": "merino-blanket",
    "ＥＮＡＭＥＬ": "enamel-mug",
}


@pytest.fixture
async def sample(own_url: str) -> AsyncIterator[Connection]:
    """The sample catalogue, and nothing else."""
    db = await asyncpg.connect(own_url)
    with SAMPLE.open("rb") as source:
        await import_products(db, source, currency="USD")
    yield db
    await db.close()


async def find(db: Connection, text: str) -> list[str]:
    """Return the handles of what is found of this type, best first."""
    selection = Selection(text=text, type=TYPE)
    page = await select_products(db, selection, sort="relevance", limit=100)
    return [product.handle for product in page.products]


async def test_what_people_type(sample: Connection) -> None:
    """Each of these finds first what it should, by itself or as what was probably meant."""
    first = {}
    for text in FIRST:
        suggestions = await suggest(sample, text)
        first[text] = suggestions.products[0].handle if suggestions.products else None
    assert {text: handle for text, handle in first.items() if handle != FIRST[text]} == {}
    assert len(FIRST) >= 40


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("quokka", ["boots", "lamp"]),
        ("QUOKKAS", ["boots", "lamp"]),
        ("quokka boot", ["boots"]),
        ("quokka -boots", ["lamp"]),
        ('quokka -"walking boots"', ["lamp"]),
        ('"walking boots"', ["boots"]),
        ('"boots walking"', []),
        ("boots or quokka", ["boots", "lamp"]),
        ("narwhal", ["boots"]),
        ("Zörgl", ["lamp"]),
        ("strong", []),
        ("-boots", ["boots"]),
        ("or boots", ["boots"]),
        ("boots or", ["boots"]),
    ],
)
async def test_language(db: Connection, search: str, found: list[str]) -> None:
    """Words of title, description, type, vendor and tags are found in any of their forms."""
    boots = row("boots", Title="Walking Boots", Type=TYPE, Tags="narwhal, x")
    lamp = row("lamp", Title="Lamp", Type=TYPE, Vendor="Zörgl & Söhne")
    boots["Body (HTML)"] = lamp["Body (HTML)"] = "<p>For every <strong>quokka</strong>.</p>"
    await load(db, boots, lamp)
    assert sorted(await find(db, search)) == found


WRITINGS = [
    # without words of their own
    ("AT&T cable", ["AT&T", "at&t", "att", "at & t", "AT T cable"]),
    ("The Who tee", ["the who", "The Who", '"the who"']),
    ("It", ["it"]),
    # accents, and other ways to write a letter
    ("Café crème cup", ["cafe", "creme", "CAFÉ", "Cafe\u0301", "cre\u0300me"]),
    ("Straße nach Køge", ["strasse", "STRASSE", "Straße", "koge", "køge"]),
    ("Łódź Ёлка", ["lodz", "ЕЛКА", "ёлка"]),
    ("Ｗｉｄｅ ﬁlm", ["wide", "film", "ｗｉｄｅ"]),
    # apart, together, with digits
    ("Wi-Fi router", ["wifi", "wi-fi", "Wi Fi", "WiFi router"]),
    ("T-shirt", ["tshirt", "t shirt", "t-shirt", "TSHIRT"]),
    ("AC-1200 adapter", ["AC1200", "ac 1200", "ac-1200", "ac12"]),
    ("AC1300 adapter", ["AC-1300", "ac 1300"]),
    ("Rain coat", ["raincoat", "rain-coat", "rain coats"]),
    ("Raincoat", ["rain coat", "coat", "coats"]),
    ("3-in-1 charger", ["3in1", "3 in 1", "3-in-1"]),
    # without blanks
    ("東京 ランプ", ["京", "東京", "ランプ", "ラン"]),
    # inside
    ("Stehlampe", ["lampe", "steh"]),
    ("Headlamps", ["lamp", "lamps", "headlamp"]),
]


@pytest.mark.parametrize(("title", "searches"), WRITINGS, ids=[title for title, _ in WRITINGS])
async def test_writings(db: Connection, title: str, searches: list[str]) -> None:
    """A title is found however its words are written."""
    await load(db, row("a", Title=title, Type=TYPE), row("b", Title="Other", Type=TYPE))
    assert {text: await find(db, text) for text in searches} == {text: ["a"] for text in searches}


@pytest.mark.parametrize(
    "search",
    [
        *("'", '"', "\\", "a & | b", "!!!", ":*", "<->", "(", "%", "-", "or", "\ufffd", "x" * 200),
        *("-" * 33 + "a", "- " * 33 + "a", "-" * 200, '"' * 200, "!" * 33 + "a", "(" * 99 + "a"),
        *('-"' * 66, "or " * 66, "a or " * 40, "a b " * 50, "-a " * 66, ":a:b:c", "a:*", "a'b''c"),
        *("the of and", "''", "\u2019", "\u0149", "\u02bc", "½", "№", "\u00ad", "\u200b", "\ue000"),
        *("京" * 200, "\u0301" * 200, "ﷺ" * 200, "\U0001f3fa", "\x7f", "\t\n", "हिन्दी", "ไทย"),
    ],
)
async def test_strange_searches(db: Connection, search: str) -> None:
    """No search is a syntax error, nor is what is proposed for it."""
    assert await find(db, search) == []
    await suggest(db, search)


@given(st.text(st.sampled_from("ab -\"'\\()&|!<>:*or\u00e9\u4eac"), max_size=60))
def test_any_operators(text: str) -> None:
    """Operators and words come by turns, however they were typed, and words have none in them."""
    search = read_search(text)
    for pieces in (search.query, search.likeness):
        assert len(pieces) % 2
        assert all(re.fullmatch(r"\w+", word) for word in pieces[1::2])
        assert not any(re.search(r"\w", operator) for operator in pieces[::2])
    assert bool(search.words) == bool(search.query[1::2])


@pytest.mark.parametrize("search", ["", "  "])
async def test_blank_search(db: Connection, search: str) -> None:
    """A search for nothing finds everything."""
    await load(db, row("a", Type=TYPE))
    assert await find(db, search) == ["a"]


async def test_order(db: Connection) -> None:
    """What is in the title comes before type and vendor, these before tags, these before text."""
    text = row("text", Title="Five", Type=TYPE)
    text["Body (HTML)"] = "<p>quokka</p>"
    await load(
        db,
        text,
        row("whole", Title="Quokka", Type=TYPE),
        row("tag", Title="Four", Type=TYPE, Tags="quokka"),
        row("beginning", Title="Quokkamania two", Type=TYPE),
        row("vendor", Title="Three", Type=TYPE, Vendor="Quokka"),
        row("title", Title="Quokka two", Type=TYPE),
    )
    assert await find(db, "quokka") == ["whole", "title", "beginning", "vendor", "tag", "text"]


async def test_proposals(db: Connection) -> None:
    """A slip of the finger finds what was meant; a word that finds something stays."""
    await load(db, row("a", Title="Quokkamania Lampshade", Type=TYPE))
    for typed in ("quokamania", "quokkmaania", "quikkamania", "quokkamaniaxx", "uqokkamania"):
        suggestions = await suggest(db, f"{typed} lampshade")
        assert suggestions.did_you_mean == "quokkamania lampshade", typed
        assert [each.handle for each in suggestions.products] == ["a"]
    assert (await suggest(db, "quokkamania")).did_you_mean is None
    assert await suggest(db, "xyzzyplugh") == Suggestions((), None)


async def test_nothing_gone_is_proposed(db: Connection) -> None:
    """What is no longer sold is not proposed as what was meant."""
    await load(db, row("a", Title="Quokkamania", Type=TYPE))
    await load(db, row("a", Title="Quokkamania", Type=TYPE, Published="false"))
    assert await suggest(db, "quokkamaniia") == Suggestions((), None)


async def test_long_texts(db: Connection) -> None:
    """A product as large as the import allows is listed."""
    lines = [
        size(
            "vast",
            f"{n:0>255}",
            Variant_SKU=f"{n:x>128}",
            **({"Title": "W " * 127, "Type": TYPE} if not n else {}),
        )
        for n in range(2_048)
    ]
    lines[0]["Tags"] = ",".join(f"{n:y>255}" for n in range(250))
    lines[0]["Body (HTML)"] = "".join(f"{chr(0x4E00 + n % 20_000)}{n} " for n in range(9_000))
    await load(db, *lines)
    assert await find(db, "8999") == ["vast"]
