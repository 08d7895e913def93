#!/bin/sh
# Creates what compose.yaml needs in secrets/, and replaces nothing. Keep a copy of store_key apart
# from the backups of PostgreSQL: without it, nobody can read the server's keys in them.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
for name in postgres_password store_key; do
  [ -s "secrets/$name" ] || { openssl rand -hex 32 >"secrets/$name.new" && mv "secrets/$name.new" "secrets/$name"; }
  chmod 644 "secrets/$name" # the users in the containers read it; the directory is closed to others
done
