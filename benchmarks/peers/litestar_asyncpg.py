"""Litestar with msgspec and asyncpg, for Uvicorn."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import msgspec
from litestar import Litestar, Request, Response, delete, get, post, put
from litestar.di import Provide
from litestar.middleware.session.client_side import CookieBackendConfig
from litestar.params import Parameter
from msgspec import Meta, Struct

from . import rules, shop
from .rules import JSON, Refused
from .shop import Caller

Ask = Request[Any, Any, Any]


class LineIn(Struct, forbid_unknown_fields=True):
    sku: Annotated[str, Meta(max_length=255)]
    quantity: Annotated[int, Meta(ge=1)] = 1


class QuantityIn(Struct, forbid_unknown_fields=True):
    quantity: Annotated[int, Meta(ge=0)]


class LoginIn(Struct, forbid_unknown_fields=True):
    username: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(max_length=1024)]


class OrderIn(Struct, forbid_unknown_fields=True):
    expected_total: int


class CartLine(Struct):
    sku: str
    handle: str
    title: str
    options: dict[str, str]
    image: str | None
    quantity: int
    unit_price: int
    added_price: int
    line_total: int
    available: int | None
    notice: str | None


class Cart(Struct):
    id: str | None
    revision: int
    etag: str
    currency: str
    lines: list[CartLine]
    quantity: int
    total: int


@asynccontextmanager
async def live(app: Litestar) -> AsyncIterator[None]:
    app.state.pool = await shop.make_pool()
    yield
    await app.state.pool.close()


async def connection(request: Ask) -> AsyncIterator[Any]:
    async with request.app.state.pool.acquire() as db:
        yield db


def refused(_: Ask, error: Refused) -> Response[JSON]:
    return Response(
        error.problem(), status_code=error.status, media_type="application/problem+json"
    )


def who(request: Ask) -> Caller:
    return Caller(request.session.get("token"), request.session.get("cart_id"))


def address(request: Ask) -> str:
    return request.client.host if request.client else ""


async def verify(account: Any, password: str) -> Any:
    return await asyncio.to_thread(rules.verify, account, password)


def shown(cart: JSON) -> Cart:
    return msgspec.convert(cart, Cart)


@get("/livez")
async def livez() -> JSON:
    return {}


@get("/api/v1/products")
async def products(db: Any, limit: Annotated[int, Parameter(ge=1, le=100)] = 20) -> JSON:
    return await shop.products(db, limit)


@get("/api/v1/products/{handle:str}")
async def product(db: Any, handle: str) -> JSON:
    return await shop.product(db, handle)


@get("/api/v1/cart")
async def see_cart(request: Ask, db: Any) -> Cart:
    return shown(await shop.see_cart(db, who(request)))


@post("/api/v1/cart/lines")
async def add(request: Ask, db: Any, data: LineIn) -> Response[Cart]:
    caller = who(request)
    cart, is_new = await shop.change_cart(
        db, caller, address(request), data.sku, data.quantity, add=True
    )
    if not caller.token:
        request.session["cart_id"] = cart["id"]
    return Response(shown(cart), status_code=201 if is_new else 200)


@put("/api/v1/cart/lines/{sku:str}")
async def change(request: Ask, db: Any, sku: str, data: QuantityIn) -> Response[Cart]:
    cart, is_new = await shop.change_cart(
        db, who(request), address(request), sku, data.quantity, add=False
    )
    return Response(shown(cart), status_code=201 if is_new else 200)


@post("/api/v1/session", status_code=200)
async def log_in(request: Ask, data: LoginIn) -> JSON:
    agent = request.headers.get("user-agent", "")
    token, answer = await shop.log_in(
        request.app.state.pool,
        *(verify, who(request), address(request), agent, data.username, data.password),
    )
    request.set_session({"token": token})
    return answer


@delete("/api/v1/session")
async def log_out(request: Ask, db: Any) -> None:
    agent = request.headers.get("user-agent", "")
    await shop.log_out(db, who(request), address(request), agent)
    request.clear_session()


@post("/api/v1/orders")
async def place(
    request: Ask,
    db: Any,
    data: OrderIn,
    key: Annotated[str, Parameter(header="Idempotency-Key", default="")],
) -> Response[bytes]:
    body = await shop.place(db, who(request), data.expected_total, key, msgspec.json.encode)
    return Response(body, status_code=201, media_type="application/json")


@get("/api/v1/orders")
async def orders(
    request: Ask, db: Any, limit: Annotated[int, Parameter(ge=1, le=100)] = 20
) -> JSON:
    return await shop.orders(db, who(request), limit)


app = Litestar(
    [livez, products, product, see_cart, add, change, log_in, log_out, place, orders],
    dependencies={"db": Provide(connection)},
    exception_handlers={Refused: refused},
    lifespan=[live],
    middleware=[
        CookieBackendConfig(secret=secrets.token_bytes(32), max_age=7776000, secure=True).middleware
    ],
    openapi_config=None,
)
