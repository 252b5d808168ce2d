-- What operators find customers by: how a user name or an e-mail address begins, in code points.

-- built beside the table's use by who can't wait: `create index concurrently`, by these names
create index if not exists accounts_by_name on accounts (username_key collate "C");
create index if not exists accounts_by_address on accounts (email_key collate "C");
create index if not exists audit_by on audit (by_account_id, id)
    where by_account_id is not null;

-- When the account last said whether it wants mail that advertises (GDPR, article 7, 1); null:
-- never, or before this was noted.
alter table preferences add column marketing_emails_at timestamptz;
