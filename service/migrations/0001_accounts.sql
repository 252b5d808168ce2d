-- Accounts and their logins.

create table accounts (
    id uuid primary key default gen_random_uuid(),
    username text not null,
    -- What makes two names or addresses the same: NFKC and case folded (accounts/model.py).
    username_key text not null unique,
    email text not null,
    email_key text not null unique,
    password_hash text not null,
    created_at timestamptz not null,
    disabled_at timestamptz
);

-- A signed cookie says that we wrote it; this says that it still holds.
create table logins (
    -- SHA-256 of the token in the session: who reads the table can't log in with it.
    token_hash bytea primary key,
    id uuid not null unique default gen_random_uuid(),
    account_id uuid not null references accounts on delete cascade,
    created_at timestamptz not null,
    last_seen_at timestamptz not null,
    idle interval not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    user_agent text not null,
    ip text not null
);

create index logins_account on logins (account_id, created_at desc) where ended_at is null;
create index logins_expiry on logins (expires_at);
