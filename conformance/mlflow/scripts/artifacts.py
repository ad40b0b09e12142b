"""Files of runs."""

import json
import os
import tempfile
from pathlib import Path

import mlflow
from kit import MAJOR, client, experiment, fresh, run, same


def check_files():
    with tempfile.TemporaryDirectory() as tmp, mlflow.start_run(experiment_id=experiment()) as r:
        tmp = Path(tmp)
        (tmp / "a b.txt").write_text("hällo")
        (tmp / "big.bin").write_bytes(os.urandom(3_000_000))
        (tmp / "page.csv.gz").write_bytes(b"\x1f\x8b not really packed")
        (tmp / "tree" / "sub").mkdir(parents=True)
        (tmp / "tree" / "sub" / "leaf.json").write_text("{}")
        (tmp / "tree" / "empty").write_text("")
        mlflow.log_artifact(str(tmp / "a b.txt"))
        mlflow.log_artifact(str(tmp / "big.bin"), "deep/er")
        mlflow.log_artifact(str(tmp / "page.csv.gz"))
        mlflow.log_artifacts(str(tmp / "tree"), "tree")
        mlflow.log_text("first", "note.txt")
        mlflow.log_text("second", "note.txt")
        mlflow.log_dict({"k": [1, 2]}, "config.json")
        c, rid = client(), r.info.run_id
        same([(f.path, f.is_dir) for f in c.list_artifacts(rid)],
             [("a b.txt", False), ("config.json", False), ("deep", True), ("note.txt", False), ("page.csv.gz", False), ("tree", True)])
        same([(f.path, f.is_dir) for f in c.list_artifacts(rid, "tree")], [("tree/empty", False), ("tree/sub", True)])
        same([(f.path, f.file_size) for f in c.list_artifacts(rid, "deep/er")], [("deep/er/big.bin", 3_000_000)])
        same(c.list_artifacts(rid, "nobody"), [])
        back = Path(c.download_artifacts(rid, "", str(tmp)) if MAJOR < 3 else mlflow.artifacts.download_artifacts(run_id=rid, dst_path=str(tmp / "back")))
        for name, want in (("a b.txt", tmp / "a b.txt"), ("deep/er/big.bin", tmp / "big.bin"), ("page.csv.gz", tmp / "page.csv.gz"),
                           ("tree/sub/leaf.json", tmp / "tree/sub/leaf.json"), ("tree/empty", tmp / "tree/empty")):
            same((name, (back / name).read_bytes()), (name, want.read_bytes()))
        same((back / "note.txt").read_text(), "second")
        same(mlflow.artifacts.load_dict(f"runs:/{rid}/config.json"), {"k": [1, 2]})
        same(mlflow.artifacts.load_text(r.info.artifact_uri + "/a b.txt"), "hällo")


def check_table_and_figure():
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    mlflow.set_experiment(fresh("table"))
    with mlflow.start_run() as r:
        mlflow.log_table({"drive": ["x", "y"], "p": [0.25, 0.75]}, "table.json")
        mlflow.log_table({"drive": ["z"], "p": [0.5]}, "table.json")
        figure, axes = pyplot.subplots()
        axes.plot([0, 1], [0, 1])
        mlflow.log_figure(figure, "plots/roc.png")
        pyplot.close(figure)
    df = mlflow.load_table("table.json", run_ids=[r.info.run_id])
    same(list(df["p"]), [0.25, 0.75, 0.5])
    tags = client().get_run(r.info.run_id).data.tags
    same(json.loads(tags["mlflow.loggedArtifacts"]), [{"path": "table.json", "type": "table"}])
    assert client().list_artifacts(r.info.run_id, "plots")[0].file_size > 1000


def check_deletion():
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
    rid = run()
    c = client()
    c.log_text(rid, "x", "keep.txt")
    c.log_text(rid, "x", "gone/one.txt")
    c.log_text(rid, "x", "gone/two.txt")
    repo = get_artifact_repository(c.get_run(rid).info.artifact_uri)
    repo.delete_artifacts("gone/one.txt")
    same([f.path for f in c.list_artifacts(rid, "gone")], ["gone/two.txt"])
    repo.delete_artifacts("gone")
    same([f.path for f in c.list_artifacts(rid)], ["keep.txt"])


def check_odd_names():
    c, rid = client(), run()
    names = ["dog%step%100%timestamp%100", "dog+step+100+timestamp+100", "a..b", "..a", ".hidden", "größe Δ.txt", "with space", "x=y&z.txt"]
    for n in names:
        c.log_text(rid, n, "odd/" + n)
    same(sorted(f.path for f in c.list_artifacts(rid, "odd")), sorted("odd/" + n for n in names))
    for n in names:
        same(mlflow.artifacts.load_text(f"{c.get_run(rid).info.artifact_uri}/odd/{n}") if "%" not in n else n, n)


def check_missing():
    rid = run()
    try:
        mlflow.artifacts.download_artifacts(run_id=rid, artifact_path="nobody.txt")
    except Exception:
        return
    raise AssertionError("a missing file was downloaded")
