"""What the account's part of the API takes and answers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from service.carts.api_types import CartOutput, MergeOutput
from service.http.endpoints import Input, Moment, Output

from .model import (
    LONGEST_EMAIL,
    LONGEST_NAME,
    LONGEST_PASSWORD,
    SHORTEST_NAME,
    Account,
)

Password = Annotated[str, Meta(max_length=LONGEST_PASSWORD, examples=["correct horse battery"])]

# What else these must be is for the rules to say, which tell all of it at once.
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


class LoginInput(Input):
    """Who logs in; `remember` lets the login outlive the browser."""

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


class RegistrationInput(Input):
    """A new account."""

    username: Username
    email: Email
    password: Password


class UserOutput(Output):
    """Whoever is signed in."""

    id: str
    username: str
    email: str
    created_at: Moment


class LoginOutput(Output):
    """A login: who, their cart, and what became of the guest's cart (null: it was empty)."""

    user: UserOutput
    cart: CartOutput
    merge: MergeOutput | None


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


def user_output(account: Account) -> UserOutput:
    """Return the account for the API."""
    return UserOutput(str(account.id), account.username, account.email, account.created_at)
