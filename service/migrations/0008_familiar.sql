-- Which addresses an account is used from is in the record, which outlives the logins.

create index audit_familiar on audit (account_id, ip) where event in ('registered', 'logged_in');
drop index logins_address;
