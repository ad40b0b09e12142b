"""Fills the store at sys.argv[1] (any tracking URI) with something of everything."""

import math
import sys

import mlflow
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient
from sklearn.linear_model import LogisticRegression

uri, artifacts = sys.argv[1], sys.argv[2]
mlflow.set_tracking_uri(uri)
MAJOR = int(mlflow.__version__.split(".")[0])
c = MlflowClient()
fleet = c.create_experiment("fleet", artifact_location=artifacts + "/fleet", tags={"team": "storage", "mlflow.note.content": "what it is\nfor"})
gone = c.create_experiment("gone", artifact_location=artifacts + "/gone")
runs = []
for i in range(4):
    rid = c.create_run(fleet, start_time=1_700_000_000_000 + i, run_name=f"run-{i}", tags={"n": str(i), "odd key/with slash": "größe"}).info.run_id
    c.log_batch(rid, [Metric("loss", 1 / (s + 1), 1_700_000_000_000 + s, s) for s in range(30 * i)], [Param("p/q", str(i)), Param("empty", "")], [RunTag("t", "x" * 100)])
    c.log_metric(rid, "nan", math.nan, timestamp=5, step=1)
    c.log_metric(rid, "inf", math.inf, timestamp=5, step=1)
    c.log_metric(rid, "dir/deep metric", -0.1, timestamp=5, step=-3)
    runs.append(rid)
c.set_terminated(runs[0], "FINISHED", end_time=1_700_000_009_000)
c.set_terminated(runs[1], "FAILED", end_time=1_700_000_009_001)
c.delete_run(runs[2])
other = c.create_run(gone, start_time=1).info.run_id
c.log_metric(other, "m", 1, timestamp=1)
c.delete_experiment(gone)
if MAJOR >= 2:
    import numpy as np
    data = mlflow.data.from_numpy(np.arange(6.0).reshape(3, 2), name="drives")
    with mlflow.start_run(run_id=runs[3]):
        mlflow.log_input(data, context="training")
        kw = {"artifact_path": "model"} if MAJOR < 3 else {"name": "model"}
        mlflow.sklearn.log_model(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), **kw)
        if MAJOR >= 3:
            m = mlflow.initialize_logged_model(name="other", params={"depth": "3"}, tags={"k": "v"}, model_type="tree")
            mlflow.log_metric("auc", 0.75, model_id=m.model_id, step=2, timestamp=7)
            mlflow.finalize_logged_model(m.model_id, "READY")
c.create_registered_model("predictor", tags={"a": "1"}, description="what it does")
for i in range(3):
    c.create_model_version("predictor", c.get_run(runs[i if i < 2 else 3]).info.artifact_uri + "/m", runs[i if i < 2 else 3], tags={"gate": str(i)}, description=f"v{i}")
c.transition_model_version_stage("predictor", "1", "Staging")
c.set_registered_model_alias("predictor", "champion", "2")
c.delete_model_version("predictor", "3")
c.create_registered_model("empty")
