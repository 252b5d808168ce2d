"""The role that serves: the tests' services have its rights, and not those of the tables' owner."""

from __future__ import annotations

import dataclasses
from urllib.parse import parse_qs, urlsplit

import asyncpg

from service.settings import Settings
from tests.support.databases import with_database

SERVING_ROLE = "locker_service"


async def make_serving_role(server_url: str) -> None:
    """Make the role, which the tests' own role may act as; on a server that we run ourselves.

    Of tables that tests make for themselves it has the rows; of the service's what it is granted.
    """
    superuser = with_database(server_url, "template1").replace("//locker@", "//postgres@")
    db = await asyncpg.connect(superuser)
    await db.execute(
        f"create role {SERVING_ROLE}; grant {SERVING_ROLE} to locker;"
        "alter default privileges for role locker "
        f"grant select, insert, update, delete on tables to {SERVING_ROLE}"
    )
    await db.close()


def as_serving_role(server_url: str, settings: Settings) -> Settings:
    """Return settings that act as the role, if they are for this server."""
    here, there = (
        parse_qs(urlsplit(url).query).get("host") for url in (server_url, settings.database_url)
    )
    if here is None or here != there:
        return settings
    url = f"{settings.database_url}&options=-crole%3D{SERVING_ROLE}"
    return dataclasses.replace(settings, database_url=url)
