"""Experiments, runs and what is logged to them."""

import inspect
import math
import time

import mlflow
from mlflow.entities import Metric, Param, RunTag, ViewType
from kit import client, experiment, fresh, refused, run, same


def check_experiment_life():
    c, name = client(), fresh("life")
    eid = c.create_experiment(name, tags={"team": "storage", "empty": ""})
    e = c.get_experiment(eid)
    same((e.name, e.lifecycle_stage, e.tags), (name, "active", {"team": "storage", "empty": ""}))
    assert e.artifact_location.endswith("/" + eid), e.artifact_location
    assert abs(e.creation_time - time.time() * 1000) < 60_000
    same(c.get_experiment_by_name(name).experiment_id, eid)
    same(c.get_experiment_by_name(fresh("nobody")), None)
    with refused("RESOURCE_ALREADY_EXISTS", "already exists"):
        c.create_experiment(name)
    c.set_experiment_tag(eid, "team", "nas")
    same(c.get_experiment(eid).tags["team"], "nas")
    c.rename_experiment(eid, name + "-2")
    same(c.get_experiment(eid).name, name + "-2")
    c.delete_experiment(eid)
    same(c.get_experiment(eid).lifecycle_stage, "deleted")
    with refused("RESOURCE_ALREADY_EXISTS", ""):
        c.create_experiment(name + "-2")
    with refused("INVALID_PARAMETER_VALUE", "must be in the 'active' state"):
        c.create_run(eid)
    c.restore_experiment(eid)
    same(c.get_experiment(eid).lifecycle_stage, "active")
    with refused("RESOURCE_DOES_NOT_EXIST", "No Experiment with id=987654321 exists"):
        c.get_experiment("987654321")


def check_default_experiment():
    e = client().get_experiment("0")
    same((e.name, e.lifecycle_stage), ("Default", "active"))


def check_deleted_experiment_takes_its_runs():
    c, eid = client(), experiment()
    rid = run(eid)
    c.delete_experiment(eid)
    same(c.get_run(rid).info.lifecycle_stage, "deleted")
    c.restore_experiment(eid)
    same(c.get_run(rid).info.lifecycle_stage, "active")


def check_set_experiment_and_fluent_run():
    name = fresh("fluent")
    mlflow.set_experiment(name)
    mlflow.set_experiment(name)
    with mlflow.start_run(run_name="outer", description="what it is for") as outer:
        mlflow.log_param("depth", 3)
        mlflow.log_params({"trees": 100, "criterion": "gini"})
        mlflow.log_metric("loss", 0.5)
        mlflow.log_metrics({"auc": 0.75, "f1": 0.5}, step=4)
        mlflow.set_tag("stage", "trial")
        mlflow.set_tags({"owner": "nas", "zone": "eu"})
        with mlflow.start_run(run_name="inner", nested=True) as inner:
            mlflow.log_metric("loss", 0.25)
        same(mlflow.active_run().info.run_id, outer.info.run_id)
    r = mlflow.get_run(outer.info.run_id)
    same(r.info.run_name, "outer")
    same(r.info.status, "FINISHED")
    assert r.info.end_time >= r.info.start_time > 0
    same(r.data.params, {"depth": "3", "trees": "100", "criterion": "gini"})
    same(r.data.metrics, {"loss": 0.5, "auc": 0.75, "f1": 0.5})
    for key, want in {"stage": "trial", "owner": "nas", "zone": "eu", "mlflow.runName": "outer", "mlflow.note.content": "what it is for"}.items():
        same(r.data.tags[key], want)
    same(mlflow.get_run(inner.info.run_id).data.tags["mlflow.parentRunId"], outer.info.run_id)
    try:
        with mlflow.start_run() as failed:
            raise KeyError("on purpose")
    except KeyError:
        pass
    same(mlflow.get_run(failed.info.run_id).info.status, "FAILED")
    with mlflow.start_run(run_id=failed.info.run_id):
        mlflow.log_metric("again", 1)
    r = mlflow.get_run(failed.info.run_id)
    same((r.info.status, r.data.metrics), ("FINISHED", {"again": 1.0}))


def check_run_names():
    c, eid = client(), experiment()
    r = c.create_run(eid)
    assert r.info.run_name and r.info.run_name == r.data.tags["mlflow.runName"], r.info
    same(c.create_run(eid, tags={"mlflow.runName": "tagged"}).info.run_name, "tagged")
    named = c.create_run(eid, run_name="named").info.run_id
    c.set_tag(named, "mlflow.runName", "other")
    same(c.get_run(named).info.run_name, "other")
    c.update_run(named, name="third")
    same(c.get_run(named).data.tags["mlflow.runName"], "third")
    with refused("INVALID_PARAMETER_VALUE", "run_name='a'.*mlflow.runName='b'"):
        c.create_run(eid, run_name="a", tags={"mlflow.runName": "b"})


