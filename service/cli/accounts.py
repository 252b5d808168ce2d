"""`locker user` and `locker sessions`."""

from __future__ import annotations

import csv
import sys
from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, TextIO, TypeVar, cast, get_args
from uuid import UUID

import click
import msgspec

from service import accounts, customers
from service.audit import COMMAND_LINE
from service.database import Connection
from service.errors import LockerError
from service.settings import Settings

from .database import run_through_app
from .output import echo_json, echo_table, json_option, moment, paint, printable

P = ParamSpec("P")
T = TypeVar("T")


@click.group()
def user() -> None:
    """Who can log in. NAME is the user name or the e-mail address."""


@user.command()
@click.argument("name")
@click.option("--email", required=True)
@json_option
def create(name: str, email: str, *, as_json: bool) -> None:
    """Make an account. The password is read from standard input."""
    settings, password = Settings.from_env(serving=False), _read_password()

    async def action(db: Connection) -> accounts.KnownAccount:
        hasher = accounts.Hasher(settings)
        account = await accounts.create_account(db, name, email, password, hasher)
        return accounts.KnownAccount(account, None, None)

    known = run_through_app(settings, action)
    _echo(known, f"Made the account {known.account.username}.", as_json=as_json)


@user.command("import", short_help="Make accounts from a CSV of another application.")
@click.argument("file", type=click.File("r", encoding="utf-8-sig", errors="strict"))
@json_option
@click.pass_context
def import_(context: click.Context, file: TextIO, *, as_json: bool) -> None:
    """Make accounts from a CSV of another application: username, email, password_hash.

    The hashes are werkzeug's (scrypt, pbkdf2), as Flask applications have them; each is good for
    one log in, which makes one of ours. Who is there already stays as they are, so a file can be
    read again. FILE may be - for standard input. Exits with 1 if a line was left out.
    """
    reader = csv.DictReader(file)

    async def action(db: Connection) -> tuple[int, int, int]:
        if missing := {"username", "email", "password_hash"} - set(reader.fieldnames or ()):
            raise click.ClickException(f"no column {', '.join(sorted(missing))}")
        made = there = refused = 0
        for row in reader:
            try:
                await accounts.import_account(
                    db, row["username"] or "", row["email"] or "", row["password_hash"] or ""
                )
                made += 1
            except accounts.UsernameTaken:
                there += 1
            except LockerError as error:
                refused += 1
                click.echo(f"line {reader.line_num}: {error.detail}", err=True)
        return made, there, refused

    try:
        made, there, refused = run_through_app(Settings.from_env(serving=False), action)
    except (UnicodeDecodeError, csv.Error) as error:
        raise click.ClickException(f"line {reader.line_num + 1} can't be read: {error}") from error
    if as_json:
        echo_json({"made": made, "there_already": there, "left_out": refused})
    else:
        click.echo(f"Accounts made: {made}. There already: {there}. Left out: {refused}.")
    if refused:
        context.exit(1)


@user.command()
@click.argument("name")
@json_option
def disable(name: str, *, as_json: bool) -> None:
    """End every login of an account, and let it log in no more."""
    known = _run_on(name, accounts.disable, COMMAND_LINE)
    _echo(known, f"Disabled {name}.", as_json=as_json)


@user.command()
@click.argument("name")
@json_option
def enable(name: str, *, as_json: bool) -> None:
    """Let a disabled account log in again."""
    known = _run_on(name, accounts.enable, COMMAND_LINE)
    _echo(known, f"Enabled {name}.", as_json=as_json)


@user.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
def delete(name: str, *, yes: bool, as_json: bool) -> None:
    """Delete an account, its cart and preferences. Its orders stay, without the person."""
    if not yes:
        click.confirm(f"Delete the account {printable(name)} for good?", abort=True, err=True)

    async def action(db: Connection, account_id: UUID) -> accounts.KnownAccount:
        known = await accounts.show(db, account_id)
        await accounts.delete(db, account_id, COMMAND_LINE)
        return known

    _echo(_run_on(name, action), f"Deleted {name}.", as_json=as_json)


@user.command()
@click.argument("name")
def export(name: str) -> None:
    """Print all that is kept of an account, as one JSON object."""
    exported = _run_on(name, customers.export, COMMAND_LINE)
    echo_json(msgspec.to_builtins(customers.export_output(exported)))


@user.command()
@click.argument("name")
@json_option
def logout(name: str, *, as_json: bool) -> None:
    """End every login and token of an account, which can log in again."""
    _end_logins(name, as_json=as_json)


