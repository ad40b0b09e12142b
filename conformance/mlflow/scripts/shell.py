"""The mlflow command line."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import mlflow
from kit import client, fresh, run, same


def shell(*args, ok=True):
    """Runs one command in this process: a process of its own takes seconds."""
    from click.testing import CliRunner
    from mlflow.cli import cli
    got = CliRunner(env={"MLFLOW_TRACKING_URI": mlflow.get_tracking_uri()}).invoke(cli, args)
    assert (got.exit_code == 0) == ok, f"{args} ended with {got.exit_code}: {got.output} {got.exception!r}"
    return got.output


def check_process():
    env = dict(os.environ, MLFLOW_TRACKING_URI=mlflow.get_tracking_uri())
    code = "import sys; sys.argv[0] = 'mlflow'; from mlflow.cli import cli; cli()"
    p = subprocess.run([sys.executable, "-c", code, "experiments", "search"], env=env, capture_output=True, text=True)
    same(p.returncode, 0)
    assert "Default" in p.stdout, p.stdout + p.stderr


def check_command_line():
    name = fresh("cli")
    shell("experiments", "create", "-n", name)
    eid = client().get_experiment_by_name(name).experiment_id
    rid = run(eid, run_name="from-the-shell")
    assert name in shell("experiments", "search")
    assert rid in shell("runs", "list", "--experiment-id", eid)
    with tempfile.TemporaryDirectory() as tmp:
        file = Path(tmp) / "x.txt"
        file.write_text("from the shell")
        shell("artifacts", "log-artifact", "-l", str(file), "-r", rid)
        assert "x.txt" in shell("artifacts", "list", "-r", rid)
        shell("artifacts", "download", "-r", rid, "-a", "x.txt", "-d", str(Path(tmp) / "back"))
        same(next((Path(tmp) / "back").rglob("x.txt")).read_text(), "from the shell")
    shell("runs", "delete", "--run-id", rid)
    same(client().get_run(rid).info.lifecycle_stage, "deleted")
    shell("experiments", "delete", "-x", eid)
    same(client().get_experiment(eid).lifecycle_stage, "deleted")
    shell("runs", "describe", "--run-id", "0123456789abcdef0123456789abcdef", ok=False)
