from __future__ import annotations


class DevServerError(Exception):
    """The embedded PostgreSQL can't run; the first line says why and what to do.

    Where PostgreSQL itself gave up, the end of its log follows.
    """
