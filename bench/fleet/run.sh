#!/bin/sh
# Measures reading and scoring at the size of a large operator.
#
# usage: bench/fleet/run.sh FOLDER [MODEL]
#
# Makes DAYS (9; a quarter is 90) daily files of DRIVES (250000) drives with 60
# columns in FOLDER, about 66 MB a day; reads them all, every column parsed, with
# windows kept on 16 attributes; and with MODEL, the folder of a model that
# `drivecast train` made of daily statistics, keeps the history of all days but the
# last in a state file and times the scoring of the last day: state loaded, day
# read, drives ranked, state saved.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?usage: run.sh FOLDER [MODEL]}
days=${DAYS:-9}
drives=${DRIVES:-250000}
mkdir -p "$dir"
(cd "$here/../.." && go build -o "$dir/fleet" ./bench/fleet && go build -o "$dir/drivecast" ./cmd/drivecast)
if [ "$(ls "$dir/days" 2>/dev/null | wc -l)" -ne "$days" ]; then
	rm -rf "$dir/days"
	"$dir/fleet" make -drives "$drives" -days "$days" "$dir/days"
fi
STATE=$dir/read.state "$dir/fleet" read "$dir/days"
[ $# -gt 1 ] || exit 0
last=$(ls "$dir/days" | tail -n 1)
rm -rf "$dir/before" "$dir/fleet.state"
mkdir "$dir/before"
for f in "$dir/days"/*.csv; do [ "${f##*/}" = "$last" ] || ln "$f" "$dir/before/"; done
"$dir/drivecast" predict -m "$2" --data "$dir/before" --state "$dir/fleet.state" -o "$dir/before.csv"
time "$dir/drivecast" predict -m "$2" --data "$dir/days/$last" --state "$dir/fleet.state" -o "$dir/ranked.csv"
