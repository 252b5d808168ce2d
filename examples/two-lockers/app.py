"""A gym has two kinds of lockers: one for this visit, and one that is rented by the year."""

import os
import time
import uuid

from quart import Quart, g, request, session

from quart_locker import PooledConnection, SectionedSessions

app = Quart(__name__)
app.secret_key = os.environ["SECRET_KEY"]
app.config["SECRET_KEY_FALLBACKS"] = os.environ.get("OLD_KEYS", "").split()
SectionedSessions(app, sections=["cart", "preferences"])
db = PooledConnection(app, os.environ["DATABASE_URL"])


@app.before_serving
async def make_table():
    columns = "cart uuid, sku text, quantity int, primary key (cart, sku)"
    await (await db.get()).execute(f"create table if not exists lines ({columns})")


@app.before_request
async def enter():
    g.entered = time.perf_counter()  # every function of this visit finds it, the next one doesn't


@app.after_request
async def leave(response):
    response.headers["Server-Timing"] = f"visit;dur={(time.perf_counter() - g.entered) * 1000:.1f}"
    return response


async def lines(cart):
    return await (await db.get()).fetch("select sku, quantity from lines where cart = $1", cart)


@app.get("/")
async def show():
    cart = await lines(uuid.UUID(session["cart"]["id"])) if "cart" in session else []
    return {"g": sorted(g), "session": dict(session), "cart": dict(map(tuple, cart))}


@app.post("/cart/<sku>")
async def add(sku):
    cart = session.setdefault("cart", {}).setdefault("id", str(uuid.uuid4()))
    added = "on conflict (cart, sku) do update set quantity = lines.quantity + 1"
    statement = f"insert into lines values ($1, $2, 1) {added} returning quantity"
    return {sku: await (await db.get()).fetchval(statement, uuid.UUID(cart), sku)}


@app.post("/preferences/<name>/<value>")
async def prefer(name, value):
    session.setdefault("preferences", {})[name] = value
    return session["preferences"]


@app.post("/login")
async def log_in():
    session["user_id"] = session["username"] = (await request.form)["username"]
    return {"username": session["username"]}


@app.post("/logout")
async def log_out():
    session.pop("user_id", None)
    session.pop("username", None)
    return {}
