"""The owner's shop: its name, its words, its links, its logo and colours, out of one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from service.errors import SettingsError

from .assets import Asset, make_asset

LONGEST_FILE = 1024 * 1024
"""Bytes of the logo, which is kept in memory."""
LOGOS = {".svg", ".png", ".webp", ".jpg", ".jpeg"}

Color = Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$")]
ShopText = Annotated[str, Meta(min_length=1, max_length=500)]


class Link(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A link of the footer: to terms, privacy, contact."""

    text: Annotated[str, Meta(min_length=1, max_length=60)]
    url: Annotated[str, Meta(pattern=r"^(https://|mailto:|/(?!/))[^\s]*$", max_length=500)]


class Colors(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """Colours that replace those of the style sheet, each for light and for dark pages."""

    paper: tuple[Color, Color] | None = None
    card: tuple[Color, Color] | None = None
    ink: tuple[Color, Color] | None = None
    soft: tuple[Color, Color] | None = None
    line: tuple[Color, Color] | None = None
    edge: tuple[Color, Color] | None = None
    green: tuple[Color, Color] | None = None
    on_green: tuple[Color, Color] | None = None
    rust: tuple[Color, Color] | None = None
    done: tuple[Color, Color] | None = None
    warn: tuple[Color, Color] | None = None


class Shop(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the file may say, and what stands where it says nothing."""

    name: Annotated[str, Meta(min_length=1, max_length=60)] = "Locker"
    greeting: ShopText = "Good things, kept for you."
    introduction: ShopText = (
        "Fill your locker, close the tab, come back next week: on this device or another, it is "
        "all still there."
    )
    description: ShopText = (
        "A shop that keeps your cart: fill it, close the tab, come back next week."
    )
    footer: ShopText = (
        "Fill your locker, close the tab, come back next week. It is all still there."
    )
    password_help: Annotated[str, Meta(max_length=500)] = ""
    after_order: ShopText = (
        "We have your order and prepare it. As long as it is not on its way, you can cancel it "
        "here."
    )
    logo: str = ""
    links: Annotated[tuple[Link, ...], Meta(max_length=12)] = ()
    colors: Colors = Colors()


@dataclass(frozen=True, slots=True)
class Brand:
    """The files that a shop brings: its logo and its style, by name."""

    assets: Mapping[str, Asset]


def read_shop(path: str) -> tuple[Shop, Brand]:
    """Return what the file says, with its logo and style by name; raises `SettingsError`."""
    if not path:
        return Shop(), Brand({})
    try:
        shop = msgspec.toml.decode(Path(path).read_bytes(), type=Shop)
        assets = {}
        if shop.logo:
            assets["logo"] = _read_logo(Path(path).parent / shop.logo)
    except (OSError, ValueError) as error:
        # The parser's errors and those of the text's encoding are among these.
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SettingsError(f"LOCKER_SHOP_FILE {path}: {reason}") from None
    if style := _style(shop.colors):
        assets["colors.css"] = make_asset(style.encode(), "colors.css")
    return shop, Brand(assets)


def _read_logo(path: Path) -> Asset:
    if path.suffix.lower() not in LOGOS:
        raise ValueError(f"a logo is one of {', '.join(sorted(LOGOS))}")
    body = path.read_bytes()
    if len(body) > LONGEST_FILE:
        raise ValueError(f"a logo has at most {LONGEST_FILE} bytes")
    return make_asset(body, path.name)


def _style(colors: Colors) -> str:
    chosen = msgspec.to_builtins(colors)
    lines = "".join(
        f"--{name.replace('_', '-')}: light-dark({light}, {dark}); "
        for name, (light, dark) in chosen.items()
    )
    return f":root {{ {lines}}}\n" if lines else ""
