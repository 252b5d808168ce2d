"""Reading product CSVs: what rows make of a product, and which are bad."""

from __future__ import annotations

import io

import pytest

from service.catalogue import Image, ImportRefused
from service.catalogue.model import IMAGES, SKU_LENGTH, TEXT_LENGTH, VARIANTS
from service.catalogue.product_file import ProductFile
from service.catalogue.rows import ROW_LENGTH
from service.catalogue.shopify import Entry, Note
from tests.support.files import csv_file, more, read, row, size


def test_product_over_several_rows() -> None:
    """Variants and further pictures of one handle make one product, pictures by position."""
    entries, bad_rows = read(
        csv_file(
            size("pot", "Small", Title="Pot", Image_Src="https://x.example/2", Image_Position="2"),
            size("pot", "Large", Variant_SKU="POT-L", Variant_Compare_At_Price="12.00"),
            more("pot", Image_Src="https://x.example/9"),
            more("pot", Image_Src="/static/1", Image_Position="1", Image_Alt_Text="A pot"),
        )
    )
    assert not bad_rows
    (entry,) = entries
    assert entry.whole
    assert entry.said["images"] == (
        Image("/static/1", "A pot"),
        Image("https://x.example/2", ""),
        Image("https://x.example/9", ""),
    )
    small, large = entry.rows
    assert (small.said["options"], small.said["price"]) == ((("Size", "Small"),), 999)
    assert (large.sku, large.said["compare_at_price"]) == ("POT-L", 1200)


def test_picture_of_a_variant() -> None:
    """A variant may have a picture of its own, described as the product's list does."""
    entries, _ = read(
        csv_file(
            size("pot", "Small", Title="Pot", Image_Src="/one", Variant_Image="/two"),
            size("pot", "Large", Image_Src="/two", Image_Alt_Text="Large", Variant_Image="/three"),
            size("pot", "Huge"),
        )
    )
    small, large, huge = entries[0].rows
    assert small.said["image"] == Image("/two", "Large")
    assert large.said["image"] == Image("/three", "")
    assert huge.said["image"] is None


def test_product_without_options() -> None:
    """What Shopify calls "Default Title" is no option to choose."""
    entries, _ = read(csv_file(row("a", Option1_Name="Title", Option1_Value="Default Title")))
    assert entries[0].rows[0].said["options"] == ()


def test_policy() -> None:
    """Only the policy "continue" lets a variant be oversold, also as the answer to a question."""
    cells = ["deny", "", "continue", "CONTINUE"]
    entries, _ = read(
        csv_file(*(row(f"p{n}", Variant_Inventory_Policy=cell) for n, cell in enumerate(cells)))
    )
    assert [entry.rows[0].said["oversell"] for entry in entries] == [False, False, True, True]
    source = b"Handle,Title,Price,Continue selling when out of stock\na,A,1,TRUE\nb,B,1,FALSE\n"
    entries, _ = read(io.BytesIO(source))
    assert [entry.rows[0].said["oversell"] for entry in entries] == [True, False]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("Handle,Variant SKU,Variant Price\na,A,1", {"price": 100, "currency": "USD"}),
        ("Handle,Variant SKU,Variant Compare At Price\na,A,", {"compare_at_price": None}),
        ("Handle,SKU,Inventory quantity\na,A,3", {"stock": 3}),
        ("Handle,SKU,Inventory tracker,Inventory quantity\na,A,,3", {"stock": None}),
        ("Handle,SKU,Price,Inventory tracker\na,A,1,shopify", {"price": 100, "currency": "USD"}),
        ("Handle,SKU,Inventory quantity\na,A,", {}),
        ("Handle,SKU,Inventory tracker,Inventory quantity\na,A,shopify,", {}),
        (
            "Handle,SKU,Price,Inventory tracker,Inventory quantity\na,A,1,shopify,",
            {"price": 100, "currency": "USD", "stock": 0},
        ),
        ("Handle,SKU,Inventory tracker\na,A,", {"stock": None}),
        ("Handle,SKU,Inventory tracker\na,A,shopify", {}),
        ("Handle,Variant SKU,Variant Image\na,A,", {"image": None}),
    ],
)
def test_a_row_says_what_it_has_columns_for(rows: str, said: dict[str, object]) -> None:
    """What the file has no column for isn't said, and an empty cell says that there is nothing."""
    (entry,), bad_rows = read(io.BytesIO(f"{rows}\n".encode()))
    assert not bad_rows
    assert (entry.said, entry.rows[0].said) == ({}, said)


