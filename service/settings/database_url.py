"""The database's address as hosters hand it out, and as asyncpg takes it.

What asyncpg doesn't know it passes on to the server as a setting of the session, which refuses it.
libpq, poolers and other libraries know more: what changes nothing that matters here is left out,
and what would be a promise not kept is refused by its name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

FORM = (
    "must be postgresql://user:password@host:port/database, "
    "with special characters in the password percent-encoded"
)
LEFT_OUT = frozenset(
    {
        # libpq's, of how it looks after a connection
        *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
        *("fallback_application_name", "client_encoding"),
        *("load_balance_hosts", "sslsni", "sslcompression", "gssdelegation"),
        # of poolers and other libraries, for themselves
        *("pgbouncer", "connection_limit", "pool_timeout", "pool_size", "max_conns"),
        *("socket_timeout", "statement_cache_size", "prepareThreshold", "supa", "workaround"),
    }
)
_WEAKER = {"channel_binding": ("disable", "prefer"), "gssencmode": ("disable", "prefer")}
"""Values that ask for what may as well not be."""
_PUBLIC = ("schema", "public")
"""Where tables are anyway."""
_INSTEAD = {
    "channel_binding": "take it out; sslmode=verify-full with sslrootcert makes sure of the server",
    "gssencmode": "take it out, and set sslmode",
    "hostaddr": "write the address as the host",
    "requiressl": "write sslmode=require",
    "require_auth": "take it out, and set sslmode=verify-full",
    "schema": "write options=-csearch_path%3D and the schema's name",
    "search_path": "write options=-csearch_path%3D and the schema's name",
    "ssl": "write sslmode=require",
    "sslaccept": "write sslmode=require or sslmode=verify-full",
}
_CHOICES = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslnegotiation": ("postgres", "direct"),
    "target_session_attrs": (
        "any",
        "primary",
        "standby",
        "read-write",
        "read-only",
        "prefer-standby",
    ),
    "gsslib": ("gssapi", "sspi"),
    "ssl_min_protocol_version": ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
    "ssl_max_protocol_version": ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
}
"""What asyncpg takes, where it takes no other."""
_SURE = {("sslmode", mode) for mode in ("require", "verify-ca", "verify-full")}
_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
"""Where most systems have those that they trust, for an example."""
_AMONG_SEVERAL = re.compile(
    r"(\w+://(?:[^/?#]*@)?)(?=[^/?#]*,)([^/?#@]*\[[^/?#@]*)([^?#]*)(?:\?(.*))?"
)
"""An address in brackets beside other hosts, behind the user and before path and query."""
_IN_BRACKETS = re.compile(r"\[[^\[\]]+\](?::[0-9]*)?")
_PORT = re.compile(r"[0-9]{1,5}")
_LAST_PORT = 65535
_SHORTEST_TIMEOUT = 2
"""Seconds; libpq takes 1 for 2."""


@dataclass(frozen=True, slots=True)
class Address:
    """What to give to asyncpg; ``connect_timeout`` is in seconds, None where nothing is said."""

    url: str
    connect_timeout: float | None
    left_out: tuple[str, ...]
    hosts: int = 1


def read_address(text: str) -> Address:
    """Return the address; raises `ValueError` with what is wrong, which never quotes a value."""
    try:
        parts = urlsplit(_move_hosts(text))
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise ValueError(FORM) from None
    if parts.scheme not in {"postgresql", "postgres"} or not _are_hosts(parts.netloc):
        raise ValueError(FORM)
    timeout, kept, left_out = None, [], []
    for name, value in pairs:
        _check(name, value)
        if name == "connect_timeout":
            timeout = _read_timeout(value)
        elif _changes_nothing(name, value):
            left_out.append(name)
        else:
            kept.append((name, value))
    if ("sslnegotiation", "direct") in kept and not _SURE.intersection(kept):
        raise ValueError("has sslnegotiation=direct, which takes sslmode=require or verify-full")
    hosts = max(parts.netloc.count(","), dict(kept).get("host", "").count(",")) + 1
    if hosts > 1 and "target_session_attrs" not in dict(kept):
        # Of a cluster one is the primary, whichever that is at the moment.
        kept.append(("target_session_attrs", "primary"))
    url = urlunsplit(parts._replace(query=urlencode(kept, quote_via=quote)))
    return Address(url, timeout, tuple(left_out), hosts)


def _move_hosts(text: str) -> str:
    """Return the address with several hosts as its parameter ``host``, if one is in brackets.

    Before the query Python's `urlsplit`, and with it asyncpg, refuses brackets among several since
    its mending of CVE-2024-11168.
    """
    if (found := _AMONG_SEVERAL.fullmatch(text)) is None:
        return text
    start, hosts, path, query = found.groups(default="")
    if not _are_hosts(hosts):
        raise ValueError(FORM)
    moved = urlencode({"host": unquote(hosts)}, quote_via=quote)
    return f"{start}{path}?{query}&{moved}" if query else f"{start}{path}?{moved}"


def _check(name: str, value: str) -> None:
    """Raise `ValueError` for a parameter that can't be done as it says."""
    if name == "port" and not all(map(_is_port, value.split(","))):
        raise ValueError(FORM)
    if name in _CHOICES and value not in _CHOICES[name]:
        raise ValueError(f"has {name}, which must be one of {', '.join(_CHOICES[name])}")
    if name in _FILES and not Path(value).is_file():
        raise ValueError(f"has {name}, which must be a file, such as {CERTIFICATES}")
    if name in _INSTEAD and not _changes_nothing(name, value):
        raise ValueError(f"has {name}, which can't be done as it says: {_INSTEAD[name]}")


def _changes_nothing(name: str, value: str) -> bool:
    return name in LEFT_OUT or value in _WEAKER.get(name, ()) or (name, value) == _PUBLIC


def _are_hosts(netloc: str) -> bool:
    """Return whether these are hosts, several perhaps, each with or without its port."""
    hosts = netloc.rpartition("@")[2]
    for host in hosts.split(",") if hosts else []:
        if ("[" in host or "]" in host) and not _IN_BRACKETS.fullmatch(host):
            return False
        name, colon, port = host.rpartition(":")
        if not colon or port.endswith("]"):
            # An address in brackets has colons of its own, and a percent sign no port.
            continue
        if not name or (port and not _is_port(port)):
            return False
    return True


def _is_port(text: str) -> bool:
    return _PORT.fullmatch(text) is not None and 0 < int(text) <= _LAST_PORT


def _read_timeout(text: str) -> float | None:
    """Return the seconds, None for as long as it takes."""
    if not re.fullmatch("-?[0-9]{1,9}", text):
        raise ValueError("has a connect_timeout that is no number of seconds")
    return max(_SHORTEST_TIMEOUT, int(text)) if int(text) > 0 else None
