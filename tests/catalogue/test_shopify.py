"""Reading product CSVs: what rows make of a product, and which are bad."""

from __future__ import annotations

import io

import pytest

from service.catalogue import Image
from service.catalogue.model import IMAGES, SKU_LENGTH, TEXT_LENGTH, VARIANTS
from service.catalogue.rows import ROW_LENGTH
from tests.catalogue.files import csv_file, more, read, row, size


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
    assert entry.product.images == (
        Image("/static/1", "A pot"),
        Image("https://x.example/2", ""),
        Image("https://x.example/9", ""),
    )
    small, large = entry.product.variants
    assert (small.options, small.price) == ((("Size", "Small"),), 999)
    assert (large.sku, large.compare_at_price) == ("POT-L", 1200)


def test_picture_of_a_variant() -> None:
    """A variant may have a picture of its own, described as the product's list does."""
    entries, _ = read(
        csv_file(
            size("pot", "Small", Title="Pot", Image_Src="/one", Variant_Image="/two"),
            size("pot", "Large", Image_Src="/two", Image_Alt_Text="Large", Variant_Image="/three"),
            size("pot", "Huge"),
        )
    )
    small, large, huge = entries[0].product.variants
    assert small.image == Image("/two", "Large")
    assert large.image == Image("/three", "")
    assert huge.image is None


def test_product_without_options() -> None:
    """What Shopify calls "Default Title" is no option to choose."""
    entries, _ = read(csv_file(row("a", Option1_Name="Title", Option1_Value="Default Title")))
    assert entries[0].product.variants[0].options == ()


def test_policy() -> None:
    """Only the policy "continue" lets a variant be oversold."""
    cells = ["deny", "", "continue", "CONTINUE"]
    entries, _ = read(
        csv_file(*(row(f"p{n}", Variant_Inventory_Policy=cell) for n, cell in enumerate(cells)))
    )
    oversell = [entry.product.variants[0].oversell for entry in entries]
    assert oversell == [False, False, True, True]


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
    assert [entry.product.title for entry in entries] == ["A", "Ä"]
    assert entries[0].product.description == '<p>one\n\n"two"</p>'


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
        ({"Variant_SKU": "TAKEN"}, "Variant SKU TAKEN is already that of line 2"),
        ({"Title": ""}, "Title is blank"),
        ({"Title": "x" * (TEXT_LENGTH + 1)}, "Title is longer"),
        ({"Handle": ""}, "Handle is blank"),
        ({"Handle": "first"}, "Handle first was used before, in line 2"),
        ({"Vendor": "x" * (TEXT_LENGTH + 1)}, "Vendor is longer"),
        ({"Tags": "x" * (TEXT_LENGTH + 1)}, "a tag is longer"),
        ({"Tags": ",".join(map(str, range(251)))}, "more than 250 tags"),
        ({"Published": "perhaps"}, "Published"),
        ({"Status": "perhaps"}, "Status"),
        ({"Body (HTML)": "NUL \0"}, "NUL"),
        ({"Option1_Value": "Large"}, "Option1 Value"),
        ({"Option1_Name": "Size"}, "Option1 Value is blank"),
        ({"Option1_Name": "a", "Option2_Name": "a"}, "same name"),
        ({"Image_Src": "javascript:alert(1)"}, "Image Src"),
        ({"Image_Src": "https://x.example/" + "x" * 2048}, "Image Src"),
        ({"Image_Src": "/x", "Image_Position": "first"}, "Image Position"),
        ({"Image_Src": "/x", "Image_Alt_Text": "x" * 513}, "Image Alt Text"),
    ],
)
def test_bad_row(cells: dict[str, str], reason: str) -> None:
    """A bad row is listed with its line and the reason, and the products around it are taken."""
    bad = row("bad", **cells)
    entries, bad_rows = read(
        csv_file(row("first", Variant_SKU="TAKEN"), row("second"), bad, row("last"))
    )
    assert [entry.product.handle for entry in entries] == ["first", "second", "last"]
    assert [bad_row.line for bad_row in bad_rows] == [4]
    assert reason in bad_rows[0].reason


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
    """The good variants of a product are taken, and that it isn't whole is known."""
    entries, bad_rows = read(
        csv_file(
            size("a", "S", Title="A", Variant_Price="x", Image_Src="/s"),
            size("a", "M"),
            size("a", "M"),
            size("a", "L", Variant_Price=""),
            more("a"),
            more("a", Image_Src="/good"),
            row("b"),
        )
    )
    assert [bad_row.line for bad_row in bad_rows] == [2, 4, 5, 6]
    assert "the same options as in line 3" in bad_rows[1].reason
    assert "neither a variant nor a picture" in bad_rows[3].reason
    broken, good = entries
    assert [variant.options for variant in broken.product.variants] == [(("Size", "M"),)]
    assert [image.src for image in broken.product.images] == ["/good"]
    assert (broken.whole, good.whole) == (False, True)


