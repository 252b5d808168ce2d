"""FastAPI with asyncpg, for Uvicorn."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.middleware.sessions import SessionMiddleware

from . import rules, shop
from .models import (
    Cart,
    LineIn,
    LoggedIn,
    LoginIn,
    Order,
    OrderIn,
    Orders,
    Product,
    Products,
    QuantityIn,
)
from .rules import JSON, Refused
from .shop import Caller


@asynccontextmanager
async def live(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await shop.make_pool(json.dumps, json.loads)
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=live)
app.add_middleware(
    SessionMiddleware,
    secret_key="of no worth",
    max_age=7776000,
    https_only=True,
)


@app.exception_handler(Refused)
async def refused(_: Request, error: Refused) -> JSONResponse:
    return JSONResponse(error.problem(), error.status, media_type="application/problem+json")


async def connection(request: Request) -> AsyncIterator[Any]:
    async with request.app.state.pool.acquire() as db:
        yield db


def who(request: Request) -> Caller:
    return Caller(request.session.get("token"), request.session.get("cart_id"))


def client(request: Request) -> str:
    return request.client.host if request.client else ""


Database = Annotated[Any, Depends(connection)]
Who = Annotated[Caller, Depends(who)]
Address = Annotated[str, Depends(client)]
Agent = Annotated[str, Header(alias="User-Agent")]


async def verify(account: Any, password: str) -> Any:
    return await asyncio.to_thread(rules.verify, account, password)


@app.get("/livez")
async def livez() -> JSON:
    return {}


@app.get("/api/v1/products", response_model=Products)
async def products(db: Database, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> JSON:
    return await shop.products(db, limit)


@app.get("/api/v1/products/{handle}", response_model=Product)
async def product(db: Database, handle: str) -> JSON:
    return await shop.product(db, handle)


@app.get("/api/v1/cart", response_model=Cart)
async def see_cart(db: Database, caller: Who) -> JSON:
    return await shop.see_cart(db, caller)


@app.post("/api/v1/cart/lines", response_model=Cart)
async def add(
    request: Request, response: Response, db: Database, caller: Who, ip: Address, line: LineIn
) -> JSON:
    cart, is_new = await shop.change_cart(db, caller, ip, line.sku, line.quantity, add=True)
    if not caller.token:
        request.session["cart_id"] = cart["id"]
    response.status_code = 201 if is_new else 200
    return cart


@app.put("/api/v1/cart/lines/{sku}", response_model=Cart)
async def change(
    response: Response, db: Database, caller: Who, ip: Address, sku: str, line: QuantityIn
) -> JSON:
    cart, is_new = await shop.change_cart(db, caller, ip, sku, line.quantity, add=False)
    response.status_code = 201 if is_new else 200
    return cart


@app.post("/api/v1/session", response_model=LoggedIn)
async def log_in(
    request: Request, caller: Who, ip: Address, data: LoginIn, agent: Agent = ""
) -> JSON:
    token, answer = await shop.log_in(
        request.app.state.pool, verify, caller, ip, agent, data.username, data.password
    )
    request.session.clear()
    request.session["token"] = token
    return answer


@app.delete("/api/v1/session", status_code=204)
async def log_out(
    request: Request, db: Database, caller: Who, ip: Address, agent: Agent = ""
) -> None:
    await shop.log_out(db, caller, ip, agent)
    request.session.clear()


@app.post("/api/v1/orders", status_code=201, response_model=Order)
async def place(
    db: Database, caller: Who, data: OrderIn, idempotency_key: Annotated[str, Header()] = ""
) -> Response:
    def encode(order: JSON) -> bytes:
        return Order.model_validate(order).model_dump_json().encode()

    body = await shop.place(db, caller, data.expected_total, idempotency_key, encode)
    return Response(body, 201, media_type="application/json")


@app.get("/api/v1/orders", response_model=Orders)
async def orders(
    db: Database, caller: Who, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> JSON:
    return await shop.orders(db, caller, limit)
