#!/bin/sh
# Run by PostgreSQL's image when it makes the data folder, once: TLS, one role that owns the tables
# and one that serves, which `locker migrate --grant` lets do what that takes, and no more.
set -eu

# The certificate is for the network in here, where clients ask for encryption and not for a name.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=database \
  -keyout "$PGDATA/server.key" -out "$PGDATA/server.crt" 2>/dev/null
chmod 600 "$PGDATA/server.key"

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username postgres --dbname "$POSTGRES_DB" \
  --set owner="$(cat /run/secrets/owner_password)" --set service="$(cat /run/secrets/service_password)" <<'SQL'
alter system set ssl = on;
create role locker_owner login password :'owner';
create role locker_service login password :'service';
alter database locker owner to locker_owner;
revoke all on database locker from public;
grant connect on database locker to locker_service;
SQL
