"""Lines with metadata over HTTP: added, set, merged, healed, ordered, and shown on the pages."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from quart import Quart, Response
from quart.typing import TestClientProtocol as Client

from service.database import Connection
from tests.support.checkout import quantity_in_stock
from tests.support.jar import Jar
from tests.support.products import add_many
from tests.support.shopping import API, PASSWORD, Product, add_product, get, new_name, register

LINES = f"{API}/cart/lines"
ENGRAVED = {"engraving": "For Ada"}
WRAPPED = {"gift note": 'Grüße, 尺寸 "quoted" & <b>bold</b>', "wrapped": ""}
LONG = {f"{number:040}": "é" * 500 for number in range(10)}


async def post(client: Client, sku: str, said: dict[str, str], quantity: int = 1) -> Response:
    return await client.post(LINES, json={"sku": sku, "quantity": quantity, "metadata": said})


async def add(client: Client, sku: str, said: dict[str, str], quantity: int = 1) -> dict[str, Any]:
    """Add units of a line; returns the line."""
    response = await post(client, sku, said, quantity)
    assert response.status_code in {200, 201}, await response.get_data(as_text=True)
    cart = await response.get_json()
    (line,) = [each for each in cart["lines"] if (each["sku"], each["metadata"]) == (sku, said)]
    return dict(line)


def said_of(cart: dict[str, Any]) -> list[tuple[dict[str, str], int]]:
    return [(line["metadata"], line["quantity"]) for line in cart["lines"]]


async def code_of(response: Response) -> tuple[int, str]:
    return response.status_code, (await response.get_json()).get("code")


@pytest.mark.parametrize("who", ["guest", "account", "token"])
async def test_other_metadata_is_another_line(client: Client, product: Product, who: str) -> None:
    """The same SKU with other metadata is a line of its own, with an id, 201; with the same, 200.

    The order in which the metadata is said doesn't matter, and it is kept as it is.
    """
    headers = {}
    if who == "account":
        await register(client)
    if who == "token":
        made = await (await client.post(f"{API}/carts")).get_json()
        headers = {"Locker-Cart": made["token"]}
    turned = dict(reversed(WRAPPED.items()))
    statuses = []
    for said in ({}, ENGRAVED, WRAPPED, turned, ENGRAVED, {}, {**ENGRAVED, "b": "c"}):
        body = {"sku": product.sku, "metadata": said}
        statuses.append((await client.post(LINES, json=body, headers=headers)).status_code)
    assert statuses == [201, 201, 201, 200, 200, 200, 201]
    cart = await (await client.get(f"{API}/cart", headers=headers)).get_json()
    assert said_of(cart) == [({}, 2), (ENGRAVED, 2), (WRAPPED, 2), ({**ENGRAVED, "b": "c"}, 1)]
    assert len({line["id"] for line in cart["lines"]}) == 4
    assert cart["quantity"] == 7


async def test_a_line_is_named_where_there_are_several(client: Client, product: Product) -> None:
    """PUT and DELETE take `?line=`; without it several are 409 `ambiguous_line` with their ids."""
    url = f"{LINES}/{product.sku}"
    engraved = await add(client, product.sku, ENGRAVED)
    assert said_of(await (await client.put(url, json={"quantity": 4})).get_json()) == [
        (ENGRAVED, 4)
    ]
    plain = await add(client, product.sku, {})
    for response in (await client.put(url, json={"quantity": 2}), await client.delete(url)):
        assert await code_of(response) == (409, "ambiguous_line")
        assert (await response.get_json())["lines"] == [engraved["id"], plain["id"]]
    response = await client.put(f"{url}?line={plain['id']}", json={"quantity": 3})
    assert said_of(await response.get_json()) == [(ENGRAVED, 4), ({}, 3)]
    response = await client.delete(f"{url}?line={engraved['id']}")
    assert said_of(await response.get_json()) == [({}, 3)]
    assert (await add(client, product.sku, ENGRAVED))["id"] == engraved["id"]


async def test_an_unknown_line(client: Client, product: Product, database_url: str) -> None:
    """An id that no line of this SKU has is 404, whatever is asked of it, and changes nothing."""
    other = await add_product(database_url)
    theirs = await add(client, other.sku, ENGRAVED)
    await add(client, product.sku, ENGRAVED)
    before = await get(client, "/cart")
    url = f"{LINES}/{product.sku}"
    for name in ("x", theirs["id"], "%C3%A9", "0" * 64):
        for response in (
            await client.put(f"{url}?line={name}", json={"quantity": 1}),
            await client.put(f"{url}?line={name}", json={"quantity": 0}),
            await client.delete(f"{url}?line={name}"),
            await client.delete(f"{url}?line={name}", headers={"If-Match": '"old"'}),
        ):
            assert await code_of(response) == (404, "unknown_line")
    assert await code_of(await client.delete(f"{url}?line={'x' * 65}")) == (422, "invalid")
    assert await get(client, "/cart") == before


async def test_only_if_there_is_none(client: Client, product: Product) -> None:
    """`If-None-Match: *` is about the line that is meant: one of several is one, too."""
    url, none = f"{LINES}/{product.sku}", {"If-None-Match": "*"}
    for said in (ENGRAVED, WRAPPED):
        line = await add(client, product.sku, said)
        for path in (url, f"{url}?line={line['id']}"):
            response = await client.put(path, json={"quantity": 5}, headers=none)
            assert response.status_code == 412
    for line in (await get(client, "/cart"))["lines"]:
        await client.delete(f"{url}?line={line['id']}")
    response = await client.put(url, json={"quantity": 5}, headers=none)
    assert response.status_code == 201


@pytest.mark.parametrize(
    "said",
    [
        {"": "x"},
        {"x" * 41: "x"},
        {"x": "y" * 501},
        {str(number): "" for number in range(11)},
        {"x": 1},
        {"x": None},
        {"x": {"y": "z"}},
        ["x"],
        "x",
        None,
    ],
)
async def test_metadata_of_another_shape(client: Client, product: Product, said: Any) -> None:
    """What isn't an object of a few short texts is 422, and nothing is added."""
    response = await client.post(LINES, json={"sku": product.sku, "metadata": said})
    assert await code_of(response) == (422, "invalid")
    assert (await get(client, "/cart"))["id"] is None


