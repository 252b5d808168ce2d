"""FastAPI with SQLAlchemy's ORM on asyncpg, for Uvicorn."""

import asyncio
import hashlib
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import ForeignKey, func, select, text, update
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
)
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.types import DateTime
from starlette.middleware.sessions import SessionMiddleware

from . import rules
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

TIME = DateTime(timezone=True)


class Base(DeclarativeBase):
    type_annotation_map = {bytes: BYTEA, datetime: TIME}  # noqa: RUF012 - SQLAlchemy's way


class ProductRow(Base):
    __tablename__ = "products"
    id: Mapped[int] = mapped_column(primary_key=True)
    handle: Mapped[str]
    title: Mapped[str]
    description: Mapped[str]
    vendor: Mapped[str]
    type: Mapped[str]
    tags: Mapped[list[str]] = mapped_column(JSONB)
    images: Mapped[list[JSON]] = mapped_column(JSONB)
    published: Mapped[bool]
    variants: Mapped[list["VariantRow"]] = relationship(
        back_populates="product", order_by="VariantRow.position"
    )


class VariantRow(Base):
    __tablename__ = "variants"
    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    position: Mapped[int]
    sku: Mapped[str]
    options: Mapped[list[list[str]]] = mapped_column(JSONB)
    price: Mapped[int]
    compare_at_price: Mapped[int | None]
    currency: Mapped[str]
    stock: Mapped[int | None]
    oversell: Mapped[bool]
    active: Mapped[bool]
    product: Mapped[ProductRow] = relationship(back_populates="variants")


class AccountRow(Base):
    __tablename__ = "accounts"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    username: Mapped[str]
    username_key: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str]
    password_hash: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class LoginRow(Base):
    __tablename__ = "logins"
    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID]
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    idle: Mapped[timedelta]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    user_agent: Mapped[str]
    ip: Mapped[str]
    account: Mapped[AccountRow] = relationship()


class CartRow(Base):
    __tablename__ = "carts"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID | None]
    revision: Mapped[int] = mapped_column()
    lines: Mapped[list[JSON]] = mapped_column(JSONB)
    merged_into: Mapped[uuid.UUID | None]
    merged_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    # A change of a row that was changed meanwhile fails.
    __mapper_args__ = {"version_id_col": revision}  # noqa: RUF012 - SQLAlchemy's way


class OrderRow(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]
    account_id: Mapped[uuid.UUID]
    status: Mapped[str]
    placed_at: Mapped[datetime]
    currency: Mapped[str]
    total: Mapped[int]
    cart_id: Mapped[uuid.UUID]
    cart_revision: Mapped[int]
    contact: Mapped[JSON] = mapped_column(JSONB)
    lines: Mapped[list["OrderLineRow"]] = relationship(order_by="OrderLineRow.position")


class OrderLineRow(Base):
    __tablename__ = "order_lines"
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    variant_id: Mapped[int]
    sku: Mapped[str]
    title: Mapped[str]
    options: Mapped[list[list[str]]] = mapped_column(JSONB)
    quantity: Mapped[int]
    unit_price: Mapped[int]
    from_stock: Mapped[bool]


class KeyRow(Base):
    __tablename__ = "idempotency_keys"
    scope: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    created_at: Mapped[datetime]
    status: Mapped[int | None]
    headers: Mapped[JSON | None] = mapped_column(JSONB)
    body: Mapped[bytes | None]


class AuditRow(Base):
    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    event: Mapped[str]
    account_id: Mapped[uuid.UUID]
    login_id: Mapped[uuid.UUID]
    ip: Mapped[str]
    user_agent: Mapped[str]
    request_id: Mapped[str]


class EventRow(Base):
    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    at: Mapped[datetime]
    data: Mapped[JSON] = mapped_column(JSONB)


class AttemptRow(Base):
    __tablename__ = "attempts"
    key: Mapped[bytes] = mapped_column(primary_key=True)
    count: Mapped[int]
    ends_at: Mapped[datetime]


