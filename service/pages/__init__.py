"""What the pages of the shop have in common.

A view is declared with `page` and ends in `render` or `back`; everything else is in the feature's
own ``pages.py``.
"""

from .addresses import KEPT, origin
from .assets import static_url
from .context import LOCALES, PageContext, current_page_context
from .counter import CounterPage, init_counter
from .errors import error_page
from .formats import device as name_device
from .forms import SentForm, field_errors, new_key, page, receive_form
from .links import back, local_path
from .messages import Remedy, flash, keep_receipt, keep_secret, keep_until_shown, take_secret
from .rendering import HTML, init_app, is_first_visit, render, share

__all__ = [
    "HTML",
    "KEPT",
    "LOCALES",
    "CounterPage",
    "PageContext",
    "Remedy",
    "SentForm",
    "back",
    "current_page_context",
    "error_page",
    "field_errors",
    "flash",
    "init_app",
    "init_counter",
    "is_first_visit",
    "keep_receipt",
    "keep_secret",
    "keep_until_shown",
    "local_path",
    "name_device",
    "new_key",
    "origin",
    "page",
    "receive_form",
    "render",
    "share",
    "static_url",
    "take_secret",
]
