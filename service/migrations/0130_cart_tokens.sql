-- A guest's cart may be known by a token, in an app that keeps no cookies: by its hash alone.

alter table carts add column token_hash bytea;
