"""The ceiling: the protocol of ASGI, asyncpg, and nothing between."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec
from itsdangerous import BadSignature, URLSafeTimedSerializer

from . import rules, shop
from .rules import JSON, Refused
from .shop import Caller


class LineInput(msgspec.Struct, forbid_unknown_fields=True):
    sku: str
    quantity: int = 1


class QuantityInput(msgspec.Struct, forbid_unknown_fields=True):
    quantity: int


class LoginInput(msgspec.Struct, forbid_unknown_fields=True):
    username: str
    password: str


class OrderInput(msgspec.Struct, forbid_unknown_fields=True):
    expected_total: int


SESSION = URLSafeTimedSerializer("a secret for the benchmark alone, of no worth")
LINES = "/api/v1/cart/lines/"
PRODUCTS = "/api/v1/products/"
encode = msgspec.json.encode


async def verify(account: Any, password: str) -> Any:
    return await asyncio.to_thread(rules.verify, account, password)


async def _keep(_: Any) -> None:
    """Leave a connection as it is: nothing here changes its state."""


class Request:
    """What the protocol gives."""

    def __init__(self, scope: Any, receive: Any) -> None:
        self.scope, self._receive = scope, receive
        self.headers = dict(scope["headers"])
        self.ip = scope["client"][0]
        self.agent = self.headers.get(b"user-agent", b"").decode("latin-1")
        self.caller = Caller()
        for pair in self.headers.get(b"cookie", b"").decode("latin-1").split("; "):
            name, _, value = pair.partition("=")
            if name == "session":
                try:
                    self.caller = Caller(**SESSION.loads(value, max_age=86400 * 90))
                except BadSignature:
                    continue

    async def read(self, kind: Any) -> Any:
        content, more = b"", True
        while more:
            message = await self._receive()
            content += message.get("body", b"")
            more = message.get("more_body", False)
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.ValidationError as error:
            raise Refused(422, "invalid") from error
        except msgspec.DecodeError as error:
            raise Refused(400, "malformed") from error


class Application:
    """Each view answers with a status, a body, and what the session is to be, None: as it is."""

    def __init__(self) -> None:
        self._pool: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        request = Request(scope, receive)
        kind = b"application/json"
        try:
            status, body, session = await self._view(request)
        except Refused as refused:
            status, body, session = refused.status, encode(refused.problem()), None
            kind = b"application/problem+json"
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        if session is not None:
            value = SESSION.dumps(session)
            cookie = f"session={value}; HttpOnly; Secure; Path=/; SameSite=Lax; Max-Age=7776000"
            headers.append((b"set-cookie", cookie.encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        self._pool = await shop.make_pool(reset=_keep)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _view(self, request: Request) -> tuple[int, bytes, JSON | None]:  # noqa: PLR0911, C901
        method, path, caller = request.scope["method"], request.scope["path"], request.caller
        match method, path:
            case "GET", "/livez":
                return 200, b"{}", None
            case "POST", "/api/v1/session":
                login: LoginInput = await request.read(LoginInput)
                token, answer = await shop.log_in(
                    self._pool, verify, caller, request.ip, request.agent, login.username,
                    login.password,
                )  # fmt: skip
                return 200, encode(answer), {"token": token}
        async with self._pool.acquire() as db:
            match method, path:
                case "GET", "/api/v1/products":
                    query = parse_qs(request.scope["query_string"].decode("latin-1"))
                    limit = min(int(query.get("limit", ["20"])[0]), 100)
                    return 200, encode(await shop.products(db, limit)), None
                case "GET", "/api/v1/cart":
                    return 200, encode(await shop.see_cart(db, caller)), None
                case "POST", "/api/v1/cart/lines":
                    line: LineInput = await request.read(LineInput)
                    cart, is_new = await shop.change_cart(
                        db, caller, request.ip, line.sku, line.quantity, add=True
                    )
                    session = None
                    if not caller.token and caller.cart_id != cart["id"]:
                        session = {"cart_id": cart["id"]}
                    return 201 if is_new else 200, encode(cart), session
                case "POST", "/api/v1/orders":
                    order: OrderInput = await request.read(OrderInput)
                    key = request.headers.get(b"idempotency-key", b"").decode("latin-1")
                    body = await shop.place(db, caller, order.expected_total, key, encode)
                    return 201, body, None
                case "GET", "/api/v1/orders":
                    return 200, encode(await shop.orders(db, caller, 20)), None
                case "DELETE", "/api/v1/session":
                    await shop.log_out(db, caller, request.ip, request.agent)
                    return 204, b"", {}
                case "GET", _ if path.startswith(PRODUCTS):
                    handle = unquote(path.removeprefix(PRODUCTS))
                    return 200, encode(await shop.product(db, handle)), None
                case "PUT", _ if path.startswith(LINES):
                    change: QuantityInput = await request.read(QuantityInput)
                    sku = unquote(path.removeprefix(LINES))
                    cart, is_new = await shop.change_cart(
                        db, caller, request.ip, sku, change.quantity, add=False
                    )
                    return 201 if is_new else 200, encode(cart), None
        raise Refused(404, "not_found")


app = Application()
