-- Two user names that look alike are one (service/accounts/names.py). What a name looks like takes
-- Unicode's list to find out, so `locker migrate` fills this in for the accounts that are there.
-- null: not yet, or a name from before that looks like another's, and stays all the same.

alter table accounts add column username_skeleton text;
create unique index accounts_skeleton on accounts (username_skeleton);
create index accounts_without_skeleton on accounts (created_at, id)
    where username_skeleton is null;
