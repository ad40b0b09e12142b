#!/usr/bin/env bash
# Starts the services that stores are tested against, each on a free port of this
# machine, runs a command with their addresses in its environment, and stops them:
#
#   conformance/services.sh go test -tags services ./internal/sqlstore
#
# PostgreSQL is this system's, or Debian's packages unpacked; Azurite comes from npm
# and moto's server from PyPI, at the versions below. What is fetched is kept in
# $DRIVECAST_CACHE (default: ~/.cache/drivecast). A service that does not start
# fails the run. DRIVECAST_SERVICES chooses some of "postgres azurite moto".
set -euo pipefail
azurite_version=3.35.0
moto_version=5.2.5
cache=${DRIVECAST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/drivecast}
python=${PYTHON:-python3}
wanted=${DRIVECAST_SERVICES:-postgres azurite moto}
[ $# -gt 0 ] || { echo "services: say which command to run" >&2; exit 2; }
command -v "$python" >/dev/null || { echo "services: $python is not installed" >&2; exit 1; }

work=$(mktemp -d "${TMPDIR:-/tmp}/drivecast-services.XXXXXX")
chmod 755 "$work"
pids=()
stop() {
  status=$?
  for pid in "${pids[@]}"; do kill -INT "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
  exit $status
}
trap stop EXIT

free_port() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# await NAME PORT PID LOG waits until something listens.
await() {
  for _ in $(seq 300); do
    if "$python" -c "import socket; socket.create_connection(('127.0.0.1', $2), 1).close()" 2>/dev/null; then return; fi
    kill -0 "$3" 2>/dev/null || break
    sleep 0.1
  done
  echo "services: $1 did not start:" >&2
  tail -20 "$4" >&2
  return 1
}

# postgres_home prints the folder of a PostgreSQL installation's programs.
postgres_home() {
  local dir
  for dir in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV) "$(dirname "$(command -v initdb || echo /none)")"; do
    if [ "${DRIVECAST_POSTGRES:-}" != unpacked ] && [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ]; then echo "$dir"; return; fi
  done
  fetch_postgres >&2
  ls -d "$cache"/postgres/root/usr/lib/postgresql/*/bin
}

# fetch_postgres unpacks Debian's packages without installing them.
fetch_postgres() {
  [ ! -e "$cache/postgres/ready" ] || return 0
  command -v apt-get >/dev/null || { echo "services: install PostgreSQL: there is no apt-get to fetch it with"; return 1; }
  local dir=$cache/postgres package
  rm -rf "$dir"
  mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/root"
  local own=(-o Debug::NoLocking=1 -o "Dir::State::lists=$dir/lists" -o "Dir::Cache::archives=$dir/archives" -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=" -o APT::Sandbox::User=)
  apt-get "${own[@]}" -qq update
  package=$(apt-cache "${own[@]}" depends postgresql | grep -o 'postgresql-[0-9]*' | head -1)
  apt-get "${own[@]}" -qq -y --no-install-recommends --download-only --reinstall install "$package" "postgresql-client-${package#postgresql-}" libpq5
  for package in "$dir"/archives/*.deb; do dpkg -x "$package" "$dir/root"; done
  rm -rf "$dir/lists" "$dir/archives"
  touch "$dir/ready"
}

start_postgres() {
  local home port as=()
  home=$(postgres_home)
  port=$(free_port)
  mkdir "$work/pg"
  if [ "$(id -u)" = 0 ]; then # PostgreSQL does not run as root
    as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    if ! "${as[@]}" test -x "$home/postgres"; then
      cp -a "$cache/postgres/root" "$work/pgroot"
      home=$(ls -d "$work"/pgroot/usr/lib/postgresql/*/bin)
    fi
    chown 65534:65534 "$work/pg"
  fi
  local root=${home%/usr/lib/postgresql/*}
  [ -z "$root" ] || as+=(env "LD_LIBRARY_PATH=$(ls -d "$root"/usr/lib/*-linux-gnu | head -1)")
  echo drivecast >"$work/password"
  chmod 644 "$work/password"
  (cd "$work/pg" && "${as[@]}" "$home/initdb" -D "$work/pg/data" -U drivecast -A scram-sha-256 --pwfile="$work/password" -E UTF8 --locale=C.UTF-8 --no-sync >"$work/initdb.log" 2>&1) ||
    { tail -20 "$work/initdb.log" >&2; return 1; }
  (cd "$work/pg" && exec "${as[@]}" "$home/postgres" -D "$work/pg/data" -h 127.0.0.1 -p "$port" -k "$work/pg" -c fsync=off -c jit=off) >"$work/postgres.log" 2>&1 &
  pids+=($!)
  await PostgreSQL "$port" $! "$work/postgres.log"
  export DRIVECAST_TEST_POSTGRES="postgresql://drivecast:drivecast@127.0.0.1:$port/postgres"
}

start_azurite() {
  command -v npm >/dev/null || { echo "services: npm is not installed" >&2; return 1; }
  local dir=$cache/azurite-$azurite_version port
  if [ ! -e "$dir/ready" ]; then
    rm -rf "$dir"
    mkdir -p "$dir"
    npm install --prefix "$dir" --no-audit --no-fund --loglevel=error "azurite@$azurite_version" >&2
    touch "$dir/ready"
  fi
  port=$(free_port)
  mkdir "$work/azurite"
  (cd "$work/azurite" && exec node "$dir/node_modules/azurite/dist/src/blob/main.js" --silent --skipApiVersionCheck --inMemoryPersistence --blobHost 127.0.0.1 --blobPort "$port") >"$work/azurite.log" 2>&1 &
  pids+=($!)
  await Azurite "$port" $! "$work/azurite.log"
  export DRIVECAST_TEST_AZURITE="http://127.0.0.1:$port/devstoreaccount1"
}

start_moto() {
  local dir=$cache/moto-$moto_version port
  if [ ! -e "$dir/ready" ]; then
    rm -rf "$dir"
    "$python" -m venv "$dir"
    "$dir/bin/python" -m pip install --quiet --disable-pip-version-check "moto[s3,server]==$moto_version" >&2
    touch "$dir/ready"
  fi
  port=$(free_port)
  (exec "$dir/bin/moto_server" -H 127.0.0.1 -p "$port") >"$work/moto.log" 2>&1 &
  pids+=($!)
  await "moto's server" "$port" $! "$work/moto.log"
  export DRIVECAST_TEST_S3="http://127.0.0.1:$port"
}

for service in $wanted; do "start_$service"; done
"$@"
