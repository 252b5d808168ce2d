"""quart-auth's interface (`current_user`, `login_required` …) on the session, not beside it."""

from .extension import (
    SAFE_METHODS,
    SessionAuth,
    Shopper,
    account_id,
    check_token,
    claim,
    forget_login,
    source,
)

__all__ = [
    "SAFE_METHODS",
    "SessionAuth",
    "Shopper",
    "account_id",
    "check_token",
    "claim",
    "forget_login",
    "source",
]
