"""`locker user` and `locker sessions`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from service import accounts
from service.settings import Settings

from .database import through_app

if TYPE_CHECKING:
    from service.database import Connection

T = TypeVar("T")


@click.group()
def user() -> None:
    """Who can log in. NAME is the user name or the e-mail address."""


@user.command()
@click.argument("name")
@click.option("--email", required=True)
def create(name: str, email: str) -> None:
    """Make an account. The password is read from standard input."""
    settings, password = Settings.from_env(serving=False), _read_password()

    async def action(db: Connection) -> accounts.Account:
        return await accounts.create_account(db, name, email, password, accounts.Hasher(settings))

    account = _run(settings, action)
    click.echo(f"Made the account {account.username}.")


@user.command()
@click.argument("name")
def disable(name: str) -> None:
    """End every login of an account, and let it log in no more."""
    if not _run(Settings.from_env(serving=False), lambda db: accounts.disable(db, name)):
        raise _nobody(name)
    click.echo(f"Disabled {name}.")


@user.command()
@click.argument("name")
def password(name: str) -> None:
    """Set a password, read from standard input, and end every login of the account."""
    settings, new = Settings.from_env(serving=False), _read_password()

    async def action(db: Connection) -> bool:
        return await accounts.change_password(db, name, new, accounts.Hasher(settings))

    if not _run(settings, action):
        raise _nobody(name)
    click.echo(f"Changed the password of {name}.")


@click.group()
def sessions() -> None:
    """Who is logged in."""


@sessions.command()
@click.option("--user", "name", required=True, metavar="NAME")
def end(name: str) -> None:
    """End every login of an account."""
    ended = _run(Settings.from_env(serving=False), lambda db: accounts.end_all_logins(db, name))
    if ended is None:
        raise _nobody(name)
    click.echo(f"Logins of {name} ended: {ended}.")


def _run(settings: Settings, action: Callable[[Connection], Awaitable[T]]) -> T:
    async def run() -> T:
        async with through_app(settings) as db:
            return await action(db)

    return asyncio.run(run())


def _read_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    try:
        return sys.stdin.buffer.readline().decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise click.ClickException("the password is not UTF-8") from None


def _nobody(name: str) -> click.ClickException:
    return click.ClickException(f"there is no account {name}")
