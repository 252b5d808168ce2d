"""Flask with psycopg and its pool, for gunicorn."""

import hashlib
import json
import os
import uuid
from typing import Any

from flask import Flask, Response, g, request, session
from psycopg import Connection, RawCursor, errors
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from . import rules, statements
from .rules import JSON, Refused

app = Flask(__name__)
app.config.update(
    SECRET_KEY="of no worth",  # the same in all workers
    SESSION_COOKIE_SECURE=True,
    SESSION_COOKIE_SAMESITE="Lax",
)


pool = ConnectionPool(
    os.environ["LOCKER_DATABASE_URL"],
    min_size=1,
    max_size=10,
    open=False,
    kwargs={"cursor_factory": RawCursor, "row_factory": dict_row, "autocommit": True},
)


def connection() -> Any:
    if "db" not in g:
        pool.open()  # in the worker, not before it forks
        g.db = pool.getconn()
    return g.db


@app.teardown_request
def release(_: BaseException | None) -> None:
    db: Connection[Any] | None = g.pop("db", None)
    if db is not None:
        pool.putconn(db)


@app.errorhandler(Refused)
def refused(error: Refused) -> tuple[JSON, int, dict[str, str]]:
    return error.problem(), error.status, {"Content-Type": "application/problem+json"}


def one(statement: str, *values: Any) -> Any:
    return connection().execute(statement, values).fetchone()


def every(statement: str, *values: Any) -> list[Any]:
    rows: list[Any] = connection().execute(statement, values).fetchall()
    return rows


def token_hash() -> bytes | None:
    return rules.hash_token(session.get("token"))


def read(**fields: type) -> JSON:
    """Return the body, which has to have these fields and no others."""
    data = request.get_json()
    if not isinstance(data, dict) or data.keys() - fields.keys():
        raise Refused(422, "invalid")
    if any(type(data.get(name)) is not kind for name, kind in fields.items() if name in data):
        raise Refused(422, "invalid")
    return data


def agent() -> str:
    return request.user_agent.string


def address() -> str:
    return request.remote_addr or ""


@app.get("/livez")
def livez() -> JSON:
    return {}


@app.get("/api/v1/products")
def products() -> JSON:
    limit = max(1, min(request.args.get("limit", 20, type=int), 100))
    rows = every(statements.PRODUCTS, limit)
    return {"products": [rules.product(row) for row in rows], "next": None}


@app.get("/api/v1/products/<handle>")
def product(handle: str) -> JSON:
    row = one(statements.PRODUCT, handle)
    if row is None:
        raise Refused(404, "not_found")
    return rules.product(row)


@app.get("/api/v1/cart")
def see_cart() -> JSON:
    return rules.cart(one(statements.CART, token_hash(), session.get("cart_id"), None))


@app.post("/api/v1/cart/lines")
def add() -> tuple[JSON, int]:
    data = read(sku=str, quantity=int)
    cart, is_new = change_cart(data["sku"], data.get("quantity", 1), adding=True)
    if "token" not in session:
        session["cart_id"] = cart["id"]
    return cart, 201 if is_new else 200


@app.put("/api/v1/cart/lines/<sku>")
def change(sku: str) -> tuple[JSON, int]:
    cart, is_new = change_cart(sku, read(quantity=int)["quantity"], adding=False)
    return cart, 201 if is_new else 200


def change_cart(sku: str, quantity: int, *, adding: bool) -> tuple[JSON, bool]:
    while True:
        row = one(statements.CART, token_hash(), session.get("cart_id"), sku)
        lines, is_new = rules.with_units(row, sku, quantity, add=adding)
        cart_id = row["id"] or uuid.uuid4()
        if row["id"] is None and row["account_id"] is None:
            count(rules.attempt_keys(address()))
        values = (cart_id, row["account_id"], row["revision"] or 0, Jsonb(lines))
        try:
            stored = one(statements.STORE_CART, *values)
        except errors.UniqueViolation:
            continue
        if stored is not None:
            return rules.cart({**row, "id": cart_id}, lines, stored["revision"]), is_new


