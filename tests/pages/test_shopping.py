"""Shopping by forms alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

from markupsafe import escape

from tests.pages.conftest import Visitor
from tests.support.checkout import DELIVERY
from tests.support.shopping import API, PASSWORD, Product, add_product, new_name


async def test_a_cart_by_forms(browser: Visitor, product: Product) -> None:
    """Adding, changing, removing and emptying each lead to a page that shows it."""
    added = await browser.send_form(
        "/cart/lines", sku=product.sku, quantity=2, next=f"/products/{product.handle}"
    )
    assert added.url.path == f"/products/{product.handle}"
    assert "Added: " in added.text
    assert 'class="badge">2<' in added.text
    changed = await browser.send_form("/cart/quantity", sku=product.sku, quantity=3)
    assert changed.url.path == "/cart"
    assert "$47.97" in changed.text
    removed = await browser.send_form("/cart/quantity", sku=product.sku, quantity=0)
    assert "Nothing in your cart yet" in removed.text
    await browser.send_form("/cart/lines", sku=product.sku)
    assert "Your cart is empty" in (await browser.send_form("/cart/clear")).text


async def test_a_message_is_shown_once(browser: Visitor, product: Product) -> None:
    """The page after it has forgotten it."""
    assert "Added: " in (await browser.send_form("/cart/lines", sku=product.sku)).text
    assert "Added: " not in (await browser.get("/cart")).text


async def test_a_message_cannot_undo_a_login(browser: Visitor, product: Product) -> None:
    """A page that shows or leaves one sends no cookie of the login."""
    await browser.register()
    browser.follow_redirects = False
    added = await browser.send_form("/cart/lines", sku=product.sku)
    shown = await browser.get("/cart")
    for response in (added, shown):
        names = {each.split("=")[0] for each in response.headers.get_list("Set-Cookie")}
        assert "session-flash" in names
        assert "session" not in names


async def test_refusals_in_words(browser: Visitor, database_url: str) -> None:
    """Too many, too few and what is not sold are said, and nothing is added."""
    scarce = await add_product(database_url, stock=2)
    none = await add_product(database_url, stock=0)
    plenty = await add_product(database_url)
    for sku, quantity, words in (
        (scarce.sku, 3, "Only 2 in stock"),
        (none.sku, 1, "sold out"),
        (plenty.sku, 100, "at most 99"),
        ("NO-SUCH-SKU", 1, "no longer sold"),
    ):
        response = await browser.send_form("/cart/lines", sku=sku, quantity=quantity)
        assert words in response.text
        assert 'class="badge none">0<' in response.text


async def test_the_receipt_after_login(
    open_browser: Callable[[], Visitor], database_url: str, product: Product
) -> None:
    """The receipt says what came from this visit, what was there, and what was capped."""
    scarce = await add_product(database_url, stock=5)
    elsewhere, here = open_browser(), open_browser()
    name = await elsewhere.register()
    await elsewhere.send_form("/cart/lines", sku=product.sku, quantity=4)
    await here.send_form("/cart/lines", sku=product.sku, quantity=2)
    await here.send_form("/cart/lines", sku=scarce.sku, quantity=5)
    await add_product(database_url, sku=scarce.sku, stock=3)
    shown = await here.send_form("/login", username=name, password=PASSWORD, next="/orders")
    assert shown.url.path == "/orders"
    text = " ".join(shown.text.split())
    assert "Two carts became one" in text
    assert "<td>2</td><td>4</td><td><strong>4</strong></td>" in text
    assert "as many as there can be" in text
    assert "<td>5</td><td>0</td><td><strong>3</strong></td>" in text
    assert "Two carts became one" not in (await here.get("/cart")).text


async def test_one_cart_alone_is_no_receipt(
    open_browser: Callable[[], Visitor], product: Product
) -> None:
    """A guest's things that meet none come along, and that is all that is said."""
    browser = open_browser()
    await browser.send_form("/cart/lines", sku=product.sku, quantity=2)
    name = new_name()
    fields = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    shown = await browser.send_form("/register", next="/checkout", **fields)
    assert shown.url.path == "/checkout"
    assert "2 items came along" in shown.text
    assert "Two carts became one" not in shown.text
    await browser.send_form("/logout")
    again = await browser.send_form("/login", username=name, password=PASSWORD)
    assert "came along" not in again.text
    assert "Two carts became one" not in again.text


async def test_checking_out_as_a_guest_says_what_it_takes(
    browser: Visitor, product: Product
) -> None:
    """A guest's checkout offers to log in and to register, and each leads back to it."""
    await browser.send_form("/cart/lines", sku=product.sku)
    asked = await browser.get("/checkout")
    assert "Log in to check out" in asked.text
    assert 'href="/register?next=/checkout"' in unescape(asked.text).replace("%2F", "/")
    assert 'name="next" value="/checkout"' in asked.text


async def test_two_clicks_register_once(
    open_browser: Callable[[], Visitor],
) -> None:
    """The second one finds the account there, with the same password, and logs in."""
    name = new_name()
    fields = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    for _ in range(2):
        assert f"Welcome, {name}" in (await open_browser().send_form("/register", **fields)).text
    fields["password"] = "another one, longer"
    assert (await open_browser().send_form("/register", **fields)).status_code == 409


