#!/bin/sh
# Times our learners and kernels and their peers in one run and prints the ratios.
#
# usage: bench/learn/run.sh FOLDER [fit|forest|predict|all]
#
# FOLDER keeps the data, the models and a Python environment of the peers
# (FOLDER/venv, made from requirements.txt; set PYTHON to use another one).
# ROWS (1000000) and ROUNDS (100) shrink the training runs. Ratios are of
# processor time: they bear a busy machine better than wall time, which is
# printed too. Nothing is asserted.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?usage: run.sh FOLDER [fit|forest|predict|all]}
what=${2:-all}
rows=${ROWS:-1000000}
rounds=${ROUNDS:-100}
mkdir -p "$dir"
python=${PYTHON:-$dir/venv/bin/python}
if [ ! -x "$python" ]; then
	python3 -m venv "$dir/venv"
	"$dir/venv/bin/pip" install -q -r "$here/requirements.txt"
fi
[ -f "$dir/y.bin" ] || "$python" "$here/peers.py" make "$dir" "$rows"
(cd "$here/../.." && go build -o "$dir/fit" ./bench/learn/fit && go build -o "$dir/predict" ./bench/learn/predict)

# ratios reads timing lines and prints each peer's processor time over ours.
ratios() {
	awk '{ for (i = 1; i <= NF; i++) if ($i == "cpu") c = $(i+1)
		print
		if ($1 == "ours") ours = c
		else { name[++n] = $1; cost[n] = c } }
	END { for (i = 1; i <= n; i++) { printf "  %s / ours: %.2f\n", name[i], cost[i] / ours; if (!low || cost[i] < low) low = cost[i] }
		if (n) printf "  fastest peer / ours: %.2f\n", low / ours }'
}

if [ "$what" = fit ] || [ "$what" = all ]; then
	for leaves in 31 255; do
		for threads in 1 2; do
			{
				"$dir/fit" -data "$dir" -rows "$rows" -leaves $leaves -workers $threads -trees "$rounds"
				for peer in lgbq lgb xgb hgb; do
					"$python" "$here/peers.py" fit "$dir" $peer "$rows" $leaves $threads "$rounds"
				done
			} | ratios
		done
	done
fi
if [ "$what" = forest ] || [ "$what" = all ]; then
	for n in 100000 "$rows"; do
		trees=$rounds
		[ "$n" -le 100000 ] || trees=$((rounds / 10))
		{
			"$dir/fit" -data "$dir" -learner forest -rows "$n" -trees "$trees"
			"$python" "$here/peers.py" fit "$dir" rf "$n" 0 1 "$trees"
		} | ratios
	done
fi
if [ "$what" = predict ] || [ "$what" = all ]; then
	[ -f "$dir/rf.json" ] || "$python" "$here/peers.py" models "$dir"
	for model in rf lgb xgb; do
		"$python" "$here/peers.py" predict "$dir" $model
		[ $model = rf ] && "$python" "$here/peers.py" shap "$dir"
		"$dir/predict" -data "$dir" -model $model
	done
fi
