"""Fits 100 trees of depth 10 to the table at sys.argv[1] and saves them at sys.argv[2]: as a
joblib file when its name says so, else as MLflow's folder."""

import sys

import pandas as pd
from sklearn.ensemble import RandomForestClassifier

d = pd.read_csv(sys.argv[1])
x, y = d[["capacity_bytes", "lifetime", "model_encoded"]].astype(float), d["failure"]
model = RandomForestClassifier(n_estimators=100, max_depth=10, random_state=42)
if sys.argv[2].endswith(".joblib"):
    import joblib

    joblib.dump(model.fit(x.to_numpy(), y), sys.argv[2])
else:
    import mlflow

    extra = {"serialization_format": "cloudpickle"} if mlflow.__version__.startswith("3.") else {}
    mlflow.sklearn.save_model(model.fit(x, y), sys.argv[2], signature=mlflow.models.infer_signature(x, y), **extra)