async def test_checkout_shows_what_changed(
    browser: Visitor, database_url: str, product: Product
) -> None:
    """A price that moved is named, and the total that was seen is what is ordered."""
    await browser.send_form("/cart/lines", sku=product.sku)
    assert (await browser.get("/checkout")).url.path == "/login"
    await browser.register()
    assert "$15.99" in (await browser.get("/checkout")).text
    await add_product(database_url, sku=product.sku, price="17.00")
    refused = await browser.send_form("/checkout", expected_total=1599, **DELIVERY)
    assert refused.url.path == "/checkout"
    assert "has changed meanwhile" in refused.text
    assert "Dearer" in refused.text
    assert "$15.99" in refused.text
    placed = await browser.send_form("/checkout", expected_total=1700, **DELIVERY)
    assert placed.url.path.startswith("/orders/")
    assert "Thank you" in placed.text
    again = await browser.send_form("/checkout", expected_total=1700, **DELIVERY)
    assert again.url.path == placed.url.path
    listed = (await browser.get("/orders")).text
    assert listed.count(placed.url.path) == 1
    assert "Cancelled" in (await browser.send_form(f"{placed.url.path}/cancel")).text


async def test_scarce_at_checkout(browser: Visitor, database_url: str) -> None:
    """What is gone meanwhile is said, and not ordered."""
    scarce = await add_product(database_url, stock=2)
    await browser.register()
    await browser.send_form("/cart/lines", sku=scarce.sku, quantity=2)
    await add_product(database_url, sku=scarce.sku, stock=1)
    refused = await browser.send_form("/checkout", expected_total=3198, **DELIVERY)
    assert "Nothing was ordered" in refused.text
    assert "Only 1 left" in refused.text
    assert "Place the order" not in refused.text


async def test_orders_of_others_are_not_there(
    open_browser: Callable[[], Visitor], product: Product
) -> None:
    """An order of somebody else is a page that isn't there."""
    one, other = open_browser(), open_browser()
    await one.register()
    await one.send_form("/cart/lines", sku=product.sku)
    placed = await one.send_form("/checkout", expected_total=1599, **DELIVERY)
    await other.register()
    response = await other.get(placed.url.path)
    assert response.status_code == 404
    assert "Nothing on this shelf" in response.text


async def test_the_shop_finds(browser: Visitor, product: Product) -> None:
    """The shop finds by word and by type, and says so when there is nothing."""
    found = await browser.get("/", params={"q": product.sku, "utm_source": "a letter"})
    assert f"/products/{product.handle}" in found.text
    assert "Nothing here by that name" in (await browser.get("/", params={"q": "qqqqq"})).text
    typed = await browser.get("/", params={"type": "Thing"})
    assert '<h1 class="small">Thing</h1>' in typed.text


async def test_the_shop_has_pages(browser: Visitor, database_url: str) -> None:
    """The next one begins where the last one ended, and keeps what was asked for."""
    for _ in range(12):
        await add_product(database_url)
    await browser.send_form("/preferences", theme="system", locale="en", page_size=10)
    first = await browser.get("/", params={"type": "Thing"})
    (more,) = re.findall(r'href="(/\?[^"]+)">Page 2', first.text)
    second = await browser.get(unescape(more))
    shown = [re.findall(r'href="/products/([^"]+)"', page.text) for page in (first, second)]
    assert len(shown[0]) == 10
    assert shown[1]
    assert not set(shown[0]) & set(shown[1])
    assert '<h1 class="small">Thing, page 2</h1>' in second.text


async def test_money_by_preference(browser: Visitor, product: Product) -> None:
    """The shopper's locale decides how money is written, also on error pages the theme."""
    await browser.send_form("/preferences", theme="dark", locale="de", page_size=10)
    page = (await browser.get(f"/products/{product.handle}")).text
    assert "15,99\xa0$" in page
    assert 'data-theme="dark"' in page
    assert 'data-theme="dark"' in (await browser.get("/nothing")).text


async def test_lines_of_one_variant(browser: Visitor, product: Product) -> None:
    """Each line shows what was said of it, and is changed, removed and put back by its own form."""
    said = 'For <Ada> & "Bob"'
    for metadata in ({"engraving": said}, {}):
        response = await browser.post(
            f"{API}/cart/lines", json={"sku": product.sku, "quantity": 2, "metadata": metadata}
        )
        assert response.status_code == 201
    page = (await browser.get("/cart")).text
    assert f"engraving: {escape(said)}" in page
    engraved, plain = dict.fromkeys(re.findall(r'name="line" value="(\w+)"', page))
    changed = await browser.send_form("/cart/quantity", sku=product.sku, line=plain, quantity=5)
    assert re.findall(r'max="99" value="(\d+)"', changed.text) == ["2", "5"]
    refused = await browser.send_form("/cart/quantity", sku=product.sku, line=plain, quantity=99)
    assert "Take 97" in refused.text
    vague = await browser.send_form("/cart/quantity", sku=product.sku, quantity=7)
    assert "several lines of this" in vague.text
    removed = await browser.send_form("/cart/quantity", sku=product.sku, line=engraved, quantity=0)
    assert "engraving" not in removed.text.replace("&#34;engraving&#34;", "")
    form = re.search(r'name="metadata" value="([^"]*)"', removed.text)
    assert form
    undone = await browser.send_form(
        "/cart/quantity", sku=product.sku, quantity=2, metadata=unescape(form[1])
    )
    assert f"engraving: {escape(said)}" in undone.text
    gone = await browser.send_form("/cart/quantity", sku=product.sku, line="0", quantity=1)
    assert "no longer in your cart" in gone.text


async def test_metadata_that_no_message_had(browser: Visitor, product: Product) -> None:
    """What isn't the metadata of a line is refused, and nothing is put in the cart."""
    for text in ("x", "[]", '{"a": 1}', '{"": "b"}', '{"a": "\\u0000"}', '{"a": "\\ud800"}'):
        response = await browser.send_form(
            "/cart/quantity", sku=product.sku, quantity=1, metadata=text
        )
        assert response.status_code in {200, 422}, text
        assert "Nothing in your cart yet" in (await browser.get("/cart")).text, text
