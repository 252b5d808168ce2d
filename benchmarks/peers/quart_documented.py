"""Quart as its documentation has it, for Hypercorn: the connection is in g."""

import asyncio
import json
import secrets
from typing import Any

import msgspec
from quart import Quart, Response, current_app, g, request, session

from . import rules, shop
from .bare import LineInput, LoginInput, OrderInput, QuantityInput
from .rules import JSON, Refused
from .shop import Caller

app = Quart(__name__)
app.config.update(
    SECRET_KEY=secrets.token_hex(32), SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="Lax"
)


@app.before_serving
async def open_pool() -> None:
    app.config["POOL"] = await shop.make_pool(json.dumps, json.loads)


@app.after_serving
async def close_pool() -> None:
    await app.config["POOL"].close()


async def connection() -> Any:
    if "db" not in g:
        g.db = await current_app.config["POOL"].acquire()
    return g.db


@app.teardown_request
async def release(_: BaseException | None) -> None:
    db = g.pop("db", None)
    if db is not None:
        await app.config["POOL"].release(db)


@app.errorhandler(Refused)
async def refused(error: Refused) -> tuple[JSON, int, dict[str, str]]:
    return error.problem(), error.status, {"Content-Type": "application/problem+json"}


async def read(kind: Any) -> Any:
    try:
        return msgspec.convert(await request.get_json(), kind)
    except msgspec.ValidationError as error:
        raise Refused(422, "invalid") from error


def who() -> Caller:
    return Caller(session.get("token"), session.get("cart_id"))


def address() -> str:
    return request.remote_addr or ""


async def verify(account: Any, password: str) -> Any:
    return await asyncio.to_thread(rules.verify, account, password)


@app.get("/livez")
async def livez() -> JSON:
    return {}


@app.get("/api/v1/products")
async def products() -> JSON:
    limit = request.args.get("limit", 20, type=int)
    return await shop.products(await connection(), max(1, min(limit, 100)))


@app.get("/api/v1/products/<handle>")
async def product(handle: str) -> JSON:
    return await shop.product(await connection(), handle)


@app.get("/api/v1/cart")
async def see_cart() -> JSON:
    return await shop.see_cart(await connection(), who())


@app.post("/api/v1/cart/lines")
async def add() -> tuple[JSON, int]:
    line, caller = await read(LineInput), who()
    cart, is_new = await shop.change_cart(
        await connection(), caller, address(), line.sku, line.quantity, add=True
    )
    if not caller.token:
        session["cart_id"] = cart["id"]
    return cart, 201 if is_new else 200


@app.put("/api/v1/cart/lines/<sku>")
async def change(sku: str) -> tuple[JSON, int]:
    line = await read(QuantityInput)
    cart, is_new = await shop.change_cart(
        await connection(), who(), address(), sku, line.quantity, add=False
    )
    return cart, 201 if is_new else 200


@app.post("/api/v1/session")
async def log_in() -> JSON:
    data = await read(LoginInput)
    token, answer = await shop.log_in(
        *(app.config["POOL"], verify, who(), address(), request.user_agent.string),
        *(data.username, data.password),
    )
    session.clear()
    session["token"] = token
    return answer


@app.delete("/api/v1/session")
async def log_out() -> tuple[str, int]:
    await shop.log_out(await connection(), who(), address(), request.user_agent.string)
    session.clear()
    return "", 204


@app.post("/api/v1/orders")
async def place() -> Response:
    data, key = await read(OrderInput), request.headers.get("Idempotency-Key", "")

    def encode(order: JSON) -> bytes:
        return json.dumps(order).encode()

    body = await shop.place(await connection(), who(), data.expected_total, key, encode)
    return Response(body, 201, content_type="application/json")


@app.get("/api/v1/orders")
async def orders() -> JSON:
    limit = request.args.get("limit", 20, type=int)
    return await shop.orders(await connection(), who(), max(1, min(limit, 100)))
