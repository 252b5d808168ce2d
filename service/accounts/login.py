"""A log in: what it takes over from its browser, how long it lasts, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from service import carts
from service.audit import Source
from service.carts import CartOwner, LoadedCart, MergedLine
from service.logins import Device, NewToken, Token
from service.preferences import Choices
from service.settings import Settings
from service.throttling import network

from .model import Account
from .waiting import Holder


@dataclass(frozen=True, slots=True)
class Browser:
    """What a login takes over from the browser it comes from."""

    cart_owner: CartOwner
    username: str | None
    choices: Choices
    source: Source
    device: Device | None

    @property
    def holder(self) -> Holder:
        """Who it is in the line before the hasher."""
        if self.device:
            return Holder(str(self.device.account_id), known=True)
        return Holder(network(self.source.ip))


@dataclass(frozen=True, slots=True)
class LoginPolicy:
    """How long a login lasts, and how the guest's cart joins the account's.

    An app gets the ``token`` for a program in place of a login for a browser.
    """

    idle: timedelta
    lifetime: timedelta
    cart: carts.CartPolicy
    token: NewToken | None = None

    @classmethod
    def of(
        cls,
        settings: Settings,
        cart: carts.CartPolicy,
        *,
        remember: bool,
        token: NewToken | None = None,
    ) -> LoginPolicy:
        idle, lifetime = (
            (settings.remember_idle, settings.remember_lifetime)
            if remember
            else (settings.login_idle, settings.login_lifetime)
        )
        return cls(timedelta(seconds=idle), timedelta(seconds=lifetime), cart, token)


@dataclass(frozen=True, slots=True)
class BrowserLogin:
    """What goes into the browser's session and nowhere else: the login's token, the device.

    ``used_before`` is when the account was logged in to on this device before, if it was.
    """

    token: str
    device: Device
    used_before: datetime | None


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A token for a program, and its ``text``, which is shown once."""

    token: Token
    text: str


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A login that has begun: for a browser with a ``session``, for an app with a ``token``."""

    account: Account
    session: BrowserLogin | None
    token: MadeToken | None
    loaded: LoadedCart
    receipt: tuple[MergedLine, ...]