async def test_a_carts_metadata_is_bounded(client: Client, database_url: str) -> None:
    """16 KiB of names and texts in all lines; more is 409 `metadata_limit`, and the rest stays."""
    skus = await add_many(database_url, 2)
    await add(client, skus[0], LONG)
    response = await post(client, skus[1], LONG)
    assert await code_of(response) == (409, "metadata_limit")
    assert (await response.get_json())["limit"] == 16_384
    await add(client, skus[1], {})
    assert (await add(client, skus[0], LONG))["quantity"] == 2


async def test_an_add_is_repeated_once(client: Client, product: Product) -> None:
    """A key is of one add with its metadata; said in another order it is the same request."""
    await register(client)

    async def send(said: dict[str, str]) -> Response:
        return await client.post(
            LINES, json={"sku": product.sku, "metadata": said}, headers={"Idempotency-Key": "one"}
        )

    first = await (await send(WRAPPED)).get_json()
    again = await send(dict(reversed(WRAPPED.items())))
    assert (await again.get_json(), again.headers["Idempotent-Replayed"]) == (first, "true")
    assert await code_of(await send(ENGRAVED)) == (422, "idempotency_key_reused")
    assert said_of(await get(client, "/cart")) == [(WRAPPED, 1)]


async def parallel_adds(app: Quart, sku: str, adds: int) -> None:
    """Add with three kinds of metadata at once, by a new guest; each line has exactly its own."""
    jar = Jar(app)
    await jar.ask("GET", "/cart")
    kinds = [{}, ENGRAVED, WRAPPED]
    responses = await asyncio.gather(
        *(
            jar.send("POST", "/cart/lines", {"sku": sku, "metadata": kinds[number % 3]})
            for number in range(adds)
        )
    )
    statuses = Counter(response.status_code for response in responses)
    assert statuses == {201: 3, 200: adds - 3}
    cart = await jar.ask("GET", "/cart")
    counts = {str(said): count for said, count in said_of(cart)}
    assert counts == {str(dict(sorted(said.items()))): adds // 3 for said in kinds}
    assert cart["revision"] == adds


async def test_parallel_adds(start_app: Callable[..., Awaitable[Quart]], product: Product) -> None:
    """Adds at once with the same and other metadata: each line has all of its own."""
    app = await start_app(pool_timeout=60.0, statement_timeout=60.0)
    for _ in range(3):
        await parallel_adds(app, product.sku, 24)


async def test_lines_survive_the_login(app: Quart, product: Product) -> None:
    """A guest's lines join those with the same metadata, and late adds follow to theirs."""
    name, jar = new_name(), Jar(app)
    login = {"username": name, "password": PASSWORD}
    await Jar(app).ask("POST", "/account", {**login, "email": f"{name}@example.com"}, status=201)
    for said, quantity in ((ENGRAVED, 2), (WRAPPED, 1)):
        body = {"sku": product.sku, "quantity": quantity, "metadata": said}
        await jar.ask("POST", "/cart/lines", body, status=201)
    late = jar.copy()
    merged = await jar.ask("POST", "/session", login)
    assert [line["sku"] for line in merged["merge"]["lines"]] == [product.sku] * 2
    await late.ask("POST", "/cart/lines", {"sku": product.sku, "metadata": WRAPPED}, status=201)
    assert said_of(await jar.ask("GET", "/cart")) == [(ENGRAVED, 2), (WRAPPED, 2)]
    guest = Jar(app)
    for said in (ENGRAVED, {}):
        body = {"sku": product.sku, "quantity": 3, "metadata": said}
        await guest.ask("POST", "/cart/lines", body, status=201)
    await guest.ask("POST", "/session", login)
    assert said_of(await jar.ask("GET", "/cart")) == [(ENGRAVED, 3), (WRAPPED, 2), ({}, 3)]


@pytest.mark.parametrize(
    ("said", "healed"),
    [
        (ENGRAVED, [({}, 1), (ENGRAVED, 2)]),
        (WRAPPED, [({}, 1), (WRAPPED, 2)]),
        ({"{": "😀" * 100}, [({}, 1), ({"{": "😀" * 100}, 2)]),
        (LONG, [({}, 3)]),
    ],
    ids=["short", "awkward", "escaped", "long"],
)
async def test_a_lost_row_is_healed(
    app: Quart,
    product: Product,
    observer: Connection,
    said: dict[str, str],
    healed: list[tuple[dict[str, str], int]],
) -> None:
    """A row that is gone comes back with its lines; metadata too long for a cookie is lost alone.

    Where the row is only older, also such a line has its own units again.
    """
    jar = Jar(app)
    for each, quantity in (({}, 1), (said, 1), (said, 1)):
        body = {"sku": product.sku, "quantity": quantity, "metadata": each}
        jar.take(await jar.send("POST", "/cart/lines", body))
    cart = await jar.ask("GET", "/cart")
    older = jar.copy()
    await observer.execute(
        """update carts set revision = 2, lines = jsonb_set(lines, '{1,quantity}', '1')
        where id = $1::text::uuid""",
        cart["id"],
    )
    assert said_of(await older.ask("GET", "/cart")) == [({}, 1), (said, 2)]
    await observer.execute("delete from carts where id = $1::text::uuid", cart["id"])
    assert said_of(await jar.ask("GET", "/cart")) == healed


async def test_a_row_of_before(app: Quart, product: Product, observer: Connection) -> None:
    """A cart that was stored before there was metadata has lines without, which adds join."""
    jar = Jar(app)
    body = {"sku": product.sku}
    cart = await jar.ask("POST", "/cart/lines", body, status=201)
    await observer.execute(
        "update carts set lines = lines #- '{0,currency}' where id = $1::text::uuid", cart["id"]
    )
    await jar.ask("POST", "/cart/lines", {**body, "metadata": ENGRAVED}, status=201)
    await jar.ask("POST", "/cart/lines", {**body, "metadata": {}})
    assert said_of(await jar.ask("GET", "/cart")) == [({}, 2), (ENGRAVED, 1)]


async def test_an_order_of_several_lines(
    client: Client, database_url: str, observer: Connection
) -> None:
    """An order has the lines with their metadata, takes the stock of all, and gives all back."""
    sku = (await add_product(database_url, stock=9)).sku
    await register(client)
    for said, quantity in (({}, 1), (ENGRAVED, 2), (WRAPPED, 3)):
        await add(client, sku, said, quantity)
    total = (await get(client, "/cart"))["total"]
    response = await client.post(f"{API}/orders", json={"expected_total": total})
    order = await response.get_json()
    assert response.status_code == 201, order
    assert said_of(order) == [({}, 1), (ENGRAVED, 2), (WRAPPED, 3)]
    assert await get(client, f"/orders/{order['number']}") == order
    assert (await get(client, "/orders"))["orders"] == [order]
    assert await quantity_in_stock(observer, sku) == 3
    await client.post(f"{API}/orders/{order['number']}/cancel")
    assert await quantity_in_stock(observer, sku) == 9


async def test_lines_that_are_too_many_together(client: Client, database_url: str) -> None:
    """Lines that only together want too much are told in the cart, and refused in the order."""
    sku = (await add_product(database_url, stock=9)).sku
    await register(client)
    for said in ({}, ENGRAVED):
        await add(client, sku, said, 3)
    response = await post(client, sku, WRAPPED, 4)
    assert await code_of(response) == (409, "insufficient_stock")
    assert (await response.get_json())["room"] == 3
    await add_product(database_url, sku=sku, stock=5)
    cart = await get(client, "/cart")
    assert [line["notice"] for line in cart["lines"]] == ["insufficient_stock"] * 2
    response = await client.post(f"{API}/orders", json={"expected_total": cart["total"]})
    assert await code_of(response) == (409, "insufficient_stock")
    short = (await response.get_json())["lines"]
    assert short == [{"sku": sku, "quantity": 6, "available": 5}]


async def test_a_deleted_account_leaves_no_gift_note(
    client: Client, product: Product, observer: Connection
) -> None:
    """What a line said goes with the person, whose order stays: at once, or when it is sent."""
    await register(client)
    numbers = []
    for status in ("fulfilled", "placed"):
        await add(client, product.sku, ENGRAVED)
        total = (await get(client, "/cart"))["total"]
        response = await client.post(f"{API}/orders", json={"expected_total": total})
        numbers.append((await response.get_json())["number"])
        await observer.execute(
            "update orders set status = $2 where number = $1", numbers[-1], status
        )
    await client.delete(f"{API}/account", json={"current_password": PASSWORD})
    kept = """select l.metadata from order_lines l join orders o on o.id = l.order_id
        where o.number = $1"""
    assert await observer.fetchval(kept, numbers[0]) == "{}"
    assert await observer.fetchval(kept, numbers[1]) != "{}"
    await observer.execute("update orders set status = 'fulfilled' where number = $1", numbers[1])
    assert await observer.fetchval(kept, numbers[1]) == "{}"