def check_run_life():
    c, eid = client(), experiment()
    rid = c.create_run(eid, start_time=1234, tags={"k": "v"}).info.run_id
    info = c.get_run(rid).info
    same((info.start_time, info.end_time, info.status, info.lifecycle_stage), (1234, None, "RUNNING", "active"))
    assert info.artifact_uri.endswith(f"/{eid}/{rid}/artifacts"), info.artifact_uri
    c.set_terminated(rid, "KILLED", end_time=5678)
    info = c.get_run(rid).info
    same((info.status, info.end_time), ("KILLED", 5678))
    c.delete_run(rid)
    same(c.get_run(rid).info.lifecycle_stage, "deleted")
    for refuse in (lambda: c.log_metric(rid, "m", 1), lambda: c.log_param(rid, "p", 1), lambda: c.set_tag(rid, "t", 1),
                   lambda: c.log_batch(rid, metrics=[Metric("m", 1, 1, 1)])):
        with refused("INVALID_PARAMETER_VALUE", "must be in the 'active' state"):
            refuse()
    c.restore_run(rid)
    c.log_metric(rid, "m", 1)
    with refused("RESOURCE_DOES_NOT_EXIST", "Run with id=0123456789abcdef0123456789abcdef not found"):
        c.get_run("0123456789abcdef0123456789abcdef")


def check_params_keep_their_value():
    c, rid = client(), run()
    c.log_param(rid, "p", "1")
    c.log_param(rid, "p", "1")
    with refused("INVALID_PARAMETER_VALUE", "Changing param values is not allowed"):
        c.log_param(rid, "p", "2")
    with refused("INVALID_PARAMETER_VALUE", "Changing param values is not allowed"):
        c.log_batch(rid, params=[Param("p", "3")])
    same(c.get_run(rid).data.params, {"p": "1"})
    c.log_param(rid, "empty", "")
    c.log_param(rid, "dir/sub key", "slash and space")
    same(c.get_run(rid).data.params["dir/sub key"], "slash and space")


def check_names_are_checked():
    c, rid = client(), run()
    for bad in ("../up", "/abs", "a//b", "sharp#", "new\nline", ""):
        with refused("INVALID_PARAMETER_VALUE"):
            c.log_metric(rid, bad, 1)
    with refused("INVALID_PARAMETER_VALUE"):
        c.log_batch(rid, metrics=[Metric("k" * 251, 1, 1, 1)])
    c.log_batch(rid, metrics=[Metric("k" * 250, 1, 1, 1)])
    c.log_metric(rid, "größe/Δ 1.5-x", 1)
    assert "größe/Δ 1.5-x" in c.get_run(rid).data.metrics


def check_tags():
    c, rid = client(), run()
    c.set_tag(rid, "k", "1")
    c.set_tag(rid, "k", "2")
    same(c.get_run(rid).data.tags["k"], "2")
    c.delete_tag(rid, "k")
    assert "k" not in c.get_run(rid).data.tags
    with refused("RESOURCE_DOES_NOT_EXIST", f"No tag with name: k in run with id {rid}"):
        c.delete_tag(rid, "k")


def check_metric_values():
    c, rid = client(), run()
    c.log_metric(rid, "nan", math.nan)
    c.log_metric(rid, "inf", math.inf)
    c.log_metric(rid, "minus", -math.inf)
    c.log_metric(rid, "tiny", 5e-324)
    c.log_metric(rid, "int", 3)
    m = c.get_run(rid).data.metrics
    assert math.isnan(m["nan"])
    same((m["inf"], m["minus"], m["tiny"], m["int"]), (1.7976931348623157e308, -1.7976931348623157e308, 5e-324, 3.0))


def check_latest_metric():
    c, rid = client(), run()
    for value, ts, step in ((1, 100, 0), (2, 100, 2), (3, 300, 1), (4, 50, -7)):
        c.log_metric(rid, "m", value, timestamp=ts, step=step)
    same(c.get_run(rid).data.metrics["m"], 2)  # the highest step
    c.log_metric(rid, "m", 5, timestamp=101, step=2)
    same(c.get_run(rid).data.metrics["m"], 5)  # then the latest time
    c.log_metric(rid, "m", 4, timestamp=101, step=2)
    same(c.get_run(rid).data.metrics["m"], 5)  # then the greatest value
    c.log_metric(rid, "m", 4, timestamp=101, step=2)  # an exact repeat adds nothing
    h = [(m.value, m.timestamp, m.step) for m in c.get_metric_history(rid, "m")]
    same(sorted(h), sorted([(1, 100, 0), (2, 100, 2), (3, 300, 1), (4, 50, -7), (5, 101, 2), (4, 101, 2)]))
    same(c.get_metric_history(rid, "nobody"), [])


