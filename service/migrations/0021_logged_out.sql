-- A session that was saved before its browser logged out reaches the guest's cart to come until
-- then, for what was under way; null: its browser didn't log out.

alter table logins add column over_at timestamptz;
