"""quart-auth's interface (`current_user`, `login_required` …) on the session, not beside it."""

from .extension import SessionAuth, Shopper, check_token, claim

__all__ = ["SessionAuth", "Shopper", "check_token", "claim"]
