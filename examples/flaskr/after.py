"""The same blog on Quart, with a pooled connection in `g.db` and the session in sections."""

import asyncio
import functools
import os

import asyncpg
from quart import (
    Blueprint,
    Quart,
    abort,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from werkzeug.security import check_password_hash, generate_password_hash

from quart_locker import PooledConnection, SectionedSessions

SCHEMA = """
create table if not exists users (
    id int generated always as identity primary key, username text unique not null,
    password text not null
);
create table if not exists posts (
    id int generated always as identity primary key, author_id int not null, title text not null,
    body text not null
);
"""


connection = PooledConnection()
get_db = connection.get

# Messages have a cookie of their own: a flash can't undo a login that is answered beside it.
sessions = SectionedSessions(sections=["_flashes"])


bp = Blueprint("flaskr", __name__)


@bp.before_app_request
async def load_logged_in_user():
    user_id, db = session.get("user_id"), await get_db()
    g.user = user_id and await db.fetchrow("select * from users where id = $1", user_id)


def login_required(view):
    @functools.wraps(view)
    async def wrapped(**kwargs):
        if g.user is None:
            return redirect(url_for(".log_in"))
        return await view(**kwargs)

    return wrapped


@bp.route("/register", methods=["GET", "POST"])
async def register():
    if request.method == "POST":
        form = await request.form
        hashed = await asyncio.to_thread(generate_password_hash, form["password"])
        db = await get_db()
        try:
            await db.execute(
                "insert into users (username, password) values ($1, $2)",
                form["username"],
                hashed,
            )
        except asyncpg.UniqueViolationError:
            await flash(f"{form['username']} is already registered.")
        else:
            return redirect(url_for(".log_in"))
    return await render_template("credentials.html", title="Register")


@bp.route("/login", methods=["GET", "POST"])
async def log_in():
    if request.method == "POST":
        form = await request.form
        user = await (await get_db()).fetchrow(
            "select * from users where username = $1", form["username"]
        )
        if user and await asyncio.to_thread(
            check_password_hash, user["password"], form["password"]
        ):
            session.clear()
            session["user_id"] = user["id"]
            return redirect(url_for(".index"))
        await flash("Wrong user name or password.")
    return await render_template("credentials.html", title="Log in")


@bp.get("/logout")
async def log_out():
    session.clear()
    return redirect(url_for(".index"))


@bp.get("/")
async def index():
    posts = await (await get_db()).fetch(
        "select title, body, username from posts join users on users.id = author_id "
        "order by posts.id desc"
    )
    return await render_template("index.html", posts=posts)


@bp.route("/create", methods=["GET", "POST"])
@login_required
async def create():
    if request.method == "POST":
        form = await request.form
        if not form["title"]:
            abort(400)
        db = await get_db()
        await db.execute(
            "insert into posts (author_id, title, body) values ($1, $2, $3)",
            g.user["id"],
            form["title"],
            form["body"],
        )
        return redirect(url_for(".index"))
    return await render_template("create.html")


def create_app():
    app = Quart(__name__)
    app.config.from_mapping(SECRET_KEY=os.environ["SECRET_KEY"])
    sessions.init_app(app)
    connection.init_app(app, os.environ["DATABASE_URL"])
    app.register_blueprint(bp)

    @app.before_serving
    async def make_tables():
        await (await get_db()).execute(SCHEMA)

    return app
