"""Accounts. Start with `actions`: registering, logging in and out.

`changes` is what its owner can change about an account, `admin` what an operator can.
"""

from .admin import (
    create_account,
    disable,
    import_account,
    revoke_all_logins,
    set_password,
)
from .lookalikes import fill_skeletons
from .model import Account, Credentials, UsernameTaken
from .passwords import Hasher

__all__ = [
    "Account",
    "Credentials",
    "Hasher",
    "UsernameTaken",
    "create_account",
    "disable",
    "fill_skeletons",
    "import_account",
    "revoke_all_logins",
    "set_password",
]
