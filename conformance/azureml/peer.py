"""Prints what azure-ai-ml makes of the command, sweep and pipeline jobs in a copy of a folder.

    peer.py FOLDER COPY

One JSON object, file -> properties. Code folders that are missing are made empty
in the copy. Files that the SDK cannot load are passed over.
"""

import json
import logging
import os
import re
import shutil
import sys
import warnings

import yaml

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
from azure.ai.ml import load_job  # noqa: E402


def make_code(document, folder):
    values = document.values() if isinstance(document, dict) else document
    if isinstance(document, dict):
        code = document.get("code")
        if isinstance(code, str) and ":" not in code and "$" not in code:
            os.makedirs(os.path.join(folder, code), exist_ok=True)
    for v in values:
        if isinstance(v, (dict, list)):
            make_code(v, folder)


def environment(text):
    """The SDK has an object where the id stands once the environment is made."""
    if not str(text).startswith("Environment("):
        return text
    return "CliV2AnonymousEnvironment:" + re.search(r"'version': '(\w+)'", text).group(1)


def properties(path):
    job = load_job(path)
    if hasattr(job, "_to_job"):
        job = job._to_job()
    out = job._to_rest_object().as_dict()["properties"]
    for part in (out, out.get("trial", {})):
        if "environmentId" in part:
            part["environmentId"] = environment(str(part["environmentId"]))
    return out


def is_job(document):
    schema = str(document.get("$schema", "")).lower()
    if schema:
        return re.search(r"(command|sweep|pipeline)job", schema)
    if "jobs" in document or document.get("type") == "pipeline":
        return True
    return document.get("type") in ("command", "sweep") and "version" not in document and "is_deterministic" not in document


def main(folder, copy):
    shutil.copytree(folder, copy)
    documents = {}
    for root, _, names in os.walk(copy):
        for name in names:
            if name.endswith((".yml", ".yaml")):
                path = os.path.join(root, name)
                try:
                    with open(path) as f:
                        documents[path] = yaml.safe_load(f)
                except Exception:
                    continue
    for path, document in documents.items():
        if isinstance(document, dict):
            make_code(document, os.path.dirname(path))
    out = {}
    for path, document in sorted(documents.items()):
        if not isinstance(document, dict) or not is_job(document):
            continue
        try:
            out[os.path.relpath(path, copy)] = properties(path)
        except BaseException as e:
            print(path, type(e).__name__, file=sys.stderr)
    json.dump(out, sys.stdout, default=str)


main(*sys.argv[1:])
