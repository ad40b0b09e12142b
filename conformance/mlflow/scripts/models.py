"""Models: logged, registered, found and loaded."""

import tempfile
from pathlib import Path

import mlflow
import numpy as np
from sklearn.linear_model import LogisticRegression
from kit import MAJOR, client, experiment, fresh, ours, refused, same

X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]])
Y = np.array([0, 0, 1, 1])


def fit():
    return LogisticRegression().fit(X, Y)


def log(model, path="model", **kw):
    return mlflow.sklearn.log_model(model, path, **kw) if MAJOR < 3 else mlflow.sklearn.log_model(model, name=path, **kw)


def check_log_and_load():
    m = fit()
    with mlflow.start_run(experiment_id=experiment()) as r:
        mlflow.log_metric("auc", 0.5)
        info = log(m, input_example=X[:2], signature=mlflow.models.infer_signature(X, Y))
    back = mlflow.sklearn.load_model(info.model_uri)
    same(list(back.predict(X)), list(m.predict(X)))
    same(list(mlflow.pyfunc.load_model(info.model_uri).predict(X)), list(m.predict(X)))
    if MAJOR < 3:
        import json
        history = json.loads(client().get_run(r.info.run_id).data.tags["mlflow.log-model.history"])
        same([h["artifact_path"] for h in history], ["model"])
        assert "MLmodel" in {Path(f.path).name for f in client().list_artifacts(r.info.run_id, "model")}
    same(list(mlflow.sklearn.load_model(f"runs:/{r.info.run_id}/model").predict(X)), list(m.predict(X)))


def check_register_at_once():
    name = fresh("forest")
    m = fit()
    with mlflow.start_run(experiment_id=experiment()) as r:
        log(m, registered_model_name=name)
    c = client()
    v = c.get_model_version(name, "1")
    same((v.status, v.run_id), ("READY", r.info.run_id))
    with mlflow.start_run(experiment_id=experiment()):
        log(fit(), registered_model_name=name)
    same(int(c.get_latest_versions(name)[0].version), 2)
    for uri in (f"models:/{name}/1", f"models:/{name}/latest"):
        same(list(mlflow.sklearn.load_model(uri).predict(X)), list(m.predict(X)))
    c.set_registered_model_alias(name, "champion", "1")
    same(list(mlflow.pyfunc.load_model(f"models:/{name}@champion").predict(X)), list(m.predict(X)))
    c.transition_model_version_stage(name, "2", "Production")
    same(list(mlflow.pyfunc.load_model(f"models:/{name}/Production").predict(X)), list(m.predict(X)))
    with tempfile.TemporaryDirectory() as tmp:
        got = mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{name}/1", dst_path=tmp)
        assert (Path(got) / "MLmodel").is_file()


def check_register_later():
    name = fresh("later")
    with mlflow.start_run(experiment_id=experiment()) as r:
        log(fit())
    v = mlflow.register_model(f"runs:/{r.info.run_id}/model", name, tags={"k": "v"})
    same((int(v.version), client().get_model_version(name, "1").tags), (1, {"k": "v"}))
    same(int(mlflow.register_model(f"runs:/{r.info.run_id}/model", name).version), 2)
    same(len(mlflow.sklearn.load_model(f"models:/{name}/2").predict(X)), 4)


def check_logged_models():
    if MAJOR < 3:
        return
    eid = experiment()
    with mlflow.start_run(experiment_id=eid) as r:
        mlflow.log_params({f"p{i}": i for i in range(5)})
        info = log(fit(), params={"trees": 7}, tags={"zone": "eu"})
        mlflow.log_metric("auc", 0.75, model_id=info.model_id)
        mlflow.log_metric("auc", 0.875, step=3, model_id=info.model_id)
    c = client()
    lm = c.get_logged_model(info.model_id)
    same((lm.name, lm.experiment_id, lm.source_run_id, lm.status.value), ("model", eid, r.info.run_id, "READY"))
    same(lm.params["trees"], "7")
    same(lm.tags["zone"], "eu")
    assert lm.artifact_location.endswith(f"{eid}/models/{info.model_id}/artifacts"), lm.artifact_location
    same(sorted((m.key, m.value, m.step) for m in lm.metrics), [("auc", 0.75, 0), ("auc", 0.875, 3)])
    same([o.model_id for o in c.get_run(r.info.run_id).outputs.model_outputs], [info.model_id])
    same(c.get_run(r.info.run_id).data.metrics, {"auc": 0.875})
    mlflow.set_logged_model_tags(info.model_id, {"zone": "us", "k": "v"})
    mlflow.delete_logged_model_tag(info.model_id, "k")
    tags = c.get_logged_model(info.model_id).tags
    same((tags["zone"], "k" in tags), ("us", False))
    same(len(mlflow.sklearn.load_model(f"models:/{info.model_id}").predict(X)), 4)
    assert "MLmodel" in {f.path for f in c.list_logged_model_artifacts(info.model_id)}
    c.delete_logged_model(info.model_id)
    with refused("RESOURCE_DOES_NOT_EXIST", ""):
        c.get_logged_model(info.model_id)


def check_search_logged_models():
    if MAJOR < 3:
        return
    c, eid = client(), experiment()
    ids = {}
    for i, name in enumerate(("a", "b", "c")):
        with mlflow.start_run(experiment_id=eid):
            m = mlflow.create_external_model(name=name, params={"depth": str(i)}, tags={"n": str(i)}, model_type="tree")
            mlflow.log_metric("auc", i / 4, model_id=m.model_id)
            ids[m.model_id] = name

    def find(text=None, **kw):
        return [ids[m.model_id] for m in c.search_logged_models([eid], text, **kw)]
    same(sorted(find()), ["a", "b", "c"])
    same(find("name = 'b'"), ["b"])
    same(find("attributes.name = 'b' AND model_type = 'tree'"), ["b"])
    same(sorted(find("metrics.auc > 0.1")), ["b", "c"])
    same(find("params.depth = '2'"), ["c"])
    same(sorted(find("tags.n != '1'")), ["a", "c"])
    same(find(order_by=[{"field_name": "metrics.auc", "ascending": False}]), ["c", "b", "a"])
    same(find(order_by=[{"field_name": "name", "ascending": True}], max_results=2), ["a", "b"])
    got, token = [], None
    while True:
        page = c.search_logged_models([eid], max_results=2, page_token=token)
        got += [ids[m.model_id] for m in page]
        token = page.token
        if not token:
            break
    same(sorted(got), ["a", "b", "c"])
    same(len(got), 3)
    for bad in ("nobody = '1'", "metrics.auc = 'x'", "name > 'a'") if ours() else ():
        with refused("INVALID_PARAMETER_VALUE"):
            c.search_logged_models([eid], bad)


def check_many_params():
    if MAJOR < 3:
        return
    with mlflow.start_run(experiment_id=experiment()):
        m = mlflow.initialize_logged_model(name="wide", params={f"p{i:03}": str(i) for i in range(250)})
        m = mlflow.finalize_logged_model(m.model_id, "READY")
    got = client().get_logged_model(m.model_id)
    same((len(got.params), got.params["p249"]), (250, "249"))
