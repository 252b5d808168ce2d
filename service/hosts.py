"""Names of hosts, and paths on them, in the one form in which they can be compared.

``Shop.Example.`` and ``shop.example``, ``[0:0::1]`` and ``[::1]``, ``bücher.example`` and
``xn--bcher-kva.example`` are the same host.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import cache, lru_cache

import idna

AUTHORITY = re.compile(
    r"(?P<host>[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{0,5}))?"
)
"""A host and perhaps a port, and nothing more: what goes into links must not smuggle a path, a
user or a second host (RFC 9112, 3.2)."""

ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#@]+)", re.IGNORECASE)
"""As browsers send it (RFC 6454, 6.2): no path, no user."""

PREFIX_FORM = re.compile(r"(?!.{201})(/(?!\.+(/|$))[A-Za-z0-9._~-]+)+")
"""A path that the service is below: plain parts, none empty or of dots alone; no slash at its
end."""

LARGEST_PORT = 65_535
DEFAULT_PORTS = {"http": 80, "https": 443}

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
LONGEST_NAME = 253


@dataclass(frozen=True, slots=True)
class Authority:
    """A host in its one form, and a port if one was named."""

    host: str
    port: int | None


@lru_cache(maxsize=256)
def read_authority(text: str) -> Authority | None:
    """Return what a ``Host`` header names, or None if it can't be one."""
    form = AUTHORITY.fullmatch(text)
    host = canonical(form["host"]) if form else None
    if form is None or host is None:
        return None
    # An empty port is the default one (RFC 3986, 3.2.3).
    port = int(form["port"]) if form["port"] else None
    return Authority(host, port) if (port or 0) <= LARGEST_PORT else None


def read_origin(text: str) -> str | None:
    """Return an ``Origin`` in its one form, without a default port, or None if it can't be one."""
    form = ORIGIN.fullmatch(text)
    authority = read_authority(form["authority"]) if form else None
    if form is None or authority is None:
        return None
    scheme = form["scheme"].lower()
    port = authority.port or DEFAULT_PORTS[scheme]
    suffix = "" if port == DEFAULT_PORTS[scheme] else f":{port}"
    return f"{scheme}://{authority.host}{suffix}"


def same_origin(origin: str, scheme: str, authority: str) -> bool:
    """Return whether an ``Origin`` is the site that a request was sent to.

    A page that came by http isn't the site that is served by https: anyone on the network can
    write it. The other way round is a proxy that ends TLS and isn't believed.
    """
    form = ORIGIN.fullmatch(origin)
    ours = read_authority(authority)
    theirs = read_authority(form["authority"]) if form else None
    if form is None or ours is None or theirs is None:
        return False
    origin_scheme = form["scheme"].lower()
    default = DEFAULT_PORTS[origin_scheme]
    return (
        ours.host == theirs.host
        and (ours.port or default) == (theirs.port or default)
        and not (scheme == "https" and origin_scheme == "http")
    )


def canonical(host: str) -> str | None:
    """Return the one form of a host written in ASCII, or None if no request can be for it."""
    if host.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(host[1:-1])}]"
        except ValueError:
            return None
    name = host.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        return None
    if _NUMBER.fullmatch(labels[-1]):
        # Clients read a name whose last label is a number as an address (WHATWG URL, 3.5).
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            return None
    return name


def read_pattern(text: str) -> str:
    """Return an allowed host, or ``*.`` and a domain, in its one form.

    Raises `ValueError`, which says what to write, for what no request could match.
    """
    below, name = text.startswith("*."), text.removeprefix("*.")
    if "://" in name or "/" in name or "@" in name:
        raise ValueError("write the host alone, without scheme, path or user")
    if "*" in name:
        raise ValueError("* stands for names below a domain, as in *.shop.example")
    if name.startswith("."):
        raise ValueError(f"write *{name} for the names below it")
    if not name.startswith("[") and name.count(":") > 1:
        raise ValueError(f"write an IPv6 address in brackets, as [{name}]")
    if re.search(r":[0-9]*$", name) and not name.endswith("]"):
        raise ValueError("write it without the port, which is free")
    try:
        ascii_name = name if name.isascii() else idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        raise ValueError("it is no host name") from None
    host = canonical(ascii_name) if AUTHORITY.fullmatch(ascii_name) else None
    if host is None:
        raise ValueError("it is no host name or address")
    if below and (host.startswith("[") or _NUMBER.fullmatch(host.rpartition(".")[2])):
        raise ValueError("an address has no names below it")
    return f"*.{host}" if below else host


def is_own(address: str) -> bool:
    """Return whether an address is a path on the host that it is found on."""
    return address.startswith("/") and not address.startswith("//")


@cache
def _patterns(allowed: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    patterns = [read_pattern(text) for text in allowed]
    names = frozenset(each for each in patterns if not each.startswith("*."))
    return names, tuple(each[1:] for each in patterns if each.startswith("*."))


def is_allowed(authority: str, allowed: tuple[str, ...]) -> bool:
    """Return whether a ``Host`` is among the allowed ones; the port is free."""
    asked = read_authority(authority)
    if asked is None:
        return False
    names, domains = _patterns(allowed)
    return asked.host in names or asked.host.endswith(domains)
