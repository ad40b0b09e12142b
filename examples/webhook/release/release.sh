#!/bin/sh
# release.sh ONE TWO HELDOUT NAME IMAGE: judges two models, and releases the better one if it may be.
set -eu
one=$1/model two=$2/model heldout=$3 name=$4 image=$5
mkdir -p outputs # kept with the run

# The second takes the place of the first only when it is shown to be no worse.
better=$two
drivecast ci gate --file compare.yaml --model "$two" --champion "$one" --data "$heldout" --out outputs/compare.json || better=$one
test -f outputs/compare.json # refused is an answer, a fault is not

drivecast models list >models.txt
champion=
if grep -q "^$name .*champion=" models.txt; then champion=models:/$name@champion; fi
status=0
drivecast ci gate --file drivecast.yaml --model "$better" --champion "$champion" --data "$heldout" --out outputs/gate.json || status=$?
if [ -f outputs/gate.json ]; then drivecast ci report outputs/gate.json >outputs/report.md; fi
[ "$status" = 0 ] || exit "$status"

drivecast models register "$name" "$better" --gate outputs/gate.json | tee registered.txt
version=$(sed -n 's/^version \([0-9]*\) of .*/\1/p' registered.txt)
drivecast image build --model "models:/$name/$version" --output "$image:v$version"
drivecast models promote "$name" "$version" --gate outputs/gate.json --why "the gate let it in"
if ! sh deploy.sh "$image:v$version"; then
  drivecast models rollback "$name" --why "the deployment of version $version failed"
  exit 1
fi
