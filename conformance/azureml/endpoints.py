"""Prints what azure-ai-ml makes of the online endpoints and deployments below a folder.

    endpoints.py FOLDER

One JSON object, file -> REST body. Models, environments and code become the names that
the SDK would register, so they are left out. Files that the SDK cannot load are passed over.
"""

import json
import logging
import os
import sys
import tempfile
import warnings

import yaml

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
from azure.ai.ml import load_online_deployment, load_online_endpoint  # noqa: E402


def plain(rest):
    return rest.serialize() if hasattr(rest, "serialize") else rest.as_dict()


def body(path, text):
    if "OnlineEndpoint.schema" in text:
        return plain(load_online_endpoint(path)._to_rest_online_endpoint("here"))
    document = yaml.safe_load(text)
    for key in ("model", "environment"):  # of files that are not all there
        if key in document:
            document[key] = "azureml:x:1"
    document.pop("code_configuration", None)
    document.setdefault("endpoint_name", "given-by-flag")
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as f:
        yaml.safe_dump(document, f)
        f.flush()
        out = plain(load_online_deployment(f.name)._to_rest_object("here"))
    for key in ("model", "environmentId"):
        out["properties"].pop(key, None)
    return out


def main(folder):
    out = {}
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            path = os.path.join(root, name)
            if not name.endswith((".yml", ".yaml")):
                continue
            with open(path, encoding="utf-8") as f:
                text = f.read()
            if "OnlineEndpoint.schema" not in text and "OnlineDeployment.schema" not in text:
                continue
            if "{insert" in text:  # a form that nobody has filled in
                continue
            try:
                out[os.path.relpath(path, folder)] = body(path, text)
            except Exception as e:
                print(f"{path}: {type(e).__name__}", file=sys.stderr)
    json.dump(out, sys.stdout)


main(sys.argv[1])