def test_product_left_out() -> None:
    """When the first row doesn't say what a product is, each of its rows is listed."""
    entries, bad_rows = read(
        csv_file(size("a", "S", Title=""), size("a", "M"), more("a", Image_Src="/x"), row("b"))
    )
    assert [entry.product.handle for entry in entries] == ["b"]
    assert [bad_row.line for bad_row in bad_rows] == [2, 3, 4]
    assert "see line 2" in bad_rows[1].reason


def test_product_without_a_good_variant() -> None:
    """A product isn't taken for its pictures alone."""
    entries, bad_rows = read(csv_file(row("a", Variant_Price="x"), more("a", Image_Src="/x")))
    assert not entries
    assert [bad_row.line for bad_row in bad_rows] == [2, 3]
    assert "no good variant" in bad_rows[1].reason


def test_rows_apart() -> None:
    """Rows of one handle with others in between are not put together, but listed."""
    entries, bad_rows = read(csv_file(row("a"), row("b"), row("a"), more("a", Image_Src="/x")))
    assert [entry.product.handle for entry in entries] == ["a", "b"]
    assert [bad_row.line for bad_row in bad_rows] == [4, 5]
    assert "in line 2" in bad_rows[0].reason


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Name,Price\n",
        b"Handle;Title;Variant Price\n",
        b"Handle,Title\n",
        b"Handle,Title,Variant Price,Handle\n",
        "Handle,Title,Variant Price\n".encode("utf-16"),
        b"\xff,Handle,Title,Variant Price\n",
        b'"Handle,Title,Variant Price\n',
    ],
)
def test_other_files(header: bytes) -> None:
    """A file without the columns that matter gives one bad row, its header, and no product."""
    entries, bad_rows = read(io.BytesIO(header + b"a,A,9.99\n" * bool(header)))
    assert not entries
    assert [bad_row.line for bad_row in bad_rows] == [1]


HEADER = b"Handle,Title,Body (HTML),Variant Price\n"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'bad,"Bad,,9.99\n', "quote"),
        (b'bad,"Bad"ly,,9.99\n', "quote"),
        (b"bad,B\xe4d,,9.99\n", "not UTF-8"),
        (b"bad,Bad,\xed\xa0\x80,9.99\n", "not UTF-8"),
        (b"bad,Bad\0,,9.99\n", "NUL"),
        (b"bad,Bad,9.99\n", "3 cells where the header has 4"),
        (b"bad,Bad,,9.99,\n", "5 cells"),
        (b"bad,Bad\r,,9.99\n", "not readable"),
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
    assert [entry.product.handle for entry in entries] == ["a", "b", "c"]
    # Whose row it was can't be told, so neither neighbour counts as whole.
    assert [entry.whole for entry in entries] == [False, False, True]


def test_quote_never_closed() -> None:
    """A quote left open before thousands of rows costs its own row and no other."""
    rows = b"".join(b"p%d,P,,9.99\n" % number for number in range(20_000))
    entries, bad_rows = read(io.BytesIO(HEADER + b'bad,"Bad,,9.99\n' + rows))
    assert [bad_row.line for bad_row in bad_rows] == [2]
    assert len(entries) == 20_000


def test_row_without_end() -> None:
    """A line longer than any row may be is given up, not gathered in memory."""
    entries, bad_rows = read(io.BytesIO(HEADER + b"x," * ROW_LENGTH + b"\nlast,Last,,9.99\n"))
    assert [entry.product.handle for entry in entries] == ["last"]
    assert {bad_row.line for bad_row in bad_rows} == {2}


def test_cells_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that goes on from line to line is given up, too, and its lines are read anew."""
    monkeypatch.setattr("service.catalogue.rows.ROW_LENGTH", 1_000)
    entries, bad_rows = read(
        io.BytesIO(HEADER + b'x,"\n' + b'","\n' * 1_000 + b"last,Last,,9.99\n")
    )
    assert "too long" in bad_rows[0].reason
    assert [bad_row.line for bad_row in bad_rows] == list(range(2, 1_003))
    assert [entry.product.handle for entry in entries] == ["last"]


def test_limits_of_one_product() -> None:
    """A product has as many variants and pictures as it may, and the rest is listed."""
    entries, bad_rows = read(
        csv_file(
            size("a", "0", Title="A"),
            *(size("a", str(number)) for number in range(1, VARIANTS + 2)),
            *(more("a", Image_Src=f"/{number}") for number in range(IMAGES + 1)),
        )
    )
    assert len(entries[0].product.variants) == VARIANTS
    assert len(entries[0].product.images) == IMAGES
    assert len(bad_rows) == 3
