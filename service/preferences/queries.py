"""How an account's choices are stored. The login check rides along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.logins import LOGIN

from .model import Choices

if TYPE_CHECKING:
    from datetime import datetime

    from asyncpg import Record

    from service.database import Connection
    from service.logins import PresentedLogin


async def select_choices(db: Connection, claim: PresentedLogin, now: datetime) -> Choices | None:
    """Return the choices of the claim's account, or None where the claim doesn't hold."""
    row = await db.fetchrow(
        f"""
        with {LOGIN}
        select theme, locale, page_size, marketing_emails
        from login left join preferences using (account_id)
        """,
        claim.token_hash,
        claim.account_id,
        now,
    )
    claim.require(found=row is not None)
    return choices_of(row) if row else None


async def upsert_choices(
    db: Connection, claim: PresentedLogin, now: datetime, chosen: Choices, filling: Choices
) -> Choices | None:
    """Store choices, and ``filling`` for what was never chosen; returns all.

    None where the claim doesn't hold, and then nothing is stored.
    """
    row = await db.fetchrow(
        f"""
        with {LOGIN}
        insert into preferences as p (account_id, theme, locale, page_size, marketing_emails)
        select account_id, coalesce($4, $8), coalesce($5, $9), coalesce($6::int, $10),
            coalesce($7::boolean, $11)
        from login
        on conflict (account_id) do update set
            theme = coalesce($4, p.theme, $8),
            locale = coalesce($5, p.locale, $9),
            page_size = coalesce($6, p.page_size, $10),
            marketing_emails = coalesce($7, p.marketing_emails, $11)
        returning theme, locale, page_size, marketing_emails
        """,
        claim.token_hash,
        claim.account_id,
        now,
        *chosen.columns(),
        *filling.columns(),
    )
    claim.require(found=row is not None)
    return choices_of(row) if row else None


def fill_cte(account_id: str) -> str:
    """Return a CTE, ``filled``, that stores choices where the account never made any.

    ``account_id`` names its parameter; the others are `Choices.parameters`.
    """
    return f"""
        filled as (
            insert into preferences as p (
                account_id, theme, locale, page_size, marketing_emails
            )
            values (
                {account_id}, :theme, :locale, :page_size::int, :marketing_emails::boolean
            )
            on conflict (account_id) do update set
                theme = coalesce(p.theme, excluded.theme),
                locale = coalesce(p.locale, excluded.locale),
                page_size = coalesce(p.page_size, excluded.page_size),
                marketing_emails = coalesce(p.marketing_emails, excluded.marketing_emails)
        )"""


def choices_of(row: Record) -> Choices:
    """Return the choices of a row that has them as columns; null was never chosen."""
    fields = Choices.__struct_fields__
    return Choices(**{name: row[name] for name in fields if row[name] is not None})
