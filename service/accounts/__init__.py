"""Accounts. Start with `actions`: registering, logging in and out.

`changes` is what its owner can change about an account, `admin` what an operator can.
"""

from .admin import (
    AccountPage,
    IsOperator,
    create_account,
    delete,
    disable,
    enable,
    find,
    import_account,
    revoke_all_logins,
    set_password,
    set_role,
    show,
)
from .admin_queries import select_known
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
    "AccountPage",
    "Credentials",
    "Hasher",
    "IsOperator",
    "KnownAccount",
    "Role",
    "UsernameTaken",
    "check_email",
    "create_account",
    "delete",
    "disable",
    "enable",
    "fill_skeletons",
    "find",
    "import_account",
    "revoke_all_logins",
    "select_known",
    "set_password",
    "set_role",
    "show",
]
