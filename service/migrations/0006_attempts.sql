-- Counts of attempts to guess, so that they are bounded over all processes together.

create table attempts (
    -- a digest of what is counted: an address, an account's name, everything
    key bytea primary key,
    count integer not null,
    refused integer not null default 0,
    ends_at timestamptz not null
) with (fillfactor = 50);

create index attempts_ends on attempts (ends_at);

-- Where the account has been used from; such an address has a count of its own.
create index logins_address on logins (account_id, ip);