def count(keys: list[bytes]) -> None:
    rules.check_attempts([each["count"] for each in every(statements.COUNT_ATTEMPTS, keys)])


@app.post("/api/v1/session")
def log_in() -> JSON:
    data = read(username=str, password=str)
    name = data["username"].casefold()
    count(rules.attempt_keys(address(), name))
    account = rules.verify(one(statements.ACCOUNT, name), data["password"])
    token = rules.new_token()
    with connection().transaction():
        started = one(
            statements.START_LOGIN,
            *(rules.hash_token(token), account["id"], agent(), address()),
            *(account["password_hash"], uuid.uuid4().hex),
        )
        if started is None:
            raise Refused(401, "wrong_credentials")
        cart, merge = join_carts(account["id"])
    session.clear()
    session["token"] = token
    return {"user": rules.user(account), "cart": cart, "merge": merge}


def join_carts(account_id: uuid.UUID) -> tuple[JSON, JSON | None]:
    rows = every(statements.CARTS_TO_MERGE, account_id, session.get("cart_id"))
    ours = next((row for row in rows if row["account_id"]), None)
    guest = next((row for row in rows if row["id"] and not row["account_id"]), None)
    if guest is None:
        return rules.cart(ours or {"id": None, "revision": 0, "lines": [], "offers": []}), None
    lines, merge = rules.merged(ours, guest)
    cart = ours or {**guest, "id": uuid.uuid4(), "revision": 0}
    values = (cart["id"], account_id, cart["revision"], Jsonb(lines), guest["id"])
    return rules.cart(cart, lines, one(statements.MERGE, *values)["revision"]), merge


@app.delete("/api/v1/session")
def log_out() -> tuple[str, int]:
    connection().execute(statements.END_LOGIN, (token_hash(), address(), agent(), uuid.uuid4().hex))
    session.clear()
    return "", 204


@app.post("/api/v1/orders")
def place() -> Response:
    expected = read(expected_total=int)["expected_total"]
    key = request.headers.get("Idempotency-Key", "")
    with connection().transaction():
        row = one(statements.CART_LOCKED, token_hash(), session.get("cart_id"), None)
        account_id = row["account_id"]
        if account_id is None:
            raise Refused(401, "unauthenticated")
        fingerprint = hashlib.sha256(f"POST /orders {expected}".encode()).digest()
        if key and not one(statements.CLAIM_KEY, account_id, key, fingerprint):
            stored = one(statements.STORED_ANSWER, account_id, key)
            if stored["fingerprint"] != fingerprint:
                raise Refused(422, "idempotency_key_reused")
            return Response(stored["body"], 201, content_type="application/json")
        body = order_cart(row, account_id, expected)
        if key:
            connection().execute(statements.STORE_ANSWER, (account_id, key, 201, body))
    return Response(body, 201, content_type="application/json")


def order_cart(row: Any, account_id: uuid.UUID, expected: int) -> bytes:
    cart = rules.cart(row)
    if not cart["lines"]:
        raise Refused(409, "empty_cart")
    if cart["total"] != expected:
        raise Refused(409, "total_changed")
    stock = every(
        statements.TAKE_STOCK,
        [line["variant"] for line in row["lines"]],
        [line["quantity"] for line in row["lines"]],
    )
    lines, number = rules.order_lines(row, stock), rules.new_number()
    placed = one(
        statements.PLACE_ORDER,
        *(number, account_id, cart["currency"], cart["total"], row["id"], row["revision"] + 1),
        *(Jsonb(lines), Jsonb(rules.placed_event(number, account_id, row, lines))),
    )
    return json.dumps(rules.order(placed, lines)).encode()


@app.get("/api/v1/orders")
def orders() -> JSON:
    login = one(statements.LOGIN, token_hash())
    if login is None:
        raise Refused(401, "unauthenticated")
    limit = max(1, min(request.args.get("limit", 20, type=int), 100))
    rows = every(statements.ORDERS, login["account_id"], limit)
    return {"orders": [rules.order(row, row["lines"]) for row in rows], "next": None}
