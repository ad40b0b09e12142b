"""Fits 100 trees of depth 10 to the table at sys.argv[1] and saves them for MLflow at sys.argv[2]."""

import sys

import mlflow
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

d = pd.read_csv(sys.argv[1])
x, y = d[["capacity_bytes", "lifetime", "model_encoded"]].astype(float), d["failure"]
model = RandomForestClassifier(n_estimators=100, max_depth=10, random_state=42).fit(x, y)
extra = {"serialization_format": "cloudpickle"} if mlflow.__version__.startswith("3.") else {}
mlflow.sklearn.save_model(model, sys.argv[2], signature=mlflow.models.infer_signature(x, y), **extra)
