"""One section's cookie: signing it, and reading it without trusting it.

The format is Flask's (itsdangerous' ``URLSafeTimedSerializer`` over tagged JSON, HMAC key
derivation), so the base section can be shared with a Flask app that has the same key and digest.
"""

from __future__ import annotations

import hmac
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from itsdangerous import BadData
from itsdangerous.encoding import base64_decode, base64_encode, bytes_to_int, int_to_bytes

from .values import read, write

Clock: TypeAlias = "Callable[[], float]"
"""Says the time, in seconds since 1970."""

Digest: TypeAlias = Literal["sha256", "sha1"]
"""Of the signature; SHA-1 is Flask's own."""

Refusal: TypeAlias = Literal["too_long", "tampered", "foreign", "expired"]
"""Why a cookie counts for nothing. A key that is gone makes it look tampered with; foreign is what
another program has signed with our key."""

BROWSER_LIMIT = 4093
"""Bytes of ``name=value; attributes`` that every browser keeps (RFC 6265, section 6.1, less
the three that some count extra)."""

BORN = "_born"
"""Where a section keeps when it was first made, in seconds since 1970."""

CLOCK_SKEW = 300
"""Seconds by which another host's clock may be ahead of ours."""


MALFORMED = (BadData, zlib.error, struct.error, ValueError, TypeError, KeyError, RecursionError)
"""How it shows that something isn't what it should be, where the signature is right."""


class SigningKey:
    """What a key signs with: itsdangerous derives it for each signature, and here it is once."""

    def __init__(self, key: str | bytes, salt: str, digest: Digest) -> None:
        secret = key.encode() if isinstance(key, str) else key
        self._derived = hmac.digest(secret, salt.encode(), digest)
        self._digest = digest

    def signature(self, content: bytes) -> bytes:
        return base64_encode(hmac.digest(self._derived, content, self._digest))


@dataclass(frozen=True, slots=True)
class Opened:
    """What a genuine cookie held: ``signed`` and ``born`` are seconds since 1970.

    ``text`` is what was signed, which holds the ``content`` and perhaps its age.
    """

    content: dict[str, Any]
    text: str
    signed: int
    born: int
    old_key: bool


class SectionCookie:
    """Signs and reads the cookie of one section, under the current key and older ones."""

    def __init__(
        self,
        name: str,
        salt: str,
        keys: Sequence[str | bytes],
        digest: Digest,
        *,
        idle: int,
        lifetime: int,
        clock: Clock,
    ) -> None:
        self.name = name
        self._keys = [SigningKey(key, salt, digest) for key in keys]
        self._idle = idle
        self._lifetime = lifetime
        self._clock = clock

    def open(self, value: str) -> Opened | None:
        """Return the content of a cookie that is genuine and not past its time, else None.

        Tampered, truncated, foreign, expired and oversized cookies all come out as None:
        the client that sent one isn't told why.
        """
        found = self.examine(value)
        return found if isinstance(found, Opened) else None

    def examine(self, value: str) -> Opened | Refusal:
        """Return what `open` does, or why not; that isn't for the client to know."""
        if len(value) > BROWSER_LIMIT:
            return "too_long"
        signed, _, signature = value.encode(errors="replace").rpartition(b".")
        for number, key in enumerate(self._keys):
            # The texts are compared, and not the bytes that they stand for: base64 has several
            # texts for the same bytes, and only one of them is what we sent.
            if hmac.compare_digest(key.signature(signed), signature):
                return self._read(signed, old_key=number > 0)
        return "tampered"

    def _read(self, signed: bytes, *, old_key: bool) -> Opened | Refusal:
        packed, _, moment = signed.rpartition(b".")
        try:
            at = bytes_to_int(base64_decode(moment))
            text = unpack_text(packed)
            content = read(text)
        except MALFORMED:
            # Another program has signed this with our key.
            return "foreign"
        if not isinstance(content, dict) or not isinstance(content.get(BORN, 0), int):
            return "foreign"
        born = content.pop(BORN, at)
        if not self._in_time(at, born):
            return "expired"
        return Opened(content, text, at, born, old_key)

    def _in_time(self, signed: int, born: int) -> bool:
        now = int(self._clock())
        return (
            -CLOCK_SKEW <= now - signed <= self._idle
            and -CLOCK_SKEW <= now - born <= self._lifetime
        )

    def sign(self, content: dict[str, Any], born: int) -> str:
        """Return the cookie's value."""
        return self.sign_text(write({**content, BORN: born}))

    def sign_text(self, text: str) -> str:
        """Return the value of a cookie with what was written already."""
        signed = pack_text(text) + b"." + base64_encode(int_to_bytes(int(self._clock())))
        return (signed + b"." + self._keys[0].signature(signed)).decode()


def pack_text(text: str) -> bytes:
    """Return a text as it travels: a dot says that it is compressed."""
    plain = text.encode()
    compressed = zlib.compress(plain)
    if len(compressed) < len(plain) - 1:
        return b"." + base64_encode(compressed)
    return base64_encode(plain)


def unpack_text(packed: bytes) -> str:
    """Return a text that has travelled; raises one of `MALFORMED`."""
    if packed.startswith(b"."):
        return zlib.decompress(base64_decode(packed[1:])).decode()
    return base64_decode(packed).decode()