def test_notations() -> None:
    """A BOM, CRLF, line breaks in cells, blank lines and a missing last newline are all fine."""
    source = (
        b"\xef\xbb\xbfHandle,Title,Body (HTML),Variant Price\r\n"
        b'a,A,"<p>one\r\n\r\n""two""</p>",1.00\r\n'
        b"\r\n,,,\r\n"
        b"b,\xc3\x84,,2.00"
    )
    entries, bad_rows = read(io.BytesIO(source))
    assert not bad_rows
    assert [entry.said["title"] for entry in entries] == ["A", "Ä"]
    assert entries[0].said["description"] == '<p>one\n\n"two"</p>'


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"Variant_Price": "1,599.00"}, "Variant Price"),
        ({"Variant_Price": "-1.00"}, "Variant Price"),
        ({"Variant_Price": ""}, "Variant Price is blank"),
        ({"Variant_Compare_At_Price": "x"}, "Variant Compare At Price"),
        ({"Variant_Inventory_Qty": "1.5"}, "Variant Inventory Qty"),
        ({"Variant_Inventory_Policy": "maybe"}, "Variant Inventory Policy"),
        ({"Variant_SKU": "x" * (SKU_LENGTH + 1)}, "Variant SKU is longer"),
        ({"Variant_SKU": "a\u200bb"}, "Variant SKU has an invisible"),
        ({"Title": ""}, "Title is blank"),
        ({"Title": "x" * (TEXT_LENGTH + 1)}, "Title is longer"),
        ({"Handle": ""}, "Handle is blank"),
        ({"Vendor": "x" * (TEXT_LENGTH + 1)}, "Vendor is longer"),
        ({"Tags": "x" * (TEXT_LENGTH + 1)}, "a tag is longer"),
        ({"Tags": ",".join(map(str, range(251)))}, "Tags: more than 250 tags"),
        ({"Published": "perhaps"}, "Published"),
        ({"Status": "perhaps"}, "Status"),
        ({"Body (HTML)": "NUL \0"}, "NUL"),
        ({"Option1_Name": "", "Option1_Value": "Large"}, "Option1 Value"),
        ({"Option1_Name": "Size", "Option1_Value": ""}, "Option1 Value is blank"),
        ({"Option1_Name": "a", "Option2_Name": "a"}, "same name"),
    ],
)
def test_bad_row(cells: dict[str, str], reason: str) -> None:
    """A bad row is listed with its line and the reason, and the products around it are taken."""
    bad = row("bad", **cells)
    entries, bad_rows = read(csv_file(row("first"), row("second"), bad, row("last")))
    assert [entry.handle for entry in entries if entry.rows] == ["first", "second", "last"]
    assert [bad_row.line for bad_row in bad_rows] == [4]
    assert reason in bad_rows[0].reason


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"Image_Src": "javascript:alert(1)"}, "Image Src"),
        ({"Image_Src": "//x.example/a.png"}, "Image Src"),
        ({"Image_Src": "http://x.example/a.png"}, "Image Src"),
        ({"Image_Src": "https://x.example/" + "x" * 2048}, "Image Src"),
        ({"Image_Src": "/x", "Image_Position": "first"}, "Image Position"),
        ({"Image_Src": "/x", "Image_Alt_Text": "x" * 513}, "Image Alt Text"),
        ({"Variant_Image": "http://x.example/a.png"}, "Variant Image"),
    ],
)
def test_bad_pictures(cells: dict[str, str], reason: str) -> None:
    """A picture that can't be shown is left out with a note, and costs nothing else of its row."""
    source = csv_file(row("a", **cells), more("a", Image_Src="/good"))
    found = list(ProductFile(source).read("USD"))
    (entry,) = (each for each in found if isinstance(each, Entry))
    (note,) = (each for each in found if isinstance(each, Note))
    assert (note.line, note.pictures) == (2, 1)
    assert reason in note.reason
    assert entry.rows[0].said.get("image") is None
    assert entry.said["images"] == (Image("/good", ""),)


