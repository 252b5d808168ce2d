"""quart-auth on top of the session: `login_required`, `current_user`, and logins that end."""

import asyncio
import os
import secrets

from asyncpg import UniqueViolationError
from quart import Quart, abort, request, session
from quart_auth import AuthUser, QuartAuth, current_user, login_required, login_user, logout_user
from werkzeug.security import check_password_hash, generate_password_hash

from quart_locker import PooledConnection, SectionedSessions

SCHEMA = """
    create table if not exists users (username text primary key, password text not null);
    create table if not exists logins (token text primary key, username text not null);
"""
NOBODYS = generate_password_hash(secrets.token_hex())  # so that an unknown name takes as long

db = PooledConnection()
sessions = SectionedSessions(sections=["cart"])


class User(AuthUser):
    """Whom the session names. Its signature says that we wrote it, the row that it still holds."""

    @property
    async def is_authenticated(self):
        row = "select from logins where token = $1 and username = $2"
        found = await (await db.get()).fetchrow(row, session.get("login"), self.auth_id)
        return found is not None


class SessionAuth(QuartAuth):
    """quart-auth with its state in the session, where its own cookie would last a year."""

    def resolve_user(self):
        return User(session.get("user_id"))

    def login_user(self, user):
        super().login_user(user)
        session["user_id"] = session["username"] = user.auth_id

    def logout_user(self):
        super().logout_user()
        for key in ("user_id", "username", "login"):
            session.pop(key, None)

    async def after_request(self, response):
        return response


def create_app():
    app = Quart(__name__)
    app.secret_key = os.environ["SECRET_KEY"]
    sessions.init_app(app)
    db.init_app(app, os.environ["DATABASE_URL"])
    SessionAuth(app)

    @app.before_serving
    async def make_tables():
        await (await db.get()).execute(SCHEMA)

    @app.post("/register")
    async def register():
        form = await request.form
        password = await asyncio.to_thread(generate_password_hash, form["password"])
        try:
            users = "insert into users values ($1, $2)"
            await (await db.get()).execute(users, form["username"], password)
        except UniqueViolationError:
            abort(409)
        return {"username": form["username"]}

    @app.post("/login")
    async def log_in():
        form = await request.form
        stored = await (await db.get()).fetchval(
            "select password from users where username = $1", form["username"]
        )
        db.release()  # nobody waits for a connection while a password is hashed
        if not await asyncio.to_thread(check_password_hash, stored or NOBODYS, form["password"]):
            abort(401)
        login_user(User(form["username"]))
        session["login"] = secrets.token_urlsafe()
        logins = "insert into logins values ($1, $2)"
        await (await db.get()).execute(logins, session["login"], form["username"])
        return {"username": session["username"]}

    @app.post("/logout")
    async def log_out():
        await (await db.get()).execute("delete from logins where token = $1", session.get("login"))
        logout_user()
        return {}

    @app.get("/account")
    @login_required
    async def account():
        return {"username": current_user.auth_id}

    return app
