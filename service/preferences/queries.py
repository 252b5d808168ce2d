"""How an account's choices are stored. The check of the login stands in front."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from asyncpg import Record

from service.database import Connection
from service.logins import LOGIN, PresentedLogin
from service.statements import Statement

from .model import Choices, KeptChoices

SELECT_CHOICES = Statement(
    f"""
    with {LOGIN}
    select theme, locale, page_size, marketing_emails
    from login left join preferences using (account_id)
    """
)


async def select_choices(
    db: Connection, presented: PresentedLogin, now: datetime
) -> Choices | None:
    """Return the choices of the login's account, or None where the login isn't valid."""
    row = await db.fetchrow(*SELECT_CHOICES(**presented.parameters(), now=now))
    return choices_of(row) if row else None


UPSERT_CHOICES = Statement(
    f"""
    with {LOGIN}
    insert into preferences as p (
        account_id, theme, locale, page_size, marketing_emails, marketing_emails_at
    )
    select account_id, coalesce(:theme, :other_theme), coalesce(:locale, :other_locale),
        coalesce(:page_size::int, :other_page_size),
        coalesce(:marketing_emails::boolean, :other_marketing_emails),
        case when coalesce(:marketing_emails, :other_marketing_emails) is not null then :now end
    from login
    on conflict (account_id) do update set
        theme = coalesce(:theme, p.theme, :other_theme),
        locale = coalesce(:locale, p.locale, :other_locale),
        page_size = coalesce(:page_size, p.page_size, :other_page_size),
        marketing_emails = coalesce(
            :marketing_emails, p.marketing_emails, :other_marketing_emails
        ),
        marketing_emails_at = case
            when coalesce(:marketing_emails, p.marketing_emails, :other_marketing_emails)
                is distinct from p.marketing_emails then :now
            else p.marketing_emails_at
        end
    returning theme, locale, page_size, marketing_emails
    """
)


async def upsert_choices(
    db: Connection, presented: PresentedLogin, now: datetime, chosen: Choices, others: Choices
) -> Choices | None:
    """Store choices, and ``others`` for what was never chosen; returns all.

    None where the login isn't valid, and then nothing is stored.
    """
    row = await db.fetchrow(
        *UPSERT_CHOICES(
            **presented.parameters(),
            now=now,
            **chosen.parameters(),
            **others.parameters("other_"),
        )
    )
    return choices_of(row) if row else None


def fill_cte(source: str) -> str:
    """Return a CTE, ``filled``, that stores choices where an account never made any.

    ``source`` has a row with the account's ``id``, or none. The parameters are ``now`` and
    `Choices.parameters`.
    """
    return f"""
        filled as (
            insert into preferences as p (
                account_id, theme, locale, page_size, marketing_emails, marketing_emails_at
            )
            select id, :theme, :locale, :page_size::int, :marketing_emails::boolean,
                case when :marketing_emails::boolean is not null then :now::timestamptz end
            from {source}
            where num_nonnulls(:theme::text, :locale::text, :page_size, :marketing_emails) > 0
            on conflict (account_id) do update set
                theme = coalesce(p.theme, excluded.theme),
                locale = coalesce(p.locale, excluded.locale),
                page_size = coalesce(p.page_size, excluded.page_size),
                marketing_emails = coalesce(p.marketing_emails, excluded.marketing_emails),
                marketing_emails_at = case
                    when p.marketing_emails is null then excluded.marketing_emails_at
                    else p.marketing_emails_at
                end
        )"""


SELECT_KEPT = Statement(
    """
    select theme, locale, page_size, marketing_emails, marketing_emails_at from preferences
    where account_id = :account_id
    """
)


async def select_kept(db: Connection, account_id: UUID) -> KeptChoices:
    """Return an account's choices, and when it last said whether it wants mail."""
    row = await db.fetchrow(*SELECT_KEPT(account_id=account_id))
    return (
        KeptChoices(choices_of(row), row["marketing_emails_at"]) if row else KeptChoices(Choices())
    )


def choices_of(row: Record) -> Choices:
    """Return the choices of a row that has them as columns; null was never chosen."""
    fields = Choices.__struct_fields__
    return Choices(**{name: row[name] for name in fields if row[name] is not None})