def test_lines_are_those_of_the_file() -> None:
    """A bad row is found by its line, also below cells with line breaks in them."""
    _, bad_rows = read(
        csv_file(
            row("a", **{"Body (HTML)": "one\ntwo\nthree"}),
            row("b", Variant_Price="x"),
            row("c", **{"Body (HTML)": "one\ntwo", "Variant Price": "x"}),
            row("d", Variant_Price="x"),
        )
    )
    assert [bad_row.line for bad_row in bad_rows] == [5, 6, 8]


def test_bad_variant() -> None:
    """The good variants of a product are taken, and which ones the bad rows name is known."""
    entries, bad_rows = read(
        csv_file(
            size("a", "S", Title="A", Variant_Price="x", Image_Src="/s"),
            size("a", "M"),
            size("a", "M"),
            size("a", "L", Variant_Price="", Variant_SKU="A-L"),
            more("a"),
            more("a", Image_Src="/good"),
            row("b"),
        )
    )
    assert [bad_row.line for bad_row in bad_rows] == [2, 4, 5, 6]
    assert "the same options" in bad_rows[1].reason
    assert bad_rows[1].detail == "line 3"
    assert "neither a variant nor a picture" in bad_rows[3].reason
    broken, good = (entry for entry in entries if entry.rows)
    assert [each.values for each in broken.rows] == [("M",)]
    assert [image.src for image in broken.said["images"]] == ["/good"]
    assert broken.named == (("", ("S",)), ("", ("M",)), ("A-L", ("L",)))
    assert (broken.whole, good.whole) == (True, True)


def test_bad_rows_that_name_nothing() -> None:
    """A row of which neither SKU nor options can be read may have meant any variant."""
    entries, _ = read(
        csv_file(
            size("a", "S", Title="A"),
            size("a", ""),
            size("b", "S", Title="B"),
            size("b", "", Variant_SKU="B-M"),
        )
    )
    assert [entry.whole for entry in entries] == [False, True]
    assert entries[1].named == (("B-M", None),)


def test_product_left_out() -> None:
    """When the first row doesn't say what a product is, each of its rows is listed."""
    entries, bad_rows = read(
        csv_file(size("a", "S", Title=""), size("a", "M"), more("a", Image_Src="/x"), row("b"))
    )
    assert [entry.handle for entry in entries if entry.rows] == ["b"]
    assert [bad_row.line for bad_row in bad_rows if bad_row.line < 5] == [2, 3, 4]
    assert bad_rows[1].detail == "see line 2"


@pytest.mark.parametrize("order", ["abab", "abba", "aabb", "baab", "abbaab"])
def test_rows_apart(order: str) -> None:
    """Rows of one handle are one product wherever they stand, the first says what it is."""
    rows = []
    for number, handle in enumerate(order):
        title = {} if handle in order[:number] else {"Title": handle.upper()}
        rows.append(size(handle, str(number), **title))
    entries, bad_rows = read(csv_file(*rows))
    assert not bad_rows
    found = {entry.handle: [each.values for each in entry.rows] for entry in entries}
    assert found == {
        handle: [(str(number),) for number, each in enumerate(order) if each == handle]
        for handle in "ab"
    }


