#!/bin/sh
# Times versions of data against DVC: 20,000 files of 2 KiB in 100 folders are added,
# compared, pushed to a folder, and pushed again when there is nothing to do.
#
# usage: bench/data/run.sh FOLDER
#
# FOLDER keeps the Python environment of the peer (FOLDER/venv, made from
# requirements.txt; set DVC to use another program). The programs take turns,
# ROUNDS (3) times, each in fresh folders: file systems are slow to give away places
# that were just freed, so nothing is removed before the end. The best wall time of
# each counts. Both must name the whole by the same hash.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mkdir -p "$1" && cd "$1" && pwd)
rounds=${ROUNDS:-3}
export DVC_NO_ANALYTICS=1
dvc=${DVC:-$dir/venv/bin/dvc}
if [ ! -x "$dvc" ]; then
	python3 -m venv "$dir/venv"
	"$dir/venv/bin/pip" install -q -r "$here/requirements.txt"
fi
(cd "$here/../.." && CGO_ENABLED=0 go build -o "$dir/drivecast" ./cmd/drivecast)
work=$(mktemp -d "$dir/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

fill() {
	python3 - "$1" <<'E'
import os, random, sys
bytes_of = random.Random(7).randbytes
for folder in range(100):
    os.makedirs(f"{sys.argv[1]}/data/{folder:02d}")
for i in range(20000):
    with open(f"{sys.argv[1]}/data/{i % 100:02d}/{i}.bin", "wb") as f:
        f.write(bytes_of(2048))
E
}

# step WHO WHAT COMMAND… prints how long a command took.
step() {
	who=$1 what=$2
	shift 2
	began=$(date +%s%N)
	"$@" >/dev/null 2>"$work/fault" || { cat "$work/fault" >&2; exit 1; }
	echo "$who $what $(($(date +%s%N) - began))"
}

all() { # WHO COMMAND…
	at=$work/$1.$i
	name=$1
	shift
	fill "$at"
	sync
	cd "$at"
	git init -q .
	"$@" init >/dev/null
	"$@" remote add -d r "$at.remote" >/dev/null
	sleep 1
	step "$name" add "$@" add data
	for _ in 1 2 3; do step "$name" status "$@" status; done
	step "$name" push "$@" push
	for _ in 1 2 3; do step "$name" again "$@" push; done
	sed -n 's/^- md5: //p' data.dvc >>"$work/hashes"
	cd "$work"
}

i=0
while [ $i -lt "$rounds" ]; do
	all drivecast "$dir/drivecast" data
	all dvc "$dvc"
	i=$((i + 1))
done >"$work/times"
[ "$(sort -u "$work/hashes" | wc -l)" = 1 ] || { echo "the hashes differ:"; cat "$work/hashes"; exit 1; }
awk '{ k = $1 " " $2; if (!(k in best) || $3 < best[k]) best[k] = $3 }
END { printf "%-24s %12s %12s %8s\n", "", "drivecast s", "DVC s", "ratio"
	n = split("add status push again", order, " ")
	for (k = 1; k <= n; k++) { a = best["drivecast " order[k]] / 1e9; b = best["dvc " order[k]] / 1e9
		printf "%-24s %12.3f %12.3f %8.1f\n", order[k], a, b, b / a } }' "$work/times"
