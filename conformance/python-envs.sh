#!/usr/bin/env bash
# Makes one Python environment for each file in conformance/envs, outside the
# checkout, and prints the shell lines that tell the tests where they are:
#
#   eval "$(conformance/python-envs.sh)"
#
# An environment is made once for the contents of its file and the version of
# Python, and kept in $DRIVECAST_CACHE (default: ~/.cache/drivecast).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${DRIVECAST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/drivecast}
python=${PYTHON:-python3}
command -v "$python" >/dev/null || { echo "python-envs: $python is not installed; install Python 3.11 or set PYTHON" >&2; exit 1; }
release=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')

make_env() { # name file
  local name=$1 file=$2 key dir
  key=$( (echo "$release"; cat "$file") | sha256sum | cut -c1-12)
  dir=$cache/python/$name-$key
  if [ ! -e "$dir/ready" ]; then
    echo "python-envs: making $name (once)" >&2
    rm -rf "$dir"
    mkdir -p "$(dirname "$dir")"
    "$python" -m venv "$dir" >&2
    "$dir/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$file" >&2
    touch "$dir/ready"
  fi
  echo "export DRIVECAST_PY_$(echo "$name" | tr '[:lower:]' '[:upper:]')=$dir/bin/python"
}

for file in "$here"/envs/*.txt; do
  make_env "$(basename "$file" .txt)" "$file"
done
