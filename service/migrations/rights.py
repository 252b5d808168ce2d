"""What the role that serves may do, purges and imports included: no more than that needs.

It owns nothing, so it can change no table, and neither empties one nor writes what happened anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from service.database import Connection
from service.statements import Statement

TURN = "select pg_advisory_xact_lock(hashtextextended('locker migrate', 0))"
"""What changes the schema waits for its turn, in a transaction, with whose end the lock ends."""

ALL = ("select", "insert", "update", "delete")

RIGHTS = {
    "accounts": ALL,
    "attempts": ALL,
    "audit": ("select", "insert", "delete"),
    "carts": ALL,
    "catalogue": ("select",),
    "catalogue_currency": ("select", "insert", "update"),
    "deleted_accounts": ("select", "insert", "delete"),
    "deliveries": ALL,
    "devices": ALL,
    "events": ("select", "insert", "delete"),
    "fulfilments": ("select", "insert"),
    "idempotency_keys": ALL,
    "listed_products": ALL,
    "listed_types": ALL,
    "logins": ALL,
    "migrations": ("select",),
    "order_lines": ("select", "insert", "update"),
    "orders": ("select", "insert", "update"),
    "preferences": ALL,
    "products": ("select", "insert", "update"),
    # To hold its row while a product is written takes the right to change it.
    "search_index": ("select", "update"),
    "variants": ("select", "insert", "update"),
    "vocabulary": ALL,
    "webhooks": ALL,
}
"""By table. What goes with an account's row goes by the rights of the tables' owner."""

READING = (
    "catalogue",
    "listed_products",
    "listed_types",
    "search_index",
    "variants",
    "vocabulary",
)
"""What lists, searches and product types read."""

_ROLE = Statement(
    """
    select quote_ident(rolname) as name, quote_ident(current_schema()) as schema,
        rolsuper or pg_has_role(oid, (
            select tableowner from pg_tables
            where schemaname = current_schema() and tablename = 'migrations'
        ), 'usage') as owner,
        has_schema_privilege(oid, current_schema(), 'usage') as may_look
    from pg_roles where rolname = :role
    """
)
_MISSING = Statement(
    """
    select right_.table_name, right_.privilege
    from unnest(:tables::text[], :privileges::text[]) as right_(table_name, privilege)
    where to_regclass(right_.table_name) is not null
        and not has_table_privilege(to_regclass(right_.table_name), right_.privilege)
    order by 1, 2
    """
)


class NoSuchRole(Exception):
    """The role can't be the one that serves; the message is one line."""


async def grant(db: Connection, role: str) -> None:
    """Let the role do what serving does, and take away what is more; raises `NoSuchRole`.

    In one transaction: what serves meanwhile never has less.
    """
    await _grant(db, role, RIGHTS)


async def grant_reading(db: Connection, role: str) -> None:
    """Let the role read the public catalogue, and nothing else; raises `NoSuchRole`."""
    await _grant(db, role, dict.fromkeys(READING, ("select",)))


async def _grant(db: Connection, role: str, rights: Mapping[str, Sequence[str]]) -> None:
    found = await db.fetchrow(*_ROLE(role=role))
    if found is None:
        raise NoSuchRole(f"there is no role {role}; make it with: create role {role} login")
    if found["owner"]:
        raise NoSuchRole(f"{role} owns the tables, or may act as who does; name another role")
    name = found["name"]
    async with db.transaction():
        await db.execute(TURN)
        if not found["may_look"]:
            await db.execute(f"grant usage on schema {found['schema']} to {name}")
        for table in RIGHTS:
            await db.execute(f"revoke all on {table} from {name}")
            if table in rights:
                await db.execute(f"grant {', '.join(rights[table])} on {table} to {name}")


async def find_missing_rights(db: Connection) -> list[str]:
    """Return what this connection's role may not do and serving does, as "delete from carts"."""
    pairs = [(table, privilege) for table, all_ in RIGHTS.items() for privilege in all_]
    tables, privileges = zip(*pairs, strict=True)
    rows = await db.fetch(*_MISSING(tables=list(tables), privileges=list(privileges)))
    return [f"{row['privilege']} on {row['table_name']}" for row in rows]
