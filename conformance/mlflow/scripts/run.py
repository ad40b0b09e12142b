"""Runs every check of this folder with the mlflow that is installed, against the
server at sys.argv[1], and prints one JSON line for each: name, ok, seconds and,
for a failure, the traceback. Further arguments choose checks by name."""

import importlib
import inspect
import json
import os
import sys
import time
import traceback
import warnings

warnings.filterwarnings("ignore")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("SETUPTOOLS_USE_DISTUTILS", "stdlib")  # mlflow 2.4 imports distutils first

import mlflow  # noqa: E402


def checks():
    for module in ("tracking", "search", "artifacts", "registry", "models", "learning", "shell"):
        for name, f in inspect.getmembers(importlib.import_module(module), inspect.isfunction):
            if name.startswith("check_") and f.__module__ == module:
                yield f"{module}/{name[6:]}", f


def main():
    url, chosen = sys.argv[1], sys.argv[2:]
    mlflow.set_tracking_uri(url)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the libraries print is not ours
    failed = False
    for name, f in checks():
        if chosen and not any(c in name for c in chosen):
            continue
        record, start = {"name": name, "ok": True}, time.time()
        try:
            f()
        except BaseException:
            record.update(ok=False, error=traceback.format_exc())
            failed = True
        finally:
            while mlflow.active_run():
                mlflow.end_run()
        record["seconds"] = round(time.time() - start, 2)
        print(json.dumps(record), file=out, flush=True)
    sys.exit(1 if failed else 0)


main()
