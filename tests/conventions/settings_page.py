"""``docs/settings.md``, made from the settings, by `written`."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, get_args, get_origin, get_type_hints

from service.settings import PREFIX, Limit, Settings
from tests.support.keys import KEY
from tests.support.serving import ROOT, environment

PAGE = ROOT / "docs" / "settings.md"
GROUPS = {
    "environment": "What is needed",
    "secure_cookies": "In front of it",
    "pool_min": "The database",
    "session_digest": "Sessions and logins",
    "password_min": "Passwords and guessing",
    "event_days": "Telling other systems",
    "cart_merge": "Carts",
    "max_body": "Limits of a request and a connection",
    "currency": "The shop",
    "drain_time": "Running it",
}
"""The first setting of each group, in the order of the code, and the group's heading."""
HEAD = (
    "# Settings\n\n"
    "All are environment variables; `LOCKER_X_FILE` names a file to read `LOCKER_X` from, as "
    "secrets are mounted in containers. Production needs the database's address, a secret key and "
    "the host names, and nothing else. `make run` sets what development needs. A missing or weak "
    "setting stops the start with a line that says what to set, and `locker doctor` lists all "
    "that is wrong at once.\n\n"
    "Booleans are `on` or `off` (`true`, `false`, `1` and `0` as well), lists are "
    "comma-separated, limits are `count/seconds`, such as `60/3600`, or `off`.\n\n"
    "This page is written by `make docs` from `service/settings/model.py`.\n"
)
DEFAULTS = environment(
    Settings(
        database_url="postgresql://needed",
        secret_key=KEY,
        allowed_hosts=("needed",),
    )
)
TABLE = "\n| Variable | What it is | Default |\n|---|---|---|\n"


def render() -> str:
    """Return the page."""
    kinds = get_type_hints(Settings, {"Literal": Literal, "Limit": Limit})
    page = HEAD
    for field in dataclasses.fields(Settings):
        if heading := GROUPS.get(field.name):
            page += f"\n## {heading}\n{TABLE}"
        page += _row(field, kinds[field.name]) + "\n"
    return page + (
        f"\n## For the tests alone\n{TABLE}| `{PREFIX}TEST_DATABASE_URL` | "
        "a PostgreSQL whose role may create databases | one of their own |\n"
    )


def _row(field: dataclasses.Field[Any], kind: Any) -> str:
    name = f"{PREFIX}{field.name.upper()}"
    default = f"`{DEFAULTS[name]}`" if DEFAULTS.get(name) else "none"
    if field.default is dataclasses.MISSING:
        default = "needed"
    doc = field.metadata["doc"]
    if get_origin(kind) is Literal and not all(f"`{each}`" in doc for each in get_args(kind)):
        doc += "; one of " + ", ".join(f"`{each}`" for each in get_args(kind))
    return f"| `{name}` | {doc} | {default} |"
