"""How a log in is counted, started and ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from service.audit import recording
from service.sessions import hash_token
from service.throttling import Counted, counting

from .model import Account, Credentials, key
from .queries import credentials_of

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from service.audit import Event
    from service.database import Connection
    from service.preferences import Choices
    from service.sessions import Claim, NewLogin
    from service.throttling import Attempt


@dataclass(frozen=True, slots=True)
class Verified:
    """An account whose password was right, and the hash it was checked against.

    ``fresh_hash`` replaces one made with other parameters; ``forgiven`` are the attempts to
    take back.
    """

    account: Account
    password_hash: str
    fresh_hash: str | None = None
    forgiven: list[bytes] = field(default_factory=list)


async def count_login(
    db: Connection, name: str, attempt: Attempt, ip: str, now: datetime
) -> tuple[Counted, Credentials | None]:
    """Count an attempt to log in, and return the account as `select_credentials` does."""
    (row,) = await db.fetch(
        f"""
        with used as (
            select case when exists (
                select from accounts join audit on account_id = accounts.id
                where (username_key = $4 or email_key = $4) and ip = $5
                    and event in ('registered', 'logged_in')
            ) then $6::bytea[] else $7::bytea[] end as keys
        ),
        {counting(len(attempt.keys))}
        select keys, passed, ends_at, first,
            a.id, a.username, a.email, a.created_at, a.password_hash
        from counted left join accounts a
            on (a.username_key = $4 or a.email_key = $4) and a.disabled_at is null
        """,
        attempt.counts,
        attempt.seconds,
        now,
        key(name),
        ip,
        attempt.familiar,
        attempt.keys,
    )
    return Counted.of(row, attempt, now), credentials_of(row)


async def start_login(
    db: Connection,
    login: NewLogin,
    verified: Verified,
    *,
    previous: Claim,
    choices: Choices,
    event: Event,
) -> bool:
    """Start a login, and end the one the browser had.

    Returns False, and does nothing, if the account was disabled or deleted, or its password
    changed, since the password was checked. Whoever does that waits for this transaction, and
    then ends its login too.

    In the same statement, for the sake of the round trips: the guest's choices fill those the
    account never made, a fresher password hash is stored, the attempt is taken back, and the
    event recorded.
    """
    started = await db.fetchval(
        f"""
        with verified as (
            select id from accounts
            where id = $2 and password_hash = $14 and disabled_at is null
            for no key update
        ),
        ended as (
            update logins set ended_at = $3
            where token_hash = $8 and ended_at is null and exists (select from verified)
        ),
        filled as (
            insert into preferences as p (
                account_id, theme, locale, page_size, marketing_emails
            )
            select id, $9, $10, $11::int, $12::boolean from verified
            on conflict (account_id) do update set
                theme = coalesce(p.theme, excluded.theme),
                locale = coalesce(p.locale, excluded.locale),
                page_size = coalesce(p.page_size, excluded.page_size),
                marketing_emails = coalesce(p.marketing_emails, excluded.marketing_emails)
        ),
        rehashed as (
            update accounts set password_hash = $13::text
            where id = (select id from verified) and $13::text is not null
        ),
        -- in the order in which they were counted, see throttling
        forgiven_address as (
            update attempts set count = count - 1
            where key = ($15::bytea[])[1] and count > 0 and exists (select from verified)
            returning 1
        ),
        forgiven_account as (
            update attempts set count = count - 1
            where key = ($15::bytea[])[2] and count > 0 and exists (select from verified)
                and (select count(*) from forgiven_address) >= 0
        ),
        {recording("verified", 17)}
        insert into logins (
            token_hash, account_id, created_at, last_seen_at, idle, expires_at, user_agent, ip, id
        )
        select $1, id, $3::timestamptz, $3, $4::interval, $5::timestamptz, $6, $7, $16::uuid
        from verified
        returning true
        """,
        hash_token(login.token),
        login.account_id,
        login.now,
        login.idle,
        login.expires_at,
        login.user_agent,
        login.ip,
        previous.token_hash,
        *choices.columns(),
        verified.fresh_hash,
        verified.password_hash,
        verified.forgiven,
        login.id,
        *event.columns(),
    )
    return bool(started)


async def end_login(db: Connection, claim: Claim, event: Event) -> UUID | None:
    """End the claim's login; returns its id, or None where there was none to end."""
    ended: UUID | None = await db.fetchval(
        f"""
        with ended as (
            update logins set ended_at = $3
            where token_hash = $1 and account_id = $2 and ended_at is null
            returning id
        ),
        {recording("ended", 3)}
        select id from ended
        """,
        claim.token_hash,
        claim.account_id,
        *event.columns(),
    )
    return ended
