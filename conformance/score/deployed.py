"""Real clients of a scoring server.

usage: python deployed.py talk URL MODEL.pkl DATA.csv    the conversation of a script that tests an endpoint:
                                                         health, then three samples, as scikit-learn answers
       python deployed.py deploy URL NAME FOLDER          mlflow.deployments, and mlflow.pyfunc of the folder served
"""
import pickle, sys, warnings

import numpy as np
import requests

warnings.filterwarnings("ignore")


class OldTrees(pickle._Unpickler):
    """Reads trees of scikit-learn before 1.3, whose nodes lack what newer ones know of missing values."""

    def load_build(self):
        state, inst = self.stack[-1], self.stack[-2]
        if type(inst).__name__ == "Tree" and "missing_go_to_left" not in state["nodes"].dtype.names:
            old = state["nodes"]
            new = np.zeros(len(old), dtype=[(n, old.dtype[n]) for n in old.dtype.names] + [("missing_go_to_left", "u1")])
            new = np.zeros(len(old), dtype=np.dtype({"names": new.dtype.names, "formats": [new.dtype[n] for n in new.dtype.names],
                                                     "offsets": [8 * i for i in range(8)], "itemsize": 64}))
            for n in old.dtype.names:
                new[n] = old[n]
            state["nodes"] = new
        super().load_build()

    dispatch = dict(pickle._Unpickler.dispatch)
    dispatch[pickle.BUILD[0]] = load_build


def talk(url, path, data):
    import pandas as pd

    model = OldTrees(open(path, "rb")).load()
    for tree in model.estimators_:
        tree.monotonic_cst = None
    rows = pd.read_csv(data)
    names = ["capacity_bytes", "lifetime", "model_encoded"]
    want = model.predict(rows[names].values)
    picked = [*np.flatnonzero(want == 0)[:2], np.flatnonzero(want == 1)[0]]
    r = requests.get(url + "/health", timeout=30)
    print("health", r.status_code)
    assert r.status_code == 200, r.text
    for i, expect in zip(picked, (0, 0, 1)):
        body = {"dataframe_split": {"columns": names, "data": rows.loc[[int(i)], names].values.tolist()}}
        r = requests.post(url + "/invocations", json=body, timeout=30)
        print(r.status_code, r.json())
        assert r.json() == {"predictions": [expect]}, (r.text, expect)
    r = requests.post(url + "/invocations", json={"dataframe_split": {"columns": names, "data": rows[names].values.tolist()}}, timeout=60)
    assert r.json()["predictions"] == want.tolist()
    print(len(want), "rows answered as scikit-learn does")


def deploy(url, name, folder):
    import mlflow
    import pandas as pd
    from mlflow.deployments import get_deploy_client

    X = pd.DataFrame(np.random.RandomState(1).rand(50, 3) * [1, 2, 40], columns=["cap", "life", "kind"]).astype({"kind": "int64"})
    want = np.asarray(mlflow.pyfunc.load_model(folder).predict(X)).tolist()
    client = get_deploy_client(url)
    assert [e.name for e in client.list_endpoints()] == [name]
    end = client.get_endpoint(name)
    assert end.endpoint_url == f"{url}/endpoints/{name}/invocations", end
    for inputs in ({"dataframe_split": X.to_dict(orient="split")}, {"dataframe_records": X.to_dict(orient="records")}, {"inputs": X.to_dict(orient="list")}):
        got = client.predict(endpoint=name, inputs=inputs)["predictions"]
        assert got == want, (got, want)
    try:
        client.predict(endpoint="other", inputs={"inputs": [[1]]})
        raise AssertionError("a model that is not there answered")
    except requests.HTTPError as e:
        assert e.response.status_code == 404, e
    print(len(want), "rows by mlflow.deployments as mlflow.pyfunc answers")


if __name__ == "__main__":
    {"talk": talk, "deploy": deploy}[sys.argv[1]](*sys.argv[2:])
