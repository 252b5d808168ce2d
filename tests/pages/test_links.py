"""Where a form may lead."""

import pytest

from service.pages import local_path
from tests.pages.conftest import Visitor
from tests.support.shopping import PASSWORD, Product


@pytest.mark.parametrize(
    "path",
    ["/", "/cart", "/orders?after=K7RX-3MDT", "/products/a%2Fb", "/account#logins", "/?q=a&b"],
)
def test_a_path_of_this_host(path: str) -> None:
    """A path of this host is followed as it stands."""
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "cart",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "/ /evil.example",
        "/a\\b",
        "/\r\nSet-Cookie: a=b",
        "http://evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example:443/%2f..",
        "/%0d\x00",
        "/\u2028/evil.example",
        "/\uff0fevil.example" * 200,
        "@evil.example",
        "?next=//evil.example",
        "/" + "a" * 600,
    ],
)
def test_another_host(path: str) -> None:
    """What may lead elsewhere, by any browser's reading, becomes the shop."""
    assert local_path(path) == "/"


@pytest.mark.parametrize("evil", ["//evil.example", "/\\evil.example", "https://evil.example/"])
async def test_forms_stay_here(browser: Visitor, product: Product, evil: str) -> None:
    """Neither logging in, nor registering, nor adding to the cart leads to another host."""
    name = await browser.register()
    browser.follow_redirects = False
    for path, fields in (
        ("/login", {"username": name, "password": PASSWORD}),
        ("/register", {"username": f"{name}x", "email": f"x{name}@example.com",
                       "password": PASSWORD}),
        ("/cart/lines", {"sku": product.sku}),
    ):  # fmt: skip
        response = await browser.send_form(path, **fields, next=evil)
        assert response.status_code == 303, path
        assert response.headers["Location"] in {"/", "/cart"}
    shown = await browser.get("/login", params={"next": evil})
    assert "evil" not in shown.text
