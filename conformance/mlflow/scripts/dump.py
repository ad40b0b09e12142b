"""Prints everything that the store at sys.argv[1] has, as one JSON text, through
MLflow's client."""

import json
import sys

import mlflow
from mlflow.entities import ViewType
from mlflow.tracking import MlflowClient

mlflow.set_tracking_uri(sys.argv[1])
c = MlflowClient()


def plain(x):
    if isinstance(x, float) and x != x:
        return "NaN"
    if isinstance(x, float) and abs(x) == float("inf"):
        return 1.7976931348623157e308 if x > 0 else -1.7976931348623157e308  # databases cannot keep it
    if isinstance(x, (str, int, float, bool, type(None))):
        return x
    if isinstance(x, dict):
        return {str(k): plain(v) for k, v in sorted(x.items())}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    return str(x)


def unique(points):
    """The points once each: MLflow's file store keeps exact repeats."""
    return [p for i, p in enumerate(points) if p not in points[:i]]


def sorted_by(key, items):
    return sorted(items, key=lambda i: i[key])


def run(r):
    i = r.info
    out = {k: plain(getattr(i, k)) for k in ("run_id", "run_name", "experiment_id", "user_id", "status", "start_time", "end_time", "lifecycle_stage", "artifact_uri")}
    out.update(params=plain(r.data.params), tags=plain(r.data.tags), metrics=plain(r.data.metrics))
    out["history"] = {k: unique(sorted([plain([m.value, m.timestamp, m.step]) for m in c.get_metric_history(i.run_id, k)], key=str)) for k in sorted(r.data.metrics)}
    if getattr(r, "inputs", None):
        out["inputs"] = sorted([plain([d.dataset.name, d.dataset.digest, d.dataset.source_type, d.dataset.source, d.dataset.schema, d.dataset.profile,
                                       sorted([t.key, t.value] for t in d.tags)]) for d in r.inputs.dataset_inputs], key=str)
    if getattr(r, "outputs", None) and r.outputs.model_outputs:
        out["outputs"] = sorted(plain([[o.model_id, o.step] for o in r.outputs.model_outputs]))
    return out


def version(v):
    out = {k: plain(getattr(v, k)) for k in ("name", "creation_timestamp", "last_updated_timestamp", "current_stage", "source", "run_id", "status", "tags")}
    return dict(out, version=int(v.version), description=v.description or "", aliases=sorted(c.get_model_version(v.name, v.version).aliases))


def model(m):
    out = {k: plain(getattr(m, k)) for k in ("model_id", "experiment_id", "name", "creation_timestamp", "last_updated_timestamp", "artifact_location", "model_type",
                                             "source_run_id", "params", "tags")}
    out["status"] = str(m.status)
    out["metrics"] = unique(sorted([plain([x.key, x.value, x.timestamp, x.step, x.run_id]) for x in m.metrics or []], key=str))
    return out


experiments = sorted(c.search_experiments(view_type=ViewType.ALL), key=lambda e: e.name)
dump = {"experiments": [], "runs": [], "models": [], "registered": [], "versions": []}
for e in experiments:
    out = {k: plain(getattr(e, k)) for k in ("experiment_id", "name", "lifecycle_stage", "creation_time", "last_update_time", "tags", "artifact_location")}
    if e.name == "Default":
        out = {"name": "Default"}  # every store makes its own
    dump["experiments"].append(out)
    dump["runs"] += [run(c.get_run(r.info.run_id)) for r in c.search_runs([e.experiment_id], run_view_type=ViewType.ALL)]
    if hasattr(c, "search_logged_models"):
        dump["models"] += [model(m) for m in c.search_logged_models([e.experiment_id])]
dump["runs"] = sorted_by("run_id", dump["runs"])
dump["models"] = sorted_by("model_id", dump["models"])
for m in sorted(c.search_registered_models(), key=lambda m: m.name):
    full = c.get_registered_model(m.name)
    dump["registered"].append({"name": m.name, "description": full.description or "", "tags": plain(full.tags), "created": m.creation_timestamp,
                               "updated": m.last_updated_timestamp, "aliases": {k: int(v) for k, v in full.aliases.items()}})
    dump["versions"] += sorted([version(v) for v in c.search_model_versions(f"name = '{m.name}'")], key=lambda v: v["version"])
print(json.dumps(dump, indent=1, sort_keys=True))
