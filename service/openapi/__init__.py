"""The OpenAPI document, made from what each view declares with `operation`, and a page to read it.

Start with `document`; `api` serves it.
"""

from .api import init_app

__all__ = ["init_app"]
