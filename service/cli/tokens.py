"""`locker token`: what programs act with, above all an operator's."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args
from uuid import UUID

import click

from service import accounts, clock, logins
from service.audit import COMMAND_LINE
from service.database import Connection
from service.errors import NotFound
from service.logins import IssuedToken, NewToken, NoOperator, Scope
from service.settings import Settings

from .database import run_through_app
from .output import echo_json, echo_table, json_option, moment, printable


@click.group()
def token() -> None:
    """Tokens of operators, which are made here alone."""


@token.command()
@click.argument("name", default="operator")
@click.option(
    *("--scope", "scopes"),
    type=click.Choice(get_args(Scope)),
    multiple=True,
    required=True,
    help="What it may do: admin for the operators' API. Can be given more than once.",
)
@click.option("--user", metavar="NAME", help="Whose it is; a shop's one operator needs no name.")
@click.option(
    *("--days", "days"),
    type=click.IntRange(1, logins.LONGEST_LIFE),
    default=90,
    show_default=True,
    help="How long it lasts.",
)
@json_option
def create(
    *, name: str, scopes: tuple[Scope, ...], user: str | None, days: int, as_json: bool
) -> None:
    """Make a token, and show it this once. NAME says what it is for.

    With the scope admin it is an operator's, and its account has the role (`locker user role`).
    It ends with its time, its account or the role.
    """
    if not 0 < len(name) <= logins.LONGEST_LABEL:
        raise click.ClickException(f"a token's name has 1 to {logins.LONGEST_LABEL} characters")
    wanted = tuple(scope for scope in get_args(Scope) if scope in scopes)
    text = logins.new_api_token(wanted)
    new = NewToken(text, name, wanted, timedelta(days=days))

    async def action(db: Connection) -> IssuedToken:
        owner = await _owner(db, user)
        try:
            return await logins.issue_token(db, owner.id, new, COMMAND_LINE)
        except NoOperator:
            raise click.ClickException(
                f"{owner.username} is no operator; run: locker user role {owner.username} operator"
            ) from None

    issued = run_through_app(Settings.from_env(serving=False), action)
    if as_json:
        echo_json({**_listed(issued), "token": text})
        return
    # Alone on standard output, so that a script can keep it.
    click.echo(text)
    click.echo(
        f"Made for {issued.username}, until {moment(issued.token.expires_at)}. "
        "It is not shown again.",
        err=True,
    )


@token.command("list")
@click.option("--user", "name", metavar="NAME", help="All of this account's.")
@json_option
def list_(*, name: str | None, as_json: bool) -> None:
    """List operators' tokens, the newest first."""

    async def action(db: Connection) -> list[IssuedToken]:
        owner = None if name is None else (await _owner(db, name)).id
        return await logins.select_issued(db, owner, clock.now())

    found = run_through_app(Settings.from_env(serving=False), action)
    if as_json:
        for issued in found:
            echo_json(_listed(issued))
        return
    rows = [
        (
            str(issued.token.id),
            issued.username,
            ",".join(issued.token.scopes),
            moment(issued.token.last_used_at) or "never used",
            moment(issued.token.expires_at),
            issued.token.name,
        )
        for issued in found
    ]
    echo_table(("ID", "ACCOUNT", "SCOPES", "LAST USED", "UNTIL", "NAME"), rows, "No tokens.")


@token.command()
@click.argument("token_id", type=click.UUID, metavar="ID")
@json_option
def revoke(token_id: UUID, *, as_json: bool) -> None:
    """End a token, whosoever it is. ID is as `locker token list` has it."""
    try:
        run_through_app(
            Settings.from_env(serving=False), logins.revoke_token, token_id, COMMAND_LINE
        )
    except NotFound:
        raise click.ClickException(f"there is no token {token_id}") from None
    if as_json:
        echo_json({"id": token_id, "ended": True})
    else:
        click.echo(f"Ended {token_id}.")


async def _owner(db: Connection, name: str | None) -> accounts.Account:
    if name is not None:
        known = await accounts.select_known(db, name)
        if known is None:
            raise click.ClickException(f"there is no account {printable(name)}")
        return known.account
    operators = (await accounts.find(db, role="operator", limit=2)).accounts
    if not operators:
        raise click.ClickException("there is no operator; run: locker user role NAME operator")
    if len(operators) > 1:
        raise click.ClickException("there are several operators; say whose it is with --user")
    return operators[0].account


def _listed(issued: IssuedToken) -> dict[str, object]:
    made = issued.token
    return {
        "id": made.id,
        "name": made.name,
        "scopes": made.scopes,
        "account_id": issued.account_id,
        "username": issued.username,
        "created_at": made.created_at,
        "last_used_at": made.last_used_at,
        "expires_at": made.expires_at,
    }
