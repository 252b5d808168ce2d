"""A blog of the kind that one writes to learn Flask: users, posts, `g.db`, `session`."""

import functools
import os
import sqlite3

from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from werkzeug.security import check_password_hash, generate_password_hash

SCHEMA = """
create table if not exists users (
    id integer primary key autoincrement, username text unique not null, password text not null
);
create table if not exists posts (
    id integer primary key autoincrement, author_id integer not null, title text not null,
    body text not null
);
"""


def get_db():
    if "db" not in g:
        g.db = sqlite3.connect(current_app.config["DATABASE"])
        g.db.row_factory = sqlite3.Row
    return g.db


def close_db(_=None):
    db = g.pop("db", None)
    if db is not None:
        db.close()


bp = Blueprint("flaskr", __name__)


@bp.before_app_request
def load_logged_in_user():
    user_id = session.get("user_id")
    g.user = user_id and get_db().execute("select * from users where id = ?", (user_id,)).fetchone()


def login_required(view):
    @functools.wraps(view)
    def wrapped(**kwargs):
        if g.user is None:
            return redirect(url_for(".log_in"))
        return view(**kwargs)

    return wrapped


@bp.route("/register", methods=["GET", "POST"])
def register():
    if request.method == "POST":
        form = request.form
        db = get_db()
        try:
            db.execute(
                "insert into users (username, password) values (?, ?)",
                (form["username"], generate_password_hash(form["password"])),
            )
            db.commit()
        except sqlite3.IntegrityError:
            flash(f"{form['username']} is already registered.")
        else:
            return redirect(url_for(".log_in"))
    return render_template("credentials.html", title="Register")


@bp.route("/login", methods=["GET", "POST"])
def log_in():
    if request.method == "POST":
        form = request.form
        user = (
            get_db()
            .execute("select * from users where username = ?", (form["username"],))
            .fetchone()
        )
        if user and check_password_hash(user["password"], form["password"]):
            session.clear()
            session["user_id"] = user["id"]
            return redirect(url_for(".index"))
        flash("Wrong user name or password.")
    return render_template("credentials.html", title="Log in")


@bp.get("/logout")
def log_out():
    session.clear()
    return redirect(url_for(".index"))


@bp.get("/")
def index():
    posts = (
        get_db()
        .execute(
            "select title, body, username from posts join users on users.id = author_id "
            "order by posts.id desc"
        )
        .fetchall()
    )
    return render_template("index.html", posts=posts)


@bp.route("/create", methods=["GET", "POST"])
@login_required
def create():
    if request.method == "POST":
        form = request.form
        if not form["title"]:
            abort(400)
        db = get_db()
        db.execute(
            "insert into posts (author_id, title, body) values (?, ?, ?)",
            (g.user["id"], form["title"], form["body"]),
        )
        db.commit()
        return redirect(url_for(".index"))
    return render_template("create.html")


def create_app():
    app = Flask(__name__)
    app.config.from_mapping(SECRET_KEY=os.environ["SECRET_KEY"], DATABASE=os.environ["DATABASE"])
    app.teardown_appcontext(close_db)
    app.register_blueprint(bp)
    with app.app_context():
        get_db().executescript(SCHEMA)
    return app
