#!/usr/bin/env bash
# Makes the database cluster of an empty PGDATA, then becomes what it is told, as user postgres.
#
# Settings as in the official image: POSTGRES_USER, _PASSWORD, _DB, _INITDB_ARGS (each also as a file
# that holds it, with _FILE behind the name), POSTGRES_INITDB_WALDIR, POSTGRES_HOST_AUTH_METHOD, and
# scripts in /docker-entrypoint-initdb.d, run once.
set -euo pipefail

say() { echo "$(basename "$0"): $*" >&2; }

# value_of NAME DEFAULT: sets NAME from itself, from the file NAME_FILE, or to the default.
value_of() {
  local file=${1}_FILE
  if [ -n "${!1:-}" ] && [ -n "${!file:-}" ]; then
    say "both $1 and $file are set"
    exit 1
  fi
  if [ -n "${!file:-}" ]; then export "$1=$(<"${!file}")"; else export "$1=${!1:-$2}"; fi
  unset "$file"
}

own_folders() {
  mkdir -p "$PGDATA" /var/run/postgresql
  chmod 700 "$PGDATA"
  chmod 3777 /var/run/postgresql || true
  if [ "$(id -u)" = 0 ]; then
    find "$PGDATA" /var/run/postgresql \! -user postgres -exec chown postgres '{}' +
    if [ -n "${POSTGRES_INITDB_WALDIR:-}" ]; then
      install -d -m 700 -o postgres "$POSTGRES_INITDB_WALDIR"
    fi
  fi
}

refuse_an_open_door() {
  if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
    say "set POSTGRES_PASSWORD to the superuser's password-to-be" \
      "(or POSTGRES_HOST_AUTH_METHOD=trust to let everybody in)"
    exit 1
  fi
}

make_cluster() {
  local -a words wal=()
  local secret
  eval "words=($POSTGRES_INITDB_ARGS)" # they may be quoted, as in the official image
  [ -z "${POSTGRES_INITDB_WALDIR:-}" ] || wal+=("--waldir=$POSTGRES_INITDB_WALDIR")
  secret=$(mktemp)
  printf '%s\n' "$POSTGRES_PASSWORD" >"$secret"
  initdb --username="$POSTGRES_USER" --pwfile="$secret" "${words[@]}" "${wal[@]}"
  rm "$secret"
  printf '\nhost all all all %s\n' "$POSTGRES_HOST_AUTH_METHOD" >>"$PGDATA/pg_hba.conf"
}

# Over the socket only, so that nobody takes it for the server that stays.
start_for_a_moment() {
  PGUSER=$POSTGRES_USER pg_ctl -D "$PGDATA" -w -o "-c listen_addresses='' -p ${PGPORT:-5432}" start
}

sql() {
  PGPASSWORD=$POSTGRES_PASSWORD PGHOST='' psql -v ON_ERROR_STOP=1 --no-psqlrc --no-password \
    --username "$POSTGRES_USER" "$@"
}

make_database() {
  [ "$POSTGRES_DB" = postgres ] || sql --dbname postgres --set "name=$POSTGRES_DB" \
    <<<'CREATE DATABASE :"name";'
}

run_scripts() {
  local file
  # shellcheck disable=SC1090 # whoever mounts it knows it
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
      *.sql) sql --dbname "$POSTGRES_DB" -f "$file" ;;
      *.sql.gz) gunzip -c "$file" | sql --dbname "$POSTGRES_DB" ;;
      */'*') ;;
      *) say "ignoring $file" ;;
    esac
  done
}

first_start() {
  value_of POSTGRES_PASSWORD ''
  value_of POSTGRES_USER postgres
  value_of POSTGRES_DB "$POSTGRES_USER"
  value_of POSTGRES_INITDB_ARGS ''
  POSTGRES_HOST_AUTH_METHOD=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
  refuse_an_open_door
  make_cluster
  start_for_a_moment
  make_database
  run_scripts
  pg_ctl -D "$PGDATA" -m fast -w stop
  say "the database is made"
}

only_asks() { [[ " $* " =~ \ (-\?|--help|-V|--version|--describe-config)\  ]]; }

[ "${1:0:1}" != - ] || set -- postgres "$@"
if [ "${1:-}" = postgres ] && ! only_asks "$@"; then
  own_folders
  if [ "$(id -u)" = 0 ]; then
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
  fi
  [ -s "$PGDATA/PG_VERSION" ] || first_start
fi
exec "$@"
