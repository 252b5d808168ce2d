"""How a log in is counted, started and ended."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from service.audit import recording
from service.logins import MOST_DEVICES, Device, hash_token, new_token
from service.throttling import Counted, counting, forgiving

from .model import Account, Credentials, key
from .queries import credentials_of

if TYPE_CHECKING:
    from service.audit import Event
    from service.database import Connection
    from service.logins import NewLogin, PresentedLogin
    from service.preferences import Choices
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


@dataclass(frozen=True, slots=True)
class Started:
    """A login that has started, on this device, where the account was used before at that time.

    ``after_deletion``: the login before it was of an account that its owner deleted.
    """

    device: Device
    used_before: datetime | None
    after_deletion: bool


async def count_login(
    db: Connection, name: str, attempt: Attempt, device: Device | None, now: datetime
) -> tuple[Counted, Credentials | None, bool]:
    """Count an attempt to log in, and return the account as `select_credentials` does.

    And whether the account was logged in to on this device before.
    """
    (row,) = await db.fetch(
        f"""
        with known as (select from devices where token_hash = $6 limit 1),
        {counting(attempt)}
        select passed, ends_at, first, spare,
            a.id, a.username, a.email, a.created_at, a.password_hash,
            exists (
                select from devices where token_hash = $6 and account_id = a.id
            ) as familiar
        from counted left join accounts a
            on (a.username_key = $5 or a.email_key = $5) and a.disabled_at is null
        """,
        attempt.counts,
        attempt.seconds,
        now,
        attempt.keys,
        key(name),
        device.token_hash if device else None,
    )
    return Counted.of(row, attempt, now), credentials_of(row), row["familiar"]


async def start_login(
    db: Connection,
    login: NewLogin,
    verified: Verified,
    *,
    previous: PresentedLogin,
    device: Device | None,
    choices: Choices,
    event: Event,
    late: timedelta,
) -> Started | None:
    """Start a login, and end the one the browser had, which is over after ``late``.

    Returns None, and does nothing, if the account was disabled or deleted, or its password
    changed, since the password was checked. Whoever does that waits for this transaction, and
    then ends its login too.

    In the same statement, for the sake of the round trips: the guest's choices fill those the
    account never made, a fresher password hash is stored, the attempt is taken back, the event
    recorded, and the device known from now on. One that isn't known any more gets a new token.
    """
    fresh = Device(new_token(), login.account_id)
    row = await db.fetchrow(
        f"""
        with verified as (
            select id from accounts
            where id = $2 and password_hash = $14 and disabled_at is null
            for no key update
        ),
        ended as (
            update logins set ended_at = $3, over_at = $3::timestamptz + $27::interval
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
        {forgiving("$15", "select from verified")},
        device as (
            select case when exists (select from devices where token_hash = $24)
                then $24 else $25::bytea end as token_hash
        ),
        used_before as (
            select used_at from devices where token_hash = $24 and account_id = $2
        ),
        known as (
            insert into devices (token_hash, account_id, created_at, used_at, user_agent, ip)
            select token_hash, id, $3, $3, $6, $7 from device, verified
            on conflict (token_hash, account_id) do update set used_at = excluded.used_at
        ),
        too_many as (
            delete from devices
            where account_id = (select id from verified) and token_hash = any(array(
                select token_hash from devices
                where account_id = $2 and token_hash is distinct from $24
                order by used_at desc offset {MOST_DEVICES - 1}
            ))
        ),
        {recording("verified", 17)}
        insert into logins (
            token_hash, account_id, created_at, last_seen_at, idle, expires_at, user_agent, ip, id,
            device, new_device
        )
        select $1, id, $3::timestamptz, $3, $4::interval, $5::timestamptz, $6, $7, $16::uuid,
            device.token_hash, $18 = 'logged_in' and not exists (select from used_before)
        from verified, device
        returning device = $24 as kept, (select used_at from used_before) as used_before,
            exists (
                select from deleted_accounts where mark = sha256(uuid_send($26))
            ) as after_deletion
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
        device.token_hash if device else None,
        fresh.token_hash,
        previous.account_id,
        late,
    )
    if row is None:
        return None
    kept = replace(device, account_id=login.account_id) if device and row["kept"] else fresh
    return Started(kept, row["used_before"], row["after_deletion"])
