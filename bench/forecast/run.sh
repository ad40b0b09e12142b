#!/bin/sh
# Walks forward through 26 days of real statistics, beside other libraries given
# the same features. usage: bench/forecast/run.sh DAILY_FOLDER PYTHON
set -eu
data=$1 python=$2
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/drivecast" ./cmd/drivecast
go run ./bench/forecast/export "$data" "$work/features.csv"
untils="2013-04-13 2013-04-15 2013-04-17"
mkdir "$work/ours"
for until in $untils; do
  "$work/drivecast" train --data "$data" --until "$until" --horizon 7d --out "$work/model" >/dev/null 2>&1
  "$work/drivecast" predict -m "$work/model" --data "$data" --from "$(date -d "$until + 8 days" +%F)" --to 2013-04-28 -o "$work/ours/$until.csv" 2>/dev/null
done
"$python" bench/forecast/peers.py "$work/features.csv" "$work/ours" $untils
