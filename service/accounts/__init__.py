"""Accounts. Start with `actions`: registering, logging in and out.

`owner` is what its owner can change about an account, `operators` what an operator can.
"""

from .lookalikes import fill_skeletons
from .model import Account, Credentials, UsernameTaken
from .operators import (
    change_password,
    create_account,
    disable,
    end_all_logins,
    import_account,
)
from .passwords import Hasher

__all__ = [
    "Account",
    "Credentials",
    "Hasher",
    "UsernameTaken",
    "change_password",
    "create_account",
    "disable",
    "end_all_logins",
    "fill_skeletons",
    "import_account",
]
