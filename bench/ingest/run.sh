#!/bin/sh
# Times our way from the daily files of drive statistics to features, and that of
# polars and duckdb, in one run on two processors, and prints the ratios.
#
# usage: bench/ingest/run.sh FOLDER [DATA]
#
# FOLDER keeps the Python environment of the peers (FOLDER/venv, made from
# requirements.txt; set PYTHON to use another one). DATA holds the daily files
# (default: $DRIVE_DATA/backblaze/2013_daily). Every program reads the same columns
# and makes the same 7-day differences; ours makes its other features of that week
# too. The sums of values and differences must agree, or there is no timing.
# ROUNDS (5) runs go in turn, so that a busy machine is busy for all; the best
# time of each counts.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?usage: run.sh FOLDER [DATA]}
data=${2:-${DRIVE_DATA:?name the folder of daily files, or set DRIVE_DATA}/backblaze/2013_daily}
rounds=${ROUNDS:-5}
peers="polars polars-sorted duckdb duckdb-asof"
mkdir -p "$dir"
python=${PYTHON:-$dir/venv/bin/python}
if [ ! -x "$python" ]; then
	python3 -m venv "$dir/venv"
	"$dir/venv/bin/pip" install -q -r "$here/requirements.txt"
fi
(cd "$here/../.." && go build -o "$dir/fold" ./bench/ingest/fold)
# With more processors than two, all programs are held to the first two.
hold=
[ "$(nproc)" -le 2 ] || hold="taskset -c 0,1"

$hold "$dir/fold" "$data" | grep '^sum' | LC_ALL=C sort >"$dir/ours.sums"
for peer in $peers; do
	$hold "$python" -W ignore "$here/peers.py" "$peer" "$data" | grep '^sum' | LC_ALL=C sort >"$dir/peer.sums"
	if ! cmp -s "$dir/ours.sums" "$dir/peer.sums"; then
		echo "the sums of $peer differ:"
		diff "$dir/ours.sums" "$dir/peer.sums" || true
		exit 1
	fi
done
if ! [ -s "$dir/ours.sums" ]; then
	echo "nothing was read from $data; name the folder of the daily files"
	exit 1
fi
echo "the sums of all programs agree: $(grep -c . "$dir/ours.sums") of them over $(sed -n 's/^sum rows //p' "$dir/ours.sums") rows"

i=0
while [ $i -lt "$rounds" ]; do
	$hold "$dir/fold" "$data" | grep wall
	for peer in $peers; do $hold "$python" -W ignore "$here/peers.py" "$peer" "$data" | grep wall; done
	i=$((i + 1))
done | awk '{ split($1, part, "-"); lib = part[1]
	if (!(lib in wall) || $3 < wall[lib]) wall[lib] = $3
	if (!(lib in cpu) || $5 < cpu[lib]) cpu[lib] = $5 }
END { printf "%-8s %8s %8s %12s %12s\n", "", "wall s", "cpu s", "wall / ours", "cpu / ours"
	n = split("ours polars duckdb", order, " ")
	for (k = 1; k <= n; k++) { l = order[k]; printf "%-8s %8.3f %8.3f %12.2f %12.2f\n", l, wall[l], cpu[l], wall[l] / wall["ours"], cpu[l] / cpu["ours"] } }'
