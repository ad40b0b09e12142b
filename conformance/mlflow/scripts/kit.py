"""What the checks share: a client, fresh names, and asserting a refusal."""

import contextlib
import re
import uuid

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

MAJOR = int(mlflow.__version__.split(".")[0])


def client():
    return MlflowClient()


def fresh(what):
    return f"{what}-{uuid.uuid4().hex[:10]}"


def experiment():
    return client().create_experiment(fresh("experiment"))


def run(experiment_id=None, **kw):
    return client().create_run(experiment_id or experiment(), **kw).info.run_id


@contextlib.contextmanager
def refused(code, text=""):
    try:
        yield
    except MlflowException as e:
        assert e.error_code == code, f"error code {e.error_code}, want {code}: {e}"
        assert re.search(text, str(e), re.S), f"{text!r} is not in: {e}"
        return
    raise AssertionError(f"nothing was refused; want {code}")


def ours():
    """Whether the server is drivecast: what MLflow's own servers get wrong is
    only asked of it."""
    import os
    return os.environ.get("DRIVECAST_PEER") != "mlflow"


def same(got, want):
    assert got == want, f"got {got!r}, want {want!r}"