def check_long_history():
    c, rid = client(), run()
    for start in range(0, 3000, 1000):
        c.log_batch(rid, metrics=[Metric("m", i / 7, 1000 + i, i) for i in range(start, start + 1000)])
    h = c.get_metric_history(rid, "m")
    same(len(h), 3000)
    same([m.step for m in h], list(range(3000)))
    same(h[2999].value, 2999 / 7)


def check_batch_limits():
    c, rid = client(), run()
    c.log_batch(rid, metrics=[Metric(f"m{i}", i, 1, 0) for i in range(800)], params=[Param(f"p{i}", str(i)) for i in range(100)],
                tags=[RunTag(f"t{i}", str(i)) for i in range(100)])
    r = c.get_run(rid)
    same((len(r.data.metrics), len(r.data.params)), (800, 100))
    c.log_batch(rid)  # an empty batch is no fault
    from mlflow.store.tracking.rest_store import RestStore  # the client cuts batches; the store does not
    from mlflow.utils.rest_utils import MlflowHostCreds
    raw = RestStore(lambda: MlflowHostCreds(mlflow.get_tracking_uri()))
    with refused("INVALID_PARAMETER_VALUE", "at most 1000"):
        raw.log_batch(rid, [Metric(f"m{i}", i, 1, 0) for i in range(1001)], [], [])
    with refused("INVALID_PARAMETER_VALUE", "at most 100"):
        raw.log_batch(rid, [], [Param(f"q{i}", "") for i in range(101)], [])
    with refused("INVALID_PARAMETER_VALUE", "(?i)duplicate|Changing param"):
        raw.log_batch(rid, [], [Param("same", "1"), Param("same", "2")], [])


def check_inputs():
    import numpy as np
    eid = experiment()
    data = mlflow.data.from_numpy(np.arange(12.0).reshape(4, 3), targets=np.arange(4), name="drives")
    with mlflow.start_run(experiment_id=eid) as r:
        mlflow.log_input(data, context="training")
        mlflow.log_input(data, context="training")
        mlflow.log_input(mlflow.data.from_numpy(np.ones((2, 2)), name="held-out"), context="evaluation")
    inputs = client().get_run(r.info.run_id).inputs.dataset_inputs
    same(sorted((i.dataset.name, [(t.key, t.value) for t in i.tags]) for i in inputs),
         [("drives", [("mlflow.data.context", "training")]), ("held-out", [("mlflow.data.context", "evaluation")])])
    d = next(i.dataset for i in inputs if i.dataset.name == "drives")
    same(d.digest, data.digest)
    assert d.schema and d.profile and d.source and d.source_type
    found = client().search_runs([eid], "dataset.name = 'drives' AND dataset.context = 'training'")
    same([x.info.run_id for x in found], [r.info.run_id])
    same(client().search_runs([eid], "dataset.name = 'nobody'"), [])


def check_async_logging():
    if "synchronous" not in inspect.signature(mlflow.log_metric).parameters:
        return
    with mlflow.start_run(experiment_id=experiment()) as r:
        waits = [mlflow.log_metric("m", i, step=i, synchronous=False) for i in range(50)]
        waits.append(mlflow.log_param("p", 1, synchronous=False))
        for w in waits:
            w.wait()
    same(len(client().get_metric_history(r.info.run_id, "m")), 50)
    same(client().get_run(r.info.run_id).data.params, {"p": "1"})


def check_many_writers():
    from concurrent.futures import ThreadPoolExecutor
    c, rid = client(), run()

    def work(k):
        for i in range(20):
            c.log_metric(rid, f"m{k}", i, step=i)
        return k
    with ThreadPoolExecutor(8) as pool:
        same(sorted(pool.map(work, range(8))), list(range(8)))
    same(c.get_run(rid).data.metrics, {f"m{k}": 19.0 for k in range(8)})
    same(sum(len(c.get_metric_history(rid, f"m{k}")) for k in range(8)), 160)


def check_experiment_tag_can_be_deleted():
    if not hasattr(client(), "delete_experiment_tag"):
        return
    c, eid = client(), experiment()
    c.set_experiment_tag(eid, "k", "v")
    c.delete_experiment_tag(eid, "k")
    same(c.get_experiment(eid).tags.get("k"), None)
    with refused("RESOURCE_DOES_NOT_EXIST", "No tag with name: k"):
        c.delete_experiment_tag(eid, "k")


def check_view_types():
    c, eid = client(), experiment()
    keep, gone = run(eid), run(eid)
    c.delete_run(gone)
    ids = lambda view: {r.info.run_id for r in c.search_runs([eid], run_view_type=view)}  # noqa: E731
    same(ids(ViewType.ACTIVE_ONLY), {keep})
    same(ids(ViewType.DELETED_ONLY), {gone})
    same(ids(ViewType.ALL), {keep, gone})
