#!/bin/sh
# Times the scoring of whole files from the command line: `drivecast predict` and what
# people run in Python instead, each a process of its own from its start to the
# written answers, which must agree.
#
# usage: bench/batch/run.sh FOLDER
#
# FOLDER keeps files, models and the Python environment of the peers (FOLDER/venv, made
# from requirements.txt; set PYTHON to use another one). ROWS (2000000) rows go through
# a forest of scikit-learn (100 trees of depth 10, 3 columns), a quarter of them
# through 100 trees of XGBoost (31 leaves, 20 columns). ROUNDS (3) runs go in turn, the
# best time of each counts.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?usage: run.sh FOLDER}
rounds=${ROUNDS:-3}
mkdir -p "$dir"
python=${PYTHON:-$dir/venv/bin/python}
if [ ! -x "$python" ]; then
	python3 -m venv "$dir/venv"
	"$dir/venv/bin/pip" install -q -r "$here/requirements.txt"
fi
(cd "$here/../.." && go build -o "$dir/drivecast" ./cmd/drivecast)
if [ ! -f "$dir/boosted.parquet" ]; then
	"$python" "$here/peers.py" make "$dir" "${ROWS:-2000000}"
	"$python" "$here/peers.py" convert "$dir/forest.joblib" "$dir/forest.onnx"
fi

# timed NAME COMMAND... prints the name and the seconds of wall time.
timed() {
	name=$1
	shift
	"$python" -c 'import subprocess, sys, time
t = time.perf_counter()
subprocess.run(sys.argv[2:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(sys.argv[1], time.perf_counter() - t)' "$name" "$@"
}

# compare WHAT FILE MODEL PEER:MODEL... prints a line for each program.
compare() {
	what=$1 file=$2 model=$3
	shift 3
	"$dir/drivecast" predict -m "$dir/$model" --data "$dir/$file" -o "$dir/ours.csv" 2>/dev/null
	for peer in "$@"; do
		"$python" "$here/peers.py" "${peer%:*}" "$dir/${peer#*:}" "$dir/$file" "$dir/peer-${peer%:*}.csv"
		"$python" "$here/peers.py" check "$dir/ours.csv" "$dir/peer-${peer%:*}.csv"
	done
	i=0
	while [ $i -lt "$rounds" ]; do
		timed drivecast "$dir/drivecast" predict -m "$dir/$model" --data "$dir/$file" -o "$dir/ours.csv"
		for peer in "$@"; do timed "${peer%:*}" "$python" "$here/peers.py" "${peer%:*}" "$dir/${peer#*:}" "$dir/$file" "$dir/peer.csv"; done
		i=$((i + 1))
	done | awk -v what="$what" '{ if (!($1 in best) || $2 < best[$1]) best[$1] = $2 }
	END { for (p in best) if (p != "drivecast" && (!low || best[p] < low)) low = best[p]
		printf "%s: drivecast %.2f s", what, best["drivecast"]
		for (p in best) if (p != "drivecast") printf ", %s %.2f s", p, best[p]
		printf ", best peer / drivecast %.1f\n", low / best["drivecast"] }'
}

for kind in csv parquet; do
	compare "forest, $kind" forest.$kind forest.joblib pandas:forest.joblib polars:forest.joblib onnx:forest.onnx
	compare "XGBoost, $kind" boosted.$kind boosted.json xgboost:boosted.json
done
