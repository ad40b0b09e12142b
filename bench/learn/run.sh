#!/bin/sh
# Times our learners and kernels and their peers in one run and prints the ratios.
#
# usage: bench/learn/run.sh FOLDER [exact|linear|metrics|fit|forest|predict|scale|all]
#
# FOLDER keeps the data, the models and a Python environment of the peers
# (FOLDER/venv, made from requirements.txt; set PYTHON to use another one).
# ROWS (1000000) and ROUNDS (100) shrink the training runs. Ratios are of
# processor time: they bear a busy machine better than wall time, which is
# printed too. Nothing is asserted. DRIVE_DATA (the folder of real data) adds the
# seed project's table. scale writes FOLDER/scale.tsv, which bench/learn/plot
# draws; its ten million rows take 5 GB (PANELS="columns workers" makes only those).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?usage: run.sh FOLDER [exact|linear|metrics|fit|forest|predict|scale|all]}
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
(cd "$here/../.." && go build -o "$dir/fit" ./bench/learn/fit && go build -o "$dir/predict" ./bench/learn/predict && go build -o "$dir/measure" ./bench/learn/measure)

# ratios reads timing lines and prints each peer's processor time over ours.
ratios() {
	awk '{ for (i = 1; i <= NF; i++) if ($i == "cpu") c = $(i+1)
		print
		if ($1 == "ours") ours = c
		else { name[++n] = $1; cost[n] = c } }
	END { for (i = 1; i <= n; i++) { printf "  %s / ours: %.2f\n", name[i], cost[i] / ours; if (!low || cost[i] < low) low = cost[i] }
		if (n) printf "  fastest peer / ours: %.2f\n", low / ours }'
}

if [ -n "${DRIVE_DATA:-}" ] && [ ! -f "$dir/seed/y.bin" ]; then
	"$python" "$here/peers.py" seed "$DRIVE_DATA/seed/hdd_balanced_dataset.csv" "$dir/seed"
fi
if [ "$what" = exact ] || [ "$what" = all ]; then
	if [ -f "$dir/seed/y.bin" ]; then
		{
			"$dir/measure" -data "$dir/seed" -rows 0 -split 5 -repeat 10 exact
			"$python" "$here/peers.py" exact "$dir/seed" 0 1 100 5
		} | ratios
	fi
	{
		"$dir/measure" -data "$dir" -rows 100000 -trees "$rounds" exact
		"$python" "$here/peers.py" exact "$dir" 100000 1 "$rounds" 2
	} | ratios
fi
if [ "$what" = linear ] || [ "$what" = all ]; then
	if [ -f "$dir/seed/y.bin" ]; then
		{
			"$dir/measure" -data "$dir/seed" -rows 0 -repeat 300 linear
			"$python" "$here/peers.py" linear "$dir/seed" 0 1 100
		} | ratios
	fi
	for threads in 1 2; do
		{
			"$dir/measure" -data "$dir" -rows "$rows" -workers $threads -repeat 3 linear
			"$python" "$here/peers.py" linear "$dir" "$rows" $threads 3
		} | ratios
	done
fi
if [ "$what" = metrics ] || [ "$what" = all ]; then
	{
		"$dir/measure" -rows 10000000 -repeat 3 metrics
		"$python" "$here/peers.py" metrics 10000000 1
	} | ratios
fi
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
	"$python" "$here/peers.py" contribs "$dir"
	"$dir/predict" -data "$dir" -model contribs
fi
if [ "$what" = scale ]; then
	[ -f "$dir/scale/y.bin" ] || "$python" "$here/peers.py" make "$dir/scale" 10000000
	out=$dir/scale.tsv panels=" ${PANELS:-rows trees columns workers} "
	[ -n "${PANELS:-}" ] || : >"$out"
	# record SERIES X COMMAND...: the seconds of wall time that COMMAND prints.
	record() {
		series=$1 x=$2
		shift 2
		"$@" | awk -v s="$series" -v x="$x" '{ for (i = 1; i <= NF; i++) if ($i == "wall") print s "\t" x "\t" $(i+1) }' | tee -a "$out"
	}
	# drawn reports whether a panel is wanted, and forgets its old lines.
	drawn() {
		case $panels in *" $1 "*) ;; *) return 1 ;; esac
		touch "$out"
		sed -i "/^$1,/d" "$out"
	}
	drawn rows && for n in 10000 100000 1000000 10000000; do
		record "rows,drivecast GBDT" $n "$dir/fit" -data "$dir/scale" -rows $n -trees 20 -workers 2
		record "rows,LightGBM" $n "$python" "$here/peers.py" fit "$dir/scale" lgb $n 31 2 20
		record "rows,XGBoost" $n "$python" "$here/peers.py" fit "$dir/scale" xgb $n 31 2 20
		record "rows,drivecast HistForest" $n "$dir/fit" -data "$dir/scale" -learner forest -rows $n -trees 10 -workers 2
		record "rows,drivecast LogisticRegression" $n "$dir/measure" -data "$dir/scale" -rows $n -workers 2 linear
		[ $n -gt 100000 ] || record "rows,scikit-learn RandomForest" $n "$python" "$here/peers.py" exact "$dir/scale" $n 2 10 2
		[ $n -gt 1000000 ] || record "rows,drivecast exact forest" $n "$dir/measure" -data "$dir/scale" -rows $n -trees 10 -workers 2 exact
	done
	drawn trees && for t in 10 30 100 300; do
		record "trees,drivecast GBDT" $t "$dir/fit" -data "$dir" -rows 100000 -trees $t -workers 2
		record "trees,LightGBM" $t "$python" "$here/peers.py" fit "$dir" lgb 100000 31 2 $t
		record "trees,drivecast HistForest" $t "$dir/fit" -data "$dir" -learner forest -rows 100000 -trees $t -workers 2
		record "trees,drivecast exact forest" $t "$dir/measure" -data "$dir" -rows 20000 -trees $t -workers 2 exact
		record "trees,scikit-learn RandomForest" $t "$python" "$here/peers.py" exact "$dir" 20000 2 $t 2
	done
	drawn columns && for c in 2 5 10 20; do
		record "columns,drivecast exact forest" $c "$dir/measure" -data "$dir" -rows 20000 -cols $c -workers 2 exact
		record "columns,scikit-learn RandomForest" $c "$python" "$here/peers.py" exact "$dir" 20000 2 100 2 $c
		record "columns,drivecast GBDT" $c "$dir/fit" -data "$dir" -rows 100000 -cols $c -workers 2
	done
	drawn workers && for w in 1 2; do
		record "workers,drivecast GBDT" $w "$dir/fit" -data "$dir" -rows "$rows" -trees 20 -workers $w
		record "workers,LightGBM" $w "$python" "$here/peers.py" fit "$dir" lgb "$rows" 31 $w 20
		record "workers,drivecast HistForest" $w "$dir/fit" -data "$dir" -learner forest -rows 100000 -workers $w
		record "workers,drivecast exact forest" $w "$dir/measure" -data "$dir" -rows 20000 -workers $w exact
	done
fi
