"""The database's address, as hosters hand it out: it works, or what doesn't is named."""

from __future__ import annotations

from urllib.parse import urlsplit

import asyncpg
import pytest

from service.errors import SettingsError
from service.settings import Settings, read_address

HOST = "postgresql://shop:se%2Fcret@db.example"
LEFT_OUT = [
    "channel_binding=prefer",
    "gssencmode=disable",
    "keepalives=1&keepalives_idle=30&keepalives_interval=10&keepalives_count=5",
    "pgbouncer=true&connection_limit=1&pool_timeout=10",
    "schema=public",
    "sslsni=1",
    "client_encoding=utf8",
    "connect_timeout=5",
]
REFUSED = {
    "channel_binding=require": "channel_binding",
    "gssencmode=require": "gssencmode",
    "schema=shop": "schema",
    "hostaddr=192.0.2.1": "hostaddr",
    "ssl=true": "sslmode=require",
    "sslaccept=strict": "sslmode",
    "connect_timeout=soon": "connect_timeout",
    "sslmode=on": "sslmode, which must be one of disable",
    "sslmode=Require": "sslmode",
    "target_session_attrs=master": "target_session_attrs",
    "sslmode=require&ssl_min_protocol_version=1.2": "ssl_min_protocol_version",
    "sslmode=verify-full&sslrootcert=system": "sslrootcert, which must be a file, such as /etc",
    "sslmode=require&sslcert=/nowhere/shop.crt&sslkey=/nowhere/shop.key": "sslcert",
    "sslnegotiation=direct": "sslmode=require",
    "port=none": "postgresql://user",
    "nothing": "postgresql://user",
}


def with_query(url: str, query: str) -> str:
    return f"{url}{'&' if urlsplit(url).query else '?'}{query}"


@pytest.mark.parametrize("query", LEFT_OUT)
async def test_what_is_not_for_the_server_is_left_out(database_url: str, query: str) -> None:
    """Parameters not meant for the server are left out of what it gets, and the address works."""
    address = read_address(with_query(database_url, f"{query}&application_name=shop"))
    db = await asyncpg.connect(address.url)
    assert await db.fetchval("show application_name") == "shop"
    await db.close()


async def test_several_hosts(database_url: str) -> None:
    """Of several hosts the first that answers is taken; each may have its port."""
    one = "host=%2Fnowhere,%2F" if "host=%2F" in database_url else "@127.0.0.1,"
    several = database_url.replace("host=%2F" if "host=%2F" in database_url else "@", one)
    db = await asyncpg.connect(read_address(several).url)
    assert await db.fetchval("select 1") == 1
    await db.close()
    for hosts in ("h1,h2", "h1:5432,h2:5433", "[fe80::1%25eth0]"):
        url = f"postgresql://shop:secret@{hosts}/locker?target_session_attrs=read-write"
        assert read_address(url).url == url


async def test_an_address_in_brackets_among_several_hosts() -> None:
    """Of several hosts one can be an IPv6 address, which most Pythons' `urlsplit` refuses there."""
    address = read_address("postgresql://shop:secret@h1,[2001:db8::1]:5433/locker?sslmode=require")
    assert address.hosts == 2
    assert address.url == (
        "postgresql://shop:secret@/locker?sslmode=require"
        "&host=h1%2C%5B2001%3Adb8%3A%3A1%5D%3A5433&target_session_attrs=primary"
    )
    with pytest.raises(OSError, match=r"\('::1', 1"):
        await asyncpg.connect(read_address("postgresql://shop@127.0.0.1:1,[::1]:1/locker").url)


@pytest.mark.parametrize("hosts", ["h1,[::1", "h1,::1]", "h1,[::1]x", "[[::1],h1", "h1,[]"])
def test_brackets_that_hold_no_address_are_refused(hosts: str) -> None:
    """Among several hosts a bracket that isn't closed, or has more beside it, stops the start."""
    with pytest.raises(ValueError, match="postgresql://user"):
        read_address(f"postgresql://shop:secret@{hosts}/locker")


@pytest.mark.parametrize(
    ("query", "seconds"),
    [("", None), ("connect_timeout=10", 10), ("connect_timeout=1", 2), ("connect_timeout=0", None)],
)
def test_connect_timeout_is_honoured(query: str, seconds: float | None) -> None:
    """`connect_timeout` is read as by libpq: 0 is for ever, and less than 2 is 2."""
    assert read_address(f"{HOST}/shop?{query}".removesuffix("?")).connect_timeout == seconds


@pytest.mark.parametrize(("query", "named"), REFUSED.items())
def test_what_cannot_be_done_is_named(query: str, named: str) -> None:
    """A parameter that can't be honoured is named before the start, with what to write."""
    with pytest.raises(SettingsError) as refusal:
        Settings(
            database_url=f"{HOST}/shop?{query}",
            secret_key="the key of nobody but the tests, 32+",
            allowed_hosts=("localhost",),
        )
    text = str(refusal.value)
    assert "LOCKER_DATABASE_URL" in text
    assert named in text
    assert "cret" not in text


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://shop:pa/ss@db.example/shop",
        "postgresql://db.example:none/shop",
        "postgresql://h1:5432,h2:x/shop",
        "postgresql://h1:0/shop",
        "postgresql://h1:99999/shop",
        "mysql://db.example/shop",
        "db.example/shop",
        "",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    """What is no address of a database is refused with the form that one has."""
    with pytest.raises(ValueError, match="postgresql://user:password@host:port/database"):
        read_address(url)


def test_passwords_and_options_stay_as_they_are() -> None:
    """Passwords and options in a database's address may be percent-encoded, and stay."""
    url = f"{HOST}:6432/shop?sslmode=require&options=-c%20search_path%3Dshop"
    assert read_address(url).url == url