engine = create_async_engine(
    os.environ["LOCKER_DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"),
    pool_size=10,
    max_overflow=0,
)
new_session = async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def live(_: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


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


async def database() -> AsyncIterator[AsyncSession]:
    async with new_session() as db:
        yield db


Database = Annotated[AsyncSession, Depends(database)]
Agent = Annotated[str, Header(alias="User-Agent")]
Limit = Annotated[int, Query(ge=1, le=100)]


def now() -> datetime:
    return datetime.now(UTC)


def address(request: Request) -> str:
    return request.client.host if request.client else ""


def product_data(product: ProductRow) -> JSON:
    return rules.product(
        {
            **{name: getattr(product, name) for name in ("handle", "title", "description")},
            **{name: getattr(product, name) for name in ("vendor", "type", "tags", "images")},
            "variants": [vars(each) for each in product.variants if each.active],
        }
    )


def offer(variant: VariantRow) -> JSON:
    product = variant.product
    return {
        **{name: getattr(variant, name) for name in ("id", "sku", "options", "price", "currency")},
        "stock": variant.stock,
        "oversell": variant.oversell,
        "handle": product.handle,
        "title": product.title,
        "image": product.images[0]["src"] if product.images else None,
        "sold": product.published and variant.active,
    }


async def offers_of(db: AsyncSession, lines: list[JSON], sku: str | None = None) -> dict[str, Any]:
    """Return what the lines refer to, and the sku."""
    wanted = VariantRow.id.in_([line["variant"] for line in lines])
    if sku is not None:
        wanted = wanted | (VariantRow.sku == sku)
    found = await db.scalars(
        select(VariantRow).options(joinedload(VariantRow.product)).where(wanted)
    )
    return {"offers": [offer(each) for each in found]}


async def row_of(db: AsyncSession, cart: CartRow | None, sku: str | None = None) -> JSON:
    lines = cart.lines if cart else []
    return {
        "id": cart.id if cart else None,
        "revision": cart.revision if cart else 0,
        "lines": lines,
        **(await offers_of(db, lines, sku) if lines or sku else {"offers": []}),
    }


async def who(request: Request, db: AsyncSession) -> uuid.UUID | None:
    """Return whose login the session has, if it is still valid."""
    if "token" not in request.session:
        return None
    login = await db.scalar(
        select(LoginRow)
        .join(LoginRow.account)
        .where(
            LoginRow.token_hash == rules.hash_token(request.session["token"]),
            LoginRow.ended_at.is_(None),
            LoginRow.expires_at > func.now(),
            LoginRow.last_seen_at + LoginRow.idle > func.now(),
            AccountRow.disabled_at.is_(None),
        )
    )
    if login is None:
        return None
    if login.last_seen_at < now() - timedelta(minutes=1):
        login.last_seen_at = now()
    return login.account_id


async def find_cart(
    request: Request, db: AsyncSession, account_id: uuid.UUID | None, *, lock: bool = False
) -> CartRow | None:
    query = select(CartRow)
    if account_id is not None:
        query = query.where(CartRow.account_id == account_id)
    elif "cart_id" in request.session:
        query = query.where(
            CartRow.id == uuid.UUID(request.session["cart_id"]),
            CartRow.account_id.is_(None),
            CartRow.merged_at.is_(None),
        )
    else:
        return None
    return await db.scalar(query.with_for_update() if lock else query)


async def count_attempts(db: AsyncSession, keys: list[bytes]) -> None:
    attempt = insert(AttemptRow).values(
        [{"key": key, "count": 1, "ends_at": now() + timedelta(hours=1)} for key in keys]
    )
    counts = await db.scalars(
        attempt.on_conflict_do_update(
            index_elements=[AttemptRow.key],
            set_={
                "count": text(
                    "case when attempts.ends_at <= now() then 1 else attempts.count + 1 end"
                ),
                "ends_at": text(
                    "case when attempts.ends_at <= now() then excluded.ends_at"
                    " else attempts.ends_at end"
                ),
            },
        ).returning(AttemptRow.count)
    )
    rules.check_attempts(counts.all())


@app.get("/livez")
async def livez() -> JSON:
    return {}


@app.get("/api/v1/products", response_model=Products)
async def products(db: Database, limit: Limit = 20) -> JSON:
    found = await db.scalars(
        select(ProductRow)
        .options(selectinload(ProductRow.variants))
        .where(ProductRow.published, ProductRow.variants.any(VariantRow.active))
        .order_by(ProductRow.id.desc())
        .limit(limit)
    )
    return {"products": [product_data(each) for each in found], "next": None}


@app.get("/api/v1/products/{handle}", response_model=Product)
async def product(db: Database, handle: str) -> JSON:
    found = await db.scalar(
        select(ProductRow)
        .options(selectinload(ProductRow.variants))
        .where(ProductRow.published, ProductRow.handle == handle)
    )
    if found is None:
        raise Refused(404, "not_found")
    return product_data(found)


@app.get("/api/v1/cart", response_model=Cart)
async def see_cart(request: Request, db: Database) -> JSON:
    account_id = await who(request, db)
    shown = rules.cart(await row_of(db, await find_cart(request, db, account_id)))
    await db.commit()
    return shown


@app.post("/api/v1/cart/lines", response_model=Cart)
async def add(request: Request, response: Response, line: LineIn) -> JSON:
    cart, is_new = await change_cart(request, line.sku, line.quantity, adding=True)
    if "token" not in request.session:
        request.session["cart_id"] = cart["id"]
    response.status_code = 201 if is_new else 200
    return cart


@app.put("/api/v1/cart/lines/{sku}", response_model=Cart)
async def change(request: Request, response: Response, sku: str, line: QuantityIn) -> JSON:
    cart, is_new = await change_cart(request, sku, line.quantity, adding=False)
    response.status_code = 201 if is_new else 200
    return cart


async def change_cart(
    request: Request, sku: str, quantity: int, *, adding: bool
) -> tuple[JSON, bool]:
    while True:
        try:
            async with new_session() as db, db.begin():
                account_id = await who(request, db)
                cart = await find_cart(request, db, account_id)
                row = await row_of(db, cart, sku)
                lines, is_new = rules.with_units(row, sku, quantity, add=adding)
                if cart is None:
                    if account_id is None:
                        await count_attempts(db, rules.attempt_keys(address(request)))
                    cart = CartRow(id=uuid.uuid4(), account_id=account_id, created_at=now())
                    db.add(cart)
                cart.lines, cart.updated_at = lines, now()
                await db.flush()
                return rules.cart({**row, "id": cart.id}, lines, cart.revision), is_new
        except (StaleDataError, IntegrityError):
            continue


@app.post("/api/v1/session", response_model=LoggedIn)
async def log_in(request: Request, data: LoginIn, agent: Agent = "") -> JSON:
    name, ip = data.username.casefold(), address(request)
    async with new_session() as db, db.begin():
        await count_attempts(db, rules.attempt_keys(ip, name))
        account = await db.scalar(
            select(AccountRow).where(
                (AccountRow.username_key == name) | (AccountRow.email_key == name),
                AccountRow.disabled_at.is_(None),
            )
        )
    known = vars(account) if account else None
    known = dict(await asyncio.to_thread(rules.verify, known, data.password))
    token = rules.new_token()
    async with new_session() as db, db.begin():
        same = await db.scalar(
            select(AccountRow.id)
            .where(
                AccountRow.id == known["id"],
                AccountRow.password_hash == known["password_hash"],
                AccountRow.disabled_at.is_(None),
            )
            .with_for_update(key_share=True)
        )
        if same is None:
            raise Refused(401, "wrong_credentials")
        login = LoginRow(
            token_hash=rules.hash_token(token),
            id=uuid.uuid4(),
            account_id=known["id"],
            created_at=now(),
            last_seen_at=now(),
            idle=timedelta(days=1),
            expires_at=now() + timedelta(days=7),
            user_agent=agent,
            ip=ip,
        )
        db.add_all([login, audit("logged_in", login, ip, agent)])
        cart, merge = await join_carts(request, db, known["id"])
    request.session.clear()
    request.session["token"] = token
    return {"user": rules.user(known), "cart": cart, "merge": merge}


def audit(event: str, login: LoginRow, ip: str, agent: str) -> AuditRow:
    return AuditRow(
        at=now(),
        event=event,
        account_id=login.account_id,
        login_id=login.id,
        ip=ip,
        user_agent=agent,
        request_id=uuid.uuid4().hex,
    )


async def join_carts(
    request: Request, db: AsyncSession, account_id: uuid.UUID
) -> tuple[JSON, JSON | None]:
    ours = await find_cart(request, db, account_id, lock=True)
    guest = await find_cart(request, db, None, lock=True)
    if guest is None:
        return rules.cart(await row_of(db, ours)), None
    theirs = await row_of(db, guest)
    lines, merge = rules.merged(await row_of(db, ours) if ours else None, theirs)
    if ours is None:
        ours = CartRow(id=uuid.uuid4(), account_id=account_id, created_at=now())
        db.add(ours)
    ours.lines, ours.updated_at = lines, now()
    guest.lines, guest.updated_at, guest.merged_at = [], now(), now()
    guest.merged_into = account_id
    await db.flush()
    return rules.cart(await row_of(db, ours)), merge


@app.delete("/api/v1/session", status_code=204)
async def log_out(request: Request, db: Database, agent: Agent = "") -> None:
    token_hash = rules.hash_token(request.session.get("token"))
    login = await db.get(LoginRow, token_hash) if token_hash else None
    if login is not None and login.ended_at is None:
        login.ended_at = now()
        db.add(audit("logged_out", login, address(request), agent))
    await db.commit()
    request.session.clear()


@app.post("/api/v1/orders", status_code=201, response_model=Order)
async def place(
    request: Request, db: Database, data: OrderIn, idempotency_key: Annotated[str, Header()] = ""
) -> Response:
    async with db.begin():
        account_id = await who(request, db)
        if account_id is None:
            raise Refused(401, "unauthenticated")
        cart = await find_cart(request, db, account_id, lock=True)
        fingerprint = hashlib.sha256(f"POST /orders {data.expected_total}".encode()).digest()
        if idempotency_key:
            stored = await db.get(KeyRow, (account_id, idempotency_key))
            if stored is not None and stored.fingerprint != fingerprint:
                raise Refused(422, "idempotency_key_reused")
            if stored is not None:
                return Response(stored.body, 201, media_type="application/json")
        body = await order_cart(db, account_id, cart, data.expected_total)
        if idempotency_key:
            db.add(
                KeyRow(
                    scope=account_id,
                    key=idempotency_key,
                    fingerprint=fingerprint,
                    created_at=now(),
                    status=201,
                    headers={},
                    body=body,
                )
            )
    return Response(body, 201, media_type="application/json")


async def order_cart(
    db: AsyncSession, account_id: uuid.UUID, cart: CartRow | None, expected: int
) -> bytes:
    row = await row_of(db, cart)
    if cart is None or not cart.lines:
        raise Refused(409, "empty_cart")
    shown = rules.cart(row)
    if shown["total"] != expected:
        raise Refused(409, "total_changed")
    units = {line["variant"]: line["quantity"] for line in cart.lines}
    stock = []
    for variant in await db.scalars(
        select(VariantRow)
        .where(VariantRow.id.in_(units))
        .order_by(VariantRow.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ):
        enough = variant.stock is not None and (
            variant.oversell or variant.stock >= units[variant.id]
        )
        stock.append({"id": variant.id, "taken": enough, "stock": variant.stock})
        if enough:
            await db.execute(
                update(VariantRow)
                .where(VariantRow.id == variant.id)
                .values(stock=VariantRow.stock - units[variant.id])
            )
    lines = rules.order_lines(row, stock)
    account = await db.get_one(AccountRow, account_id)
    order = OrderRow(
        number=rules.new_number(),
        account_id=account_id,
        status="placed",
        placed_at=now(),
        currency=shown["currency"],
        total=shown["total"],
        cart_id=cart.id,
        cart_revision=cart.revision + 1,
        contact={"email": account.email},
        lines=[
            OrderLineRow(
                position=place,
                variant_id=line["variant"],
                unit_price=line["price"],
                **{name: line[name] for name in ("sku", "title", "options", "quantity")},
                from_stock=line["from_stock"],
            )
            for place, line in enumerate(lines, 1)
        ],
    )
    told = rules.placed_event(order.number, account_id, row, lines)
    event = EventRow(kind="order.placed", subject=f"order:{order.number}", at=now(), data=told)
    cart.lines, cart.updated_at = [], now()
    db.add_all([order, event])
    await db.flush()
    await db.execute(
        text(
            "insert into deliveries (event_id, webhook_id, subject, due_at)"
            " select :event, id, :subject, now() from webhooks"
            " where :kind = any(kinds) or kinds = '{}'"
        ),
        {"event": event.id, "subject": event.subject, "kind": event.kind},
    )
    return Order.model_validate(rules.order(vars(order), lines)).model_dump_json().encode()


@app.get("/api/v1/orders", response_model=Orders)
async def orders(request: Request, db: Database, limit: Limit = 20) -> JSON:
    account_id = await who(request, db)
    if account_id is None:
        raise Refused(401, "unauthenticated")
    found = await db.scalars(
        select(OrderRow)
        .options(selectinload(OrderRow.lines))
        .where(OrderRow.account_id == account_id)
        .order_by(OrderRow.id.desc())
        .limit(limit)
    )
    shown = [rules.order(vars(each), [vars(line) for line in each.lines]) for each in found]
    await db.commit()
    return {"orders": shown, "next": None}
