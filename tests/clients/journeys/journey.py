"""A shopper's journey by a client that openapi-python-client made: ``journey.py URL SKU``."""

from __future__ import annotations

import sys
import time

from locker_client import AuthenticatedClient, Client
from locker_client.api.access import create_token
from locker_client.api.accounts import register
from locker_client.api.carts import add_to_cart, empty_cart, set_quantity
from locker_client.api.catalogue import list_products
from locker_client.api.orders import list_orders, place_order
from locker_client.models import (
    AskedScope,
    Cart,
    CrossSiteForbiddenProblem,
    EmailTakenUsernameTakenProblem,
    IdempotencyKeyReusedInvalidProblem,
    Login,
    NewLine,
    NewOrder,
    NewToken,
    Order,
    OrderList,
    OrderStatus,
    ProductList,
    Quantity,
    RegistrationInput,
    RevisionMismatchProblem,
    TokenInput,
    UnknownSkuProblem,
)

url, sku = sys.argv[1:]
shop = Client(base_url=url)

# Browse.
products = list_products.sync(client=shop, limit=1)
assert isinstance(products, ProductList)
price: int = products.products[0].variants[0].price
assert price >= 0

# Errors are told apart by their class and code, and bring what belongs to them.
unknown = add_to_cart.sync(client=shop, body=NewLine(sku="no such thing"))
assert isinstance(unknown, UnknownSkuProblem), unknown
assert unknown.code == "unknown_sku"
wrong = add_to_cart.sync(client=shop, body=NewLine(sku="", quantity=0))
assert isinstance(wrong, IdempotencyKeyReusedInvalidProblem), wrong
assert [(each.field, each.code, each.limit) for each in wrong.errors] == [
    ("sku", "too_short", 1),
    ("quantity", "out_of_range", 1),
]

# Add, as a guest.
added = add_to_cart.sync(client=shop, body=NewLine(sku=sku, quantity=2))
assert isinstance(added, Cart)
assert added.quantity == 2

# Register; the cart comes along.
username = f"py-{time.time_ns():x}"
password = "staple horse battery correct"
registered = register.sync(
    client=shop, body=RegistrationInput(username, f"{username}@example.com", password)
)
assert isinstance(registered, Login), registered
assert registered.cart.lines[0].sku == sku
taken = register.sync(
    client=shop, body=RegistrationInput(username, f"{username}@example.org", password)
)
assert isinstance(taken, EmailTakenUsernameTakenProblem)
assert taken.code == "username_taken"

# Signed in by the session's cookies, which the browser so far has: no token is sent.
signed_in = AuthenticatedClient(base_url=url, token="").set_httpx_client(shop.get_httpx_client())

# Change the cart as it was seen, and no other.
seen = registered.cart.etag
changed = set_quantity.sync_detailed(sku, client=shop, body=Quantity(3), if_match=seen)
assert isinstance(changed.parsed, Cart)
assert changed.headers["ETag"] == changed.parsed.etag
stale = set_quantity.sync(sku, client=shop, body=Quantity(9), if_match=seen)
assert isinstance(stale, RevisionMismatchProblem)
assert stale.cart.quantity == 3

# Check out, and once more after an answer that got lost.
checkout = NewOrder(expected_total=stale.cart.total)
ordered = place_order.sync(client=signed_in, body=checkout, idempotency_key=username)
assert isinstance(ordered, Order), ordered
assert ordered.status is OrderStatus.PLACED
again = place_order.sync_detailed(client=signed_in, body=checkout, idempotency_key=username)
assert again.headers["Idempotent-Replayed"] == "true"
assert isinstance(again.parsed, Order)
assert again.parsed.number == ordered.number

# A token for a program, which has no cookies.
token = create_token.sync(
    client=signed_in,
    body=TokenInput(
        name="a script",
        scopes=[AskedScope.READ],
        expires_in_days=1,
        current_password=password,
    ),
)
assert isinstance(token, NewToken), token
program = AuthenticatedClient(base_url=url, token=token.token)
orders = list_orders.sync(client=program, limit=5)
assert isinstance(orders, OrderList)
assert orders.orders[0].number == ordered.number
refused = empty_cart.sync(client=program)
assert isinstance(refused, CrossSiteForbiddenProblem)
assert refused.code == "forbidden"
