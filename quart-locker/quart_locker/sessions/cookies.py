"""One section's cookie: signing it, and reading it without trusting it.

The format is Flask's (``URLSafeTimedSerializer`` over tagged JSON, HMAC key derivation), so
the base section can be shared with a Flask app that has the same key and digest.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer
from itsdangerous.encoding import want_bytes

from .values import tagged_json

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


class _Signer(TimestampSigner):
    """A signer that derives its key once, where itsdangerous does so for each signature."""

    def __init__(self, key: str | bytes, salt: str, digest: Digest, clock: Clock) -> None:
        super().__init__(
            key, salt=salt, key_derivation="hmac", digest_method=getattr(hashlib, digest)
        )
        self._derived = super().derive_key()
        self._clock = clock

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:  # noqa: ARG002
        return self._derived

    def verify_signature(self, value: str | bytes, sig: str | bytes) -> bool:
        # The texts are compared, and not the bytes that they stand for: base64 has several texts
        # for the same bytes, and only one of them is what we sent.
        return hmac.compare_digest(self.get_signature(value), want_bytes(sig))

    def get_timestamp(self) -> int:
        return int(self._clock())


class _Serializer(URLSafeTimedSerializer):
    """A serializer whose one signer is made once."""

    def __init__(self, signer: _Signer) -> None:
        super().__init__(b"", serializer=tagged_json)
        self._signer = signer

    def make_signer(self, salt: str | bytes | None = None) -> TimestampSigner:  # noqa: ARG002
        return self._signer

    def iter_unsigners(self, salt: str | bytes | None = None) -> Iterator[_Signer]:  # noqa: ARG002
        yield self._signer


@dataclass(frozen=True, slots=True)
class Opened:
    """What a genuine cookie held: ``signed`` and ``born`` are seconds since 1970."""

    content: dict[str, Any]
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
        self._serializers = [_Serializer(_Signer(key, salt, digest, clock)) for key in keys]
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
        for number, serializer in enumerate(self._serializers):
            try:
                content, moment = serializer.loads(value, return_timestamp=True)
            except BadData:
                continue
            except (ValueError, TypeError, KeyError, RecursionError):
                # Another program has signed this with our key.
                return "foreign"
            if not isinstance(content, dict) or not isinstance(content.get(BORN, 0), int):
                return "foreign"
            signed = int(moment.timestamp())
            born = content.pop(BORN, signed)
            if not self._in_time(signed, born):
                return "expired"
            return Opened(content, signed, born, old_key=number > 0)
        return "tampered"

    def _in_time(self, signed: int, born: int) -> bool:
        now = int(self._clock())
        return (
            -CLOCK_SKEW <= now - signed <= self._idle
            and -CLOCK_SKEW <= now - born <= self._lifetime
        )

    def sign(self, content: dict[str, Any], born: int) -> str:
        """Return the cookie's value."""
        value = self._serializers[0].dumps({**content, BORN: born})
        return value if isinstance(value, str) else value.decode()
