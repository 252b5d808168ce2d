"""The OpenAPI document, made from what each view declares with `operation`, and a page to read it.

Start with `document`; `api` serves it.
"""

from .api import init_app
from .document import build_document

__all__ = ["build_document", "init_app"]
