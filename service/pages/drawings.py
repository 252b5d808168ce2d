"""Drawings that stand in for a picture where a product has none."""

from __future__ import annotations

import re
import zlib
from itertools import pairwise

from .assets import FILES, static_url

FOLDER, EXTENSION = "drawings/", ".svg"
OTHERWISE = "parcel"

TINTS = 6
"""Backgrounds in the style sheet, ``tint-0`` and so on."""

_MOTIFS = {
    name.removeprefix(FOLDER).removesuffix(EXTENSION) for name in FILES if name.startswith(FOLDER)
}
_WORDS = re.compile(r"[a-z]+")
_ALIKE = {
    "backpacks": "backpack", "bag": "sleeping", "bags": "tote", "bivvy": "tent",
    "bottles": "bottle",
    "bowl": "fire", "can": "watering", "cast": "skillet", "clothing": "shirt", "dry": "drybag",
    "filter": "bottle", "footprint": "mat", "garden": "trowel", "hour": "compass",
    "kitchen": "pot", "lamp": "lantern", "lighting": "lantern", "pillow": "pillow",
    "resoling": "boots", "services": "compass", "set": "pot", "shoes": "boots", "tents": "tent",
    "tools": "hatchet",
}  # fmt: skip


def drawing(handle: str, kind: str = "") -> dict[str, str]:
    """Return the URL of the drawing nearest to a product, and the tint of its background.

    The words of its handle decide, the last first (a *tent* bag is a bag), then those of its type.
    A dry bag is no sleeping bag: the two words before one.
    """
    parts = _WORDS.findall(handle.lower())
    pairs = ["".join(pair) for pair in pairwise(parts)]
    words = [*reversed(pairs), *reversed(parts), *_WORDS.findall(kind.lower())]
    named = (word if word in _MOTIFS else _ALIKE.get(word) for word in words)
    motif = next((name for name in named if name in _MOTIFS), OTHERWISE)
    return {
        "url": static_url(f"{FOLDER}{motif}{EXTENSION}"),
        "tint": f"tint-{zlib.crc32(handle.encode()) % TINTS}",
    }
