"""Accounts: registering, logging in and out. Start with `actions`."""

from .actions import change_password, create_account, disable, end_all_logins
from .model import Account
from .passwords import Hasher

__all__ = [
    "Account",
    "Hasher",
    "change_password",
    "create_account",
    "disable",
    "end_all_logins",
]
