"""What a request brings instead of a session: a bearer token (RFC 6750), or a cart's token."""

from __future__ import annotations

from quart.wrappers import BaseRequestWebsocket
from werkzeug.utils import cached_property

CART_HEADER = "Locker-Cart"
LOGGING_IN = frozenset({"/api/v1/session", "/api/v1/account"})
"""Where a cart's token only names the cart to merge, and the answer may begin a session."""


class TokenRequest(BaseRequestWebsocket):
    """A request, or a WebSocket, that may bring a token; each header is read once."""

    @cached_property
    def bearer_token(self) -> str | None:
        """The token of ``Authorization: Bearer``; another scheme isn't ours to judge."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    @cached_property
    def cart_token(self) -> str | None:
        """What a request to the API says in ``Locker-Cart``; pages take no notice of it.

        No page of another site can send it without being allowed to: it makes a browser ask first.
        """
        return self.headers.get(CART_HEADER) if self.path.startswith("/api/") else None

    @property
    def acts_without_session(self) -> bool:
        """Whether a token speaks for this request, so that the cookies beside it must not."""
        if self.bearer_token is not None:
            return True
        logs_in = self.method == "POST" and self.path in LOGGING_IN
        return self.cart_token is not None and not logs_in
