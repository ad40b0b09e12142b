"""Autologging, evaluation and a search of hyperparameters."""

import inspect
import os

import mlflow
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from kit import MAJOR, client, experiment, fresh, same


def drives(n=60):
    r = np.random.default_rng(1)
    x = pd.DataFrame({"age": r.uniform(0, 5, n), "errors": r.poisson(1, n).astype(float)})
    return x, ((x.age + x.errors + r.normal(0, 0.5, n)) > 3.5).astype(int)


def check_autolog():
    x, y = drives()
    mlflow.set_experiment(fresh("autolog"))
    mlflow.sklearn.autolog(silent=True)
    try:
        with mlflow.start_run() as r:
            RandomForestClassifier(n_estimators=5, random_state=0).fit(x, y)
    finally:
        mlflow.sklearn.autolog(disable=True)
    run = client().get_run(r.info.run_id)
    same((run.data.params["n_estimators"], run.data.tags["estimator_name"]), ("5", "RandomForestClassifier"))
    assert 0.5 < run.data.metrics["training_accuracy_score"] <= 1, run.data.metrics
    same([t.value for i in run.inputs.dataset_inputs for t in i.tags], ["train"])
    paths = {f.path for f in client().list_artifacts(r.info.run_id)}
    assert "estimator.html" in paths, paths
    if MAJOR < 3:
        assert "model" in paths, paths
    else:
        same(len(run.outputs.model_outputs), 1)


def check_grid_search():
    x, y = drives()
    mlflow.set_experiment(fresh("grid"))
    mlflow.sklearn.autolog(silent=True, log_models=False)
    try:
        with mlflow.start_run() as r:
            GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0, 10.0]}, cv=2).fit(x, y)
    finally:
        mlflow.sklearn.autolog(disable=True)
    children = mlflow.search_runs(filter_string=f"tags.`mlflow.parentRunId` = '{r.info.run_id}'", order_by=["metrics.mean_test_score DESC"])
    same(sorted(children["params.C"]), ["0.1", "1.0", "10.0"])
    scores = list(children["metrics.mean_test_score"])
    same(scores, sorted(scores, reverse=True))


def check_evaluate():
    x, y = drives()
    data = x.assign(failure=y)
    mlflow.set_experiment(fresh("evaluate"))
    with mlflow.start_run() as r:
        model = LogisticRegression().fit(x, y)
        kw = {"artifact_path": "model"} if MAJOR < 3 else {"name": "model"}
        info = mlflow.sklearn.log_model(model, signature=mlflow.models.infer_signature(x, y), **kw)
        evaluate = mlflow.evaluate if MAJOR < 3 else mlflow.models.evaluate
        result = evaluate(info.model_uri, data, targets="failure", model_type="classifier", evaluators="default",
                          evaluator_config={"log_model_explainability": False, "explainability_algorithm": "permutation"})
    metrics = client().get_run(r.info.run_id).data.metrics
    for key in ("accuracy_score", "roc_auc", "f1_score"):
        assert abs(metrics[key] - result.metrics[key]) < 1e-12, key
    paths = {f.path for f in client().list_artifacts(r.info.run_id)}
    assert any("confusion_matrix" in p for p in paths), paths


def check_training_script():
    """The shape of an everyday script: two runs, a registry, a transition."""
    x, y = drives()
    name = fresh("hdd_failure_predictor")
    mlflow.set_experiment(fresh("training"))
    for model in (LogisticRegression(), RandomForestClassifier(n_estimators=5, random_state=0)):
        with mlflow.start_run(run_name=type(model).__name__) as r:
            model.fit(x, y)
            mlflow.log_params(model.get_params())
            mlflow.log_metrics({"accuracy": model.score(x, y)})
            kw = {"skops_trusted_types": ["sklearn.tree._tree.Tree"]} if "skops_trusted_types" in inspect.signature(mlflow.sklearn.log_model).parameters else {}
            mlflow.sklearn.log_model(model, "model", **kw)
        v = mlflow.register_model(f"runs:/{r.info.run_id}/model", name)
        client().transition_model_version_stage(name, v.version, "Staging", archive_existing_versions=True)
    best = mlflow.search_runs(order_by=["metrics.accuracy DESC"], max_results=1)
    same(list(best["tags.mlflow.runName"]), ["RandomForestClassifier"])
    same([int(v.version) for v in client().get_latest_versions(name, ["Staging"])], [2])
    same(list(mlflow.sklearn.load_model(f"models:/{name}/Staging").predict(x)), list(model.predict(x)))


def check_seed_table():
    """The original table, where it is at hand: both models, the registry, Staging."""
    if not os.environ.get("DRIVE_DATA"):
        return
    from sklearn.metrics import accuracy_score
    from sklearn.model_selection import train_test_split
    d = pd.read_csv(os.path.join(os.environ["DRIVE_DATA"], "seed", "hdd_balanced_dataset.csv"))
    x, y = d[["capacity_bytes", "lifetime", "model_encoded"]], d["failure"]
    xt, xv, yt, yv = train_test_split(x, y, test_size=0.2, random_state=42, stratify=y)
    name = fresh("hdd_failure_predictor")
    mlflow.set_experiment(fresh("hdd"))
    with mlflow.start_run() as r:
        model = RandomForestClassifier(n_estimators=20, max_depth=10, random_state=42).fit(xt, yt)
        mlflow.log_param("n_estimators", 20)
        mlflow.log_metric("accuracy", accuracy_score(yv, model.predict(xv)))
        kw = {"skops_trusted_types": ["sklearn.tree._tree.Tree"]} if "skops_trusted_types" in inspect.signature(mlflow.sklearn.log_model).parameters else {}
        mlflow.sklearn.log_model(model, "model", **kw)
    v = mlflow.register_model(f"runs:/{r.info.run_id}/model", name)
    client().transition_model_version_stage(name, v.version, "Staging")
    same(list(mlflow.sklearn.load_model(f"models:/{name}/Staging").predict(xv)), list(model.predict(xv)))
    assert client().get_run(r.info.run_id).data.metrics["accuracy"] > 0.9
