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
from .model import LONGEST_EMAIL, Account, Credentials, UsernameTaken, check_email
from .passwords import Hasher

__all__ = [
    "LONGEST_EMAIL",
    "Account",
    "Credentials",
    "Hasher",
    "UsernameTaken",
    "check_email",
    "create_account",
    "disable",
    "fill_skeletons",
    "import_account",
    "revoke_all_logins",
    "set_password",
]
