-- API tokens: logins that carry a name and scopes, and that no browser holds. So the one check
-- of a login finds both, and ending every login ends the tokens with them.

alter table logins
    -- null: a token's, never used so far
    alter column last_seen_at drop not null,
    -- null: a token's, which disuse doesn't end
    alter column idle drop not null,
    add column name text,
    -- null: a login, which may do anything
    add column scopes text[],
    add constraint logins_kind check (
        case when scopes is null
            then name is null and last_seen_at is not null and idle is not null
            else name is not null
        end
    );