def test_rows_far_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of which too much would have to be held in memory is refused, with what helps."""
    monkeypatch.setattr("service.catalogue.product_file.APART", 5)
    read(csv_file(row("x"), row("y"), row("z"), *(size("a", str(n), Title="A") for n in range(9))))
    with pytest.raises(ImportRefused, match="sort it by Handle"):
        read(csv_file(*(size("ab"[n % 2], str(n), Title="A") for n in range(6))))


HEADER = b"Handle,Title,Body (HTML),Variant Price\n"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'bad,"Bad,,9.99\n', "quote"),
        (b'bad,"Bad"ly,,9.99\n', "quote"),
        (b"bad,Bad\0,,9.99\n", "NUL"),
        (b"bad,Bad,9.99\n", "Variant Price is blank"),
        (b"bad,Bad,,9.99,x\n", "more cells than the header's 4"),
        (b"bad,Bad\r,,9.99\n", "a line ends within a cell"),
        (b"bad,Bad," + b"x" * 200_000 + b",9.99\n", "not readable"),
    ],
)
def test_unreadable_row(line: bytes, reason: str) -> None:
    """A broken row is listed alone: what comes after it is read, even after an open quote."""
    entries, bad_rows = read(
        io.BytesIO(
            HEADER + b'a,A,"one\ntwo",9.99\n' + line + b'b,B,"three\nfour",9.99\nc,C,,9.99\n'
        )
    )
    assert [bad_row.line for bad_row in bad_rows] == [4]
    assert reason in bad_rows[0].reason
    assert [entry.handle for entry in entries if entry.rows] == ["a", "b", "c"]
    if "blank" not in reason:
        # Whose row it was can't be told, so neither neighbour counts as whole.
        assert [entry.whole for entry in entries] == [False, False, True]


def test_last_cells_may_be_missing() -> None:
    """What a row lacks at its end is blank, and what it has beyond the header's end may be."""
    entries, bad_rows = read(
        io.BytesIO(b"Handle,Title,Variant Price,Vendor,Tags\na,A,1\nb,B,2,,,,,\nc,C,3,Me,x\n")
    )
    assert not bad_rows
    assert [entry.said["vendor"] for entry in entries] == ["", "", "Me"]


def test_quote_never_closed() -> None:
    """A quote left open before thousands of rows costs its own row and no other."""
    rows = b"".join(b"p%d,P,,9.99\n" % number for number in range(20_000))
    entries, bad_rows = read(io.BytesIO(HEADER + b'bad,"Bad,,9.99\n' + rows))
    assert [bad_row.line for bad_row in bad_rows] == [2]
    assert len(entries) == 20_000


def test_row_without_end() -> None:
    """A line longer than any row may be is given up, not gathered in memory."""
    entries, bad_rows = read(io.BytesIO(HEADER + b"x," * ROW_LENGTH + b"\nlast,Last,,9.99\n"))
    assert [entry.handle for entry in entries] == ["last"]
    assert {bad_row.line for bad_row in bad_rows} == {2}


def test_cells_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that goes on from line to line is given up, too, and its lines are read anew."""
    monkeypatch.setattr("service.catalogue.rows.ROW_LENGTH", 1_000)
    entries, bad_rows = read(
        io.BytesIO(HEADER + b'x,"\n' + b'","\n' * 1_000 + b"last,Last,,9.99\n")
    )
    assert "too long" in bad_rows[0].detail
    assert [bad_row.line for bad_row in bad_rows] == list(range(2, 1_003))
    assert [entry.handle for entry in entries] == ["last"]


def test_limits_of_one_product() -> None:
    """A product has as many variants and pictures as it may, and the rest is listed."""
    entries, bad_rows = read(
        csv_file(
            size("a", "0", Title="A"),
            *(size("a", str(number)) for number in range(1, VARIANTS + 2)),
            *(more("a", Image_Src=f"/{number}") for number in range(IMAGES + 1)),
        )
    )
    assert len(entries[0].rows) == VARIANTS
    assert len(entries[0].said["images"]) == IMAGES
    assert len(bad_rows) == 2
