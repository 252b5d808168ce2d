"""What the account's part of the API takes and answers."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from service.carts.api_types import CartOutput, MergeOutput
from service.http.endpoints import Input, Moment, Output
from service.logins import LONGEST_LABEL, LONGEST_LIFE, Scope, Token

from .model import (
    LONGEST_EMAIL,
    LONGEST_NAME,
    LONGEST_PASSWORD,
    SHORTEST_NAME,
    Account,
)

Password = Annotated[str, Meta(max_length=LONGEST_PASSWORD, examples=["correct horse battery"])]

# These types have the bounds alone. The rules say what else is wrong, all of it at once.
Username = Annotated[
    str,
    Meta(
        max_length=LONGEST_NAME,
        extra_json_schema={"minLength": SHORTEST_NAME},
        examples=["ada"],
    ),
]
Email = Annotated[
    str,
    Meta(
        max_length=LONGEST_EMAIL,
        extra_json_schema={"format": "email"},
        examples=["ada@example.com"],
    ),
]


AskedScope = Annotated[Literal["read", "write"], Meta(title="AskedScope")]
"""What may be asked for over HTTP: `admin` is given at the command line alone."""

TokenScope = Annotated[Scope, Meta(title="TokenScope")]


class TokenWish(Input):
    """A token to make."""

    name: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=LONGEST_LABEL,
            description="What it is for, in its owner's words.",
            examples=["backup"],
        ),
    ]
    expires_in_days: Annotated[int, Meta(ge=1, le=LONGEST_LIFE)] = 90
    scopes: Annotated[
        tuple[AskedScope, ...],
        Meta(
            min_length=1,
            max_length=2,
            description="`read` for `GET`, `write` for what changes something.",
        ),
    ] = ("read", "write")


class TokenInput(TokenWish, kw_only=True):
    """A token to make, by who knows the password."""

    current_password: Password


class LoginInput(Input):
    """Who logs in; `remember` lets the login outlive the browser.

    With `token` an app gets a token, and no cookie is set.
    """

    username: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=LONGEST_EMAIL,
            description="The user name or the e-mail address.",
            examples=["ada"],
        ),
    ]
    password: Password
    remember: bool = False
    token: TokenWish | None = None


class RegistrationInput(Input):
    """A new account. With `token` an app gets a token, and no cookie is set."""

    username: Username
    email: Email
    password: Password
    token: TokenWish | None = None


class UserOutput(Output):
    """The account that is signed in."""

    id: str
    username: str
    email: str
    created_at: Moment


class TokenOutput(Output):
    """A token, without its text. `last_used_at` is exact to the minute."""

    id: UUID
    name: str
    scopes: tuple[TokenScope, ...]
    created_at: Moment
    last_used_at: Moment | None
    expires_at: Moment


class NewTokenOutput(TokenOutput):
    """A token, with its text, which is not shown again."""

    token: str


class LoginOutput(Output, omit_defaults=True):
    """A login: who, their cart, and what became of the guest's cart (null: it was empty).

    `token` is there where one was asked for.
    """

    user: UserOutput
    cart: CartOutput
    merge: MergeOutput | None
    token: NewTokenOutput | None = None


class CartSummaryOutput(Output):
    """The cart, in short."""

    quantity: Annotated[int, Meta(ge=0, description="Units, over all lines.")]


class EmailInput(Input):
    """Another e-mail address."""

    email: Email
    current_password: Password


class DeletionInput(Input):
    """The end of the account."""

    current_password: Password


class PasswordInput(Input):
    """Another password."""

    current_password: Password
    new_password: Password


def new_token_output(made: Token, text: str) -> NewTokenOutput:
    """Return a token for the API, with its text."""
    return NewTokenOutput(**dataclasses.asdict(made), token=text)


def user_output(account: Account) -> UserOutput:
    """Return the account for the API."""
    return UserOutput(str(account.id), account.username, account.email, account.created_at)
