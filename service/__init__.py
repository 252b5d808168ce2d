"""Locker keeps a shop's login, cart and preferences.

Start reading at `app.create_app`, the wiring; then `database`, which is about ``g``, and
`sessions`, which is about ``session``. Each feature is a package with the same few files.
"""

from .app import create_app

__all__ = ["create_app"]
