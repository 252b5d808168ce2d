"""Logins and tokens: the table `logins`, and who a request says it comes from.

Start with `model.PresentedLogin`. `LOGIN` is the check that stands in front of other features'
statements, and `extension` is quart-auth's interface (`current_user`, `login_required` …) on it.
"""

from .actions import (
    issue_token,
    make_token,
    revoke_one,
    revoke_others,
    revoke_presented,
    revoke_token,
)
from .caller import (
    checked_token,
    current_account_id,
    forget_presented_login,
    presented_login,
)
from .devices import MOST_DEVICES, Device
from .extension import CurrentUser, SessionAuth, forget_login
from .model import (
    LONGEST_LABEL,
    LONGEST_LIFE,
    NOT_VALID,
    IssuedToken,
    KnownDevice,
    Login,
    NewLogin,
    NewToken,
    NoOperator,
    PresentedLogin,
    StartedLogin,
    Token,
    TokenExists,
    TokenLimit,
)
from .queries import (
    JUST_LOGGED_OUT,
    LOGIN,
    select_devices,
    select_login,
    select_logins,
    select_operator,
    session_lasts,
)
from .revoke_queries import revoke_all
from .start_queries import (
    LOCK_PREVIOUS_CTE,
    LoginStart,
    renew_login,
    select_new_devices,
    start_login_cte,
    start_without_password,
)
from .token_queries import revoke_operators_tokens, select_issued, select_tokens
from .tokens import Scope, hash_token, new_api_token, new_token

__all__ = [
    "JUST_LOGGED_OUT",
    "LOCK_PREVIOUS_CTE",
    "LOGIN",
    "LONGEST_LABEL",
    "LONGEST_LIFE",
    "MOST_DEVICES",
    "NOT_VALID",
    "CurrentUser",
    "Device",
    "IssuedToken",
    "KnownDevice",
    "Login",
    "LoginStart",
    "NewLogin",
    "NewToken",
    "NoOperator",
    "PresentedLogin",
    "Scope",
    "SessionAuth",
    "StartedLogin",
    "Token",
    "TokenExists",
    "TokenLimit",
    "checked_token",
    "current_account_id",
    "forget_login",
    "forget_presented_login",
    "hash_token",
    "issue_token",
    "make_token",
    "new_api_token",
    "new_token",
    "presented_login",
    "renew_login",
    "revoke_all",
    "revoke_one",
    "revoke_operators_tokens",
    "revoke_others",
    "revoke_presented",
    "revoke_token",
    "select_devices",
    "select_issued",
    "select_login",
    "select_logins",
    "select_new_devices",
    "select_operator",
    "select_tokens",
    "session_lasts",
    "start_login_cte",
    "start_without_password",
]
