"""Accounts. Start with `actions`: registering, logging in and out.

`changes` is what its owner can change about an account, `admin` what an operator can.
"""

from .admin import (
    create_account,
    disable,
    enable,
    import_account,
    revoke_all_logins,
    set_password,
    set_role,
)
from .admin_queries import select_known, select_page
from .lookalikes import fill_skeletons
from .model import (
    LONGEST_EMAIL,
    Account,
    Credentials,
    KnownAccount,
    Role,
    UsernameTaken,
    check_email,
)
from .passwords import Hasher

__all__ = [
    "LONGEST_EMAIL",
    "Account",
    "Credentials",
    "Hasher",
    "KnownAccount",
    "Role",
    "UsernameTaken",
    "check_email",
    "create_account",
    "disable",
    "enable",
    "fill_skeletons",
    "import_account",
    "revoke_all_logins",
    "select_known",
    "select_page",
    "set_password",
    "set_role",
]
