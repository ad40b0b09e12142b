"""Loads every model that the runs of the store at sys.argv[1] logged, from its files."""

import sys

import mlflow
from mlflow.tracking import MlflowClient

mlflow.set_tracking_uri(sys.argv[1])
c = MlflowClient()
loaded = 0
for e in c.search_experiments():
    for r in c.search_runs([e.experiment_id]):
        if "mlflow.log-model.history" in r.data.tags:
            m = mlflow.sklearn.load_model(f"runs:/{r.info.run_id}/model")
            loaded += m.predict([[0.0], [1.0]]).tolist() == [0, 1]
    if hasattr(c, "search_logged_models"):
        for lm in c.search_logged_models([e.experiment_id]):
            if lm.name == "model":
                m = mlflow.sklearn.load_model(f"models:/{lm.model_id}")
                loaded += m.predict([[0.0], [1.0]]).tolist() == [0, 1]
assert loaded == 1, loaded
