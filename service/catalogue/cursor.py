"""Where a page of the list begins, as an opaque text for the client to send back."""

from __future__ import annotations

import base64
import binascii
import struct

from service.errors import Invalid


def encode_cursor(last: int) -> str:
    """Return the cursor of what comes after the row with this id."""
    key = struct.pack(">q", last)
    # With the checksum 12 bytes, which base64 writes in one way only. It guards against
    # typing errors, not against people: any id is as good as another.
    return base64.urlsafe_b64encode(key + struct.pack(">I", binascii.crc32(key))).decode()


def decode_cursor(cursor: str) -> int:
    """Return the id that `encode_cursor` was given; raises `InvalidCursor`."""
    try:
        last, _ = struct.unpack(">qI", base64.urlsafe_b64decode(cursor))
    except (ValueError, struct.error):
        raise InvalidCursor from None
    if encode_cursor(last) != cursor:
        raise InvalidCursor
    return int(last)


class InvalidCursor(Invalid):
    """A cursor that wasn't given out by `encode_cursor`."""

    def __init__(self) -> None:
        super().__init__("after", "Send the `next` of the page before.", "bad_format")
