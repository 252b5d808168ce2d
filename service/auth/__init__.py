"""quart-auth on top of the session: its `current_user`, `login_required`, `login_user` and
`logout_user`, with no cookie of its own.
"""

from .extension import SessionAuth, Shopper, check_token, claim

__all__ = ["SessionAuth", "Shopper", "check_token", "claim"]
