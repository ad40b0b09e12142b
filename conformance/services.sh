#!/usr/bin/env bash
# Starts the services that stores are tested against, each on a free port of this
# machine, runs a command with their addresses in its environment, and stops them:
#
#   conformance/services.sh go test -tags services ./internal/sqlstore
#
# The Kubernetes control plane is built from Go modules, once, in 7 to 15 minutes.
# PostgreSQL is this system's, or Debian's packages unpacked; Azurite comes from npm
# and moto's server from PyPI, at the versions below. What is fetched is kept in
# $DRIVECAST_CACHE (default: ~/.cache/drivecast). A service that does not start
# fails the run. DRIVECAST_SERVICES chooses some of "postgres azurite moto kube".
set -euo pipefail
azurite_version=3.35.0
moto_version=5.2.5
cache=${DRIVECAST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/drivecast}
python=${PYTHON:-python3}
here=$(cd "$(dirname "$0")" && pwd)
wanted=${DRIVECAST_SERVICES:-postgres azurite moto kube}
[ $# -gt 0 ] || { echo "services: say which command to run" >&2; exit 2; }
command -v "$python" >/dev/null || { echo "services: $python is not installed" >&2; exit 1; }

work=$(mktemp -d "${TMPDIR:-/tmp}/drivecast-services.XXXXXX")
chmod 755 "$work"
pids=()
stop() {
  status=$?
  for pid in "${pids[@]}"; do kill -INT "$pid" 2>/dev/null || true; done
  # What does not end by itself, as a controller manager without its server, is ended.
  for _ in $(seq 100); do
    kill -0 "${pids[@]}" 2>/dev/null || break
    sleep 0.1
  done
  for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
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

# build_kube compiles the control plane that conformance/controlplane/go.mod names.
build_kube() {
  local home=$1 version ld target name
  version=$(sed -n 's|^require k8s.io/kubernetes \(v[^ ]*\).*|\1|p' "$here/controlplane/go.mod")
  ld="-s -w -X k8s.io/component-base/version.gitVersion=$version -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=$(cut -d. -f2 <<<"$version")"
  for target in etcd=go.etcd.io/etcd/server/v3 kube-apiserver=k8s.io/kubernetes/cmd/kube-apiserver \
    kube-controller-manager=k8s.io/kubernetes/cmd/kube-controller-manager kube-scheduler=k8s.io/kubernetes/cmd/kube-scheduler kubectl=k8s.io/kubernetes/cmd/kubectl; do
    name=${target%%=*}
    [ -x "$home/$name" ] || (cd "$here/controlplane" && CGO_ENABLED=0 go build -mod=mod -trimpath -ldflags "$ld" -o "$home/$name" "${target#*=}")
  done
}

start_kube() {
  local home=${KUBE_BIN:-$cache/kube-control-plane} dir=$work/kube etcd peer api
  mkdir -p "$home" "$dir"
  build_kube "$home"
  etcd=$(free_port) peer=$(free_port) api=$(free_port)
  openssl genrsa -out "$dir/sa.key" 2048 2>/dev/null
  openssl rsa -in "$dir/sa.key" -pubout -out "$dir/sa.pub" 2>/dev/null
  echo 'administrator,admin,admin,"system:masters"' >"$dir/tokens.csv"
  cat >"$dir/kubeconfig" <<K
apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: "https://127.0.0.1:$api", insecure-skip-tls-verify: true}}]
users: [{name: admin, user: {token: administrator}}]
contexts: [{name: test, context: {cluster: test, user: admin}}]
K
  kube_part etcd "$etcd" --data-dir "$dir/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls "http://127.0.0.1:$etcd" --advertise-client-urls "http://127.0.0.1:$etcd" \
    --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" --initial-cluster "default=http://127.0.0.1:$peer"
  kube_part kube-apiserver "$api" --etcd-servers="http://127.0.0.1:$etcd" --bind-address=127.0.0.1 --secure-port="$api" --advertise-address=10.0.0.1 \
    --cert-dir="$dir/certs" --service-cluster-ip-range=10.96.0.0/16 --service-account-issuer=https://kubernetes.default.svc \
    --service-account-key-file="$dir/sa.pub" --service-account-signing-key-file="$dir/sa.key" --authorization-mode=RBAC \
    --token-auth-file="$dir/tokens.csv" --disable-admission-plugins=ServiceAccount --endpoint-reconciler-type=none
  for _ in $(seq 300); do
    [ "$("$home/kubectl" --kubeconfig "$dir/kubeconfig" get --raw /readyz 2>/dev/null)" = ok ] && break
    sleep 0.1
  done
  # Nodes are lost after seconds here, not after most of a minute.
  kube_part kube-controller-manager "" --kubeconfig "$dir/kubeconfig" --leader-elect=false --use-service-account-credentials=false \
    --service-account-private-key-file="$dir/sa.key" --root-ca-file="$dir/certs/apiserver.crt" --secure-port=0 \
    --node-monitor-period=1s --node-monitor-grace-period=6s \
    --controllers='*,-node-ipam-controller,-cloud-node-lifecycle-controller,-service-lb-controller,-node-route-controller'
  kube_part kube-scheduler "" --kubeconfig "$dir/kubeconfig" --leader-elect=false --secure-port=0
  export DRIVECAST_TEST_KUBECONFIG=$dir/kubeconfig DRIVECAST_TEST_KUBECTL=$home/kubectl
}

# kube_part NAME PORT ARGS… starts one program of the control plane.
kube_part() {
  local name=$1 port=$2
  shift 2
  "$home/$name" "$@" >"$work/$name.log" 2>&1 &
  pids+=($!)
  [ -z "$port" ] || await "$name" "$port" $! "$work/$name.log"
}

for service in $wanted; do "start_$service"; done
"$@"
