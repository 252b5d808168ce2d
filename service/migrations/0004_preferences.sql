-- What an account has chosen; null where it never did.

create table preferences (
    account_id uuid primary key references accounts on delete cascade,
    theme text,
    locale text,
    page_size integer,
    marketing_emails boolean
);
