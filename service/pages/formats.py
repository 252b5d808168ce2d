"""Money and dates as the shopper writes them. The texts stay English."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, get_currency_precision
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from .context import PageContext

_HEADING = re.compile(r"<h([2-6])\b")
_TAG = re.compile(r"(</?)h([2-6])(\b)")

# The order matters: each browser also claims to be those below it.
BROWSERS = {
    "Firefox/": "Firefox",
    "Edg/": "Edge",
    "OPR/": "Opera",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
    "curl/": "curl",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "Mac",
    "CrOS": "Chromebook",
    "Linux": "Linux",
}


def _locale(context: Context) -> Locale:
    shopper = context.get("shopper") or PageContext()
    assert isinstance(shopper, PageContext)  # noqa: S101 - for the type checker
    return shopper.formats


@pass_context
def money(context: Context, amount: int, currency: str) -> str:
    """Return an amount in minor units with its currency."""
    value = Decimal(amount).scaleb(-get_currency_precision(currency))
    return format_currency(value, currency, locale=_locale(context))


@pass_context
def day(context: Context, moment: datetime) -> Markup:
    """Return the day in UTC, as `moment` does."""
    return _time(moment, format_date(moment, "medium", locale=_locale(context)))


@pass_context
def moment(context: Context, moment: datetime) -> Markup:
    """Return day and time in UTC, which the script writes in the shopper's own time zone."""
    text = format_datetime(moment, "medium", locale=_locale(context))
    return _time(moment, f"{text} UTC", exact=True)


def below_title(html: str) -> str:
    """Return the HTML with its headings below the page's own: no level is skipped (WCAG 1.3.1)."""
    levels = sorted(set(_HEADING.findall(html)))
    before = 1

    def move(tag: re.Match[str]) -> str:
        nonlocal before
        if tag[1] == "<":
            before = min(levels.index(tag[2]) + 2, before + 1)
        return f"{tag[1]}h{before}{tag[3]}"

    return _TAG.sub(move, html)


def device(user_agent: str) -> str:
    """Return what a person would call the browser of a ``User-Agent``."""
    browser = _first(user_agent, BROWSERS)
    system = _first(user_agent, SYSTEMS)
    return " on ".join(filter(None, (browser, system))) or user_agent[:40] or "Unknown device"


def _first(user_agent: str, names: dict[str, str]) -> str:
    return next((name for mark, name in names.items() if mark in user_agent), "")


def _time(moment: datetime, text: str, *, exact: bool = False) -> Markup:
    return Markup('<time datetime="{}"{}>{}</time>').format(
        moment.isoformat(), Markup(" data-exact") if exact else "", escape(text)
    )
