"""The HTML of a description: harmless, and fit to stand on a page below the product's title."""

from __future__ import annotations

import re
from dataclasses import dataclass

import nh3

from .addresses import is_picture

HIGHEST, LOWEST = 2, 6
"""Headings: the page's own is 1."""

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
# These are text and its structure. Nothing reaches beyond the description: no frames from
# elsewhere, no style, class or id that could touch the page around it.
_TAGS = {
    *("p", "div", "br", "hr", *_HEADINGS, "blockquote", "pre"),
    *("ul", "ol", "li", "dl", "dt", "dd", "details", "summary", "figure", "figcaption"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"),
    *("a", "abbr", "b", "code", "em", "i", "s", "small", "strong", "sub", "sup", "u", "img"),
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "img": {"src", "alt", "width", "height"},
}

# A page may have these blocks once, or they mean nothing here; their text must not run together.
_BLOCKS = re.compile(
    r"<(/?)(?:address|article|aside|button|center|fieldset|footer|form|header|hgroup|legend|main"
    r"|nav|section)\b",
    re.IGNORECASE,
)
_EMBEDDED = re.compile(r"<(?:audio|embed|iframe|object|video)\b", re.IGNORECASE)
# The sanitiser writes pictures so: attributes in double quotes, no "<" in a text.
_PICTURE = re.compile(r'<img((?: [a-z]+="[^"]*")*)>')
_HEADING = re.compile(r"<(/?)h([1-6])>")
_SIZE = re.compile(r"[1-9][0-9]{0,4}")


@dataclass(frozen=True, slots=True)
class Description:
    """The HTML, and how many pictures, frames and videos were left out of it."""

    html: str
    left_out: int


def clean(html: str) -> Description:
    """Return the HTML with only harmless tags and attributes left in it.

    Pictures stay where their address is https or a path, and are loaded late; frames and videos
    don't. The headings' levels are moved, so that the first is 2 and none is skipped.
    """
    harmless = _SANITISER.clean(_BLOCKS.sub(r"<\1div", html))
    left_out = sum(' src="' not in found[1] for found in _PICTURE.finditer(harmless))
    left_out += len(_EMBEDDED.findall(html))
    pictured = _PICTURE.sub(_finish_picture, harmless)
    return Description(_HEADING.sub(_Levels(), pictured).strip(), left_out)


def _check(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src" and not is_picture(value):
        return None
    if tag == "img" and name in {"width", "height"} and not _SIZE.fullmatch(value):
        return None
    return value


_SANITISER = nh3.Cleaner(
    tags=_TAGS,
    attributes=_ATTRIBUTES,
    attribute_filter=_check,
    url_schemes={"http", "https", "mailto", "tel"},
)


def _finish_picture(found: re.Match[str]) -> str:
    attributes = found[1]
    if ' src="' not in attributes:
        return ""
    if ' alt="' not in attributes:
        attributes += ' alt=""'
    return f'<img{attributes} loading="lazy">'


class _Levels:
    """Gives each heading the level below the one it belongs to, whatever the numbers are."""

    def __init__(self) -> None:
        self._above: list[int] = []
        self._open: list[int] = []

    def __call__(self, found: re.Match[str]) -> str:
        if found[1]:
            return f"</h{self._open.pop() if self._open else HIGHEST}>"
        number = int(found[2])
        while self._above and self._above[-1] >= number:
            self._above.pop()
        level = min(HIGHEST + len(self._above), LOWEST)
        self._above.append(number)
        self._open.append(level)
        return f"<h{level}>"