@user.command("list")
@click.option("--disabled", is_flag=True, help="Only those that can't log in.")
@click.option("--role", type=click.Choice(get_args(accounts.Role)), help="Only who has this role.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--after", default="", metavar="NAME", help="Those behind this user name.")
@json_option
def list_(
    *, disabled: bool, role: accounts.Role | None, limit: int, after: str, as_json: bool
) -> None:
    """List accounts by user name."""
    found = run_through_app(
        Settings.from_env(serving=False),
        accounts.find,
        disabled=disabled,
        role=role,
        limit=limit,
        after=after,
    )
    if as_json:
        for known in found.accounts:
            echo_json(_listed(known))
    else:
        rows = [
            (
                known.account.username,
                "disabled" if known.disabled_at else "enabled",
                moment(known.account.created_at),
                known.account.email,
            )
            for known in found.accounts
        ]
        echo_table(("NAME", "STATUS", "SINCE", "E-MAIL"), rows, "No accounts.")
    if found.next:
        click.echo(f"More: --after {found.next}", err=True)


@user.command()
@click.argument("name")
@json_option
def show(name: str, *, as_json: bool) -> None:
    """Show an account, disabled or not."""
    known = run_through_app(Settings.from_env(serving=False), accounts.select_known, name)
    if known is None:
        raise _nobody(name)
    if as_json:
        echo_json(_listed(known))
        return
    account, disabled = known.account, known.disabled_at
    status = paint(f"disabled since {moment(disabled)}", "red") if disabled else "enabled"
    click.echo(f"{account.username}  {printable(account.email)}  {status}")
    click.echo(f"  id {account.id}, made {moment(account.created_at)}")
    if known.role:
        click.echo(f"  {known.role}")


@user.command(short_help="Set a password, read from standard input.")
@click.argument("name")
@json_option
def password(name: str, *, as_json: bool) -> None:
    """Set a password, read from standard input, and end every login of the account."""
    settings, new = Settings.from_env(serving=False), _read_password()

    known = _run_on(name, accounts.set_password, new, accounts.Hasher(settings))
    _echo(known, f"Changed the password of {name}.", as_json=as_json)


@user.command()
@click.argument("name")
@click.argument("role", type=click.Choice([*get_args(accounts.Role), "none"]))
@json_option
def role(name: str, role: str, *, as_json: bool) -> None:
    """Let an account act for the shop, as an operator, or no more.

    Who has no role any more stays a shopper, and their tokens with the scope admin end.
    """
    given = None if role == "none" else cast("accounts.Role", role)
    known = _run_on(name, accounts.set_role, given, COMMAND_LINE)
    sentence = f"{name} is an operator." if given else f"{name} has no role."
    _echo(known, sentence, as_json=as_json)


@click.group()
def sessions() -> None:
    """Who is logged in."""


@sessions.command()
@click.option("--user", "name", required=True, metavar="NAME")
@json_option
def end(name: str, *, as_json: bool) -> None:
    """End every login and token of an account, as `locker user logout` does."""
    _end_logins(name, as_json=as_json)


def _end_logins(name: str, *, as_json: bool) -> None:
    ended = _run_on(name, accounts.revoke_all_logins, COMMAND_LINE)
    if as_json:
        echo_json({"username": name, "ended": ended})
    else:
        click.echo(f"Logins of {name} ended: {ended}.")


def _run_on(
    name: str,
    action: Callable[Concatenate[Connection, UUID, P], Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run what takes an account's id on the account of this name or address."""

    async def find(db: Connection) -> T:
        known = await accounts.select_known(db, name)
        if known is None:
            raise _nobody(name)
        return await action(db, known.account.id, *args, **kwargs)

    return run_through_app(Settings.from_env(serving=False), find)


def _echo(known: accounts.KnownAccount, sentence: str, *, as_json: bool) -> None:
    if as_json:
        echo_json(_listed(known))
    else:
        click.echo(printable(sentence))


def _read_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    try:
        return sys.stdin.buffer.readline().decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise click.ClickException("the password is not UTF-8") from None


def _listed(known: accounts.KnownAccount) -> dict[str, object]:
    account = known.account
    return {
        "id": account.id,
        "username": account.username,
        "email": account.email,
        "created_at": account.created_at,
        "disabled_at": known.disabled_at,
        "role": known.role,
    }


def _nobody(name: str) -> click.ClickException:
    return click.ClickException(f"there is no account {name}")
