#!/bin/sh
# Makes what nobody need think up, where it isn't there yet: run by compose.yaml, with the volumes
# that keep it. To bring one's own, put a file of that name there first.
set -eu
# Each volume is mounted only where it is needed, by programs that have users of their own.
umask 022

keep() { # keep FILE COMMAND…: what the command prints, unless the file is there
  file=$1
  shift
  [ -s "$file" ] && return
  "$@" >"$file.new"
  mv "$file.new" "$file"
  echo "made $file"
}
random() { openssl rand -hex 32; }
address() { echo "postgresql://$1:$(cat "$2")@database/locker?sslmode=require"; }
certificate() {
  work=$(mktemp -d)
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 825 -subj "/CN=$SHOP_HOST" \
    -addext "subjectAltName=DNS:$SHOP_HOST" -keyout "$work/key" -out "$work/certificate" 2>/dev/null
  cat "$work/certificate" "$work/key"
  rm -r "$work"
}

for name in superuser owner service; do
  keep "/database-secrets/${name}_password" random
done
keep /database-secrets/owner_url address locker_owner /database-secrets/owner_password
keep /secrets/database_url address locker_service /database-secrets/service_password
keep /secrets/secret_key random
# No browser knows it: for a real shop bring the one that its name has.
keep /certificates/shop.pem certificate
