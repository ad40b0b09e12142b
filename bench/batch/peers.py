"""Makes files and models, and scores files as people do without a server.

usage: peers.py make DIR ROWS           forest.joblib, boosted.json; forest.{csv,parquet}, boosted.{csv,parquet}
       peers.py pandas|polars|onnx|xgboost MODEL FILE OUT
                                        reads FILE, scores every row, writes the probability of class 1 to OUT
       peers.py check OURS THEIRS      the largest difference of two outputs
"""

import sys

import numpy as np


def make(path, rows):
    import joblib
    import polars as pl
    import xgboost
    from sklearn.datasets import make_classification
    from sklearn.ensemble import RandomForestClassifier
    rng = np.random.default_rng(7)
    x = np.column_stack([rng.choice([1, 2, 3, 4, 6, 8], 8000) * 1e12, rng.integers(0, 60000, 8000), rng.integers(0, 50, 8000)]).astype(float)
    y = (x[:, 1] / 60000 + rng.normal(0, 0.4, 8000) + (x[:, 2] % 7 == 3) * 0.3 > 0.6).astype(int)
    joblib.dump(RandomForestClassifier(100, max_depth=10, random_state=42).fit(x, y), path + "/forest.joblib")
    names = ["capacity_bytes", "lifetime", "model_encoded"]
    many = np.column_stack([rng.choice([1, 2, 3, 4, 6, 8], rows) * 1e12, rng.integers(0, 60000, rows), rng.integers(0, 50, rows)]).astype(float)
    write(pl.DataFrame(many, schema=names), path + "/forest")
    x, y = make_classification(100_000 + rows // 4, 20, n_informative=10, random_state=1)
    x = np.round(x, 4)
    names = [f"f{i}" for i in range(20)]
    d = xgboost.DMatrix(x[:100_000], y[:100_000], feature_names=names)
    xgboost.train(dict(objective="binary:logistic", tree_method="hist", grow_policy="lossguide", max_leaves=31, max_depth=0, eta=0.1), d, 100).save_model(path + "/boosted.json")
    write(pl.DataFrame(x[100_000:], schema=names), path + "/boosted")


def write(frame, path):
    frame.write_csv(path + ".csv")
    frame.write_parquet(path + ".parquet")


def read_polars(path):
    import polars as pl
    return pl.read_csv(path) if path.endswith(".csv") else pl.read_parquet(path)


def write_polars(p, path):
    import polars as pl
    pl.DataFrame({"probability": np.ascontiguousarray(p, dtype=np.float64)}).write_csv(path)


def pandas(model, path, out):
    import joblib
    import pandas as pd
    x = pd.read_csv(path) if path.endswith(".csv") else pd.read_parquet(path)
    m = joblib.load(model)
    m.n_jobs = 2
    pd.DataFrame({"probability": m.predict_proba(x.to_numpy())[:, 1]}).to_csv(out, index=False)


def polars(model, path, out):
    import joblib
    x = read_polars(path)
    m = joblib.load(model)
    m.n_jobs = 2
    write_polars(m.predict_proba(x.to_numpy())[:, 1], out)


def onnx(model, path, out):
    import onnxruntime
    x = read_polars(path)
    o = onnxruntime.SessionOptions()
    o.intra_op_num_threads = 2
    s = onnxruntime.InferenceSession(model, o, providers=["CPUExecutionProvider"])
    write_polars(s.run(None, {s.get_inputs()[0].name: x.to_numpy().astype(np.float32)})[1][:, 1], out)


def convert(model, out):
    import joblib
    from skl2onnx import to_onnx
    m = joblib.load(model)
    open(out, "wb").write(to_onnx(m, np.zeros((1, m.n_features_in_), np.float32), options={id(m): {"zipmap": False}}).SerializeToString())


def boosted(model, path, out):
    import xgboost
    x = read_polars(path)
    m = xgboost.Booster(model_file=model)
    m.set_param("nthread", 2)
    m.feature_names = None
    write_polars(m.inplace_predict(x.to_numpy()), out)


def check(ours, theirs):
    import polars as pl
    a, b = pl.read_csv(ours)["probability"].to_numpy(), pl.read_csv(theirs)["probability"].to_numpy()
    if len(a) != len(b):
        sys.exit(f"{len(a)} rows against {len(b)}")
    print(f"largest difference from {theirs.rsplit('/', 1)[-1]}: {np.abs(a - b).max():.3g} over {len(a)} rows")


if __name__ == "__main__":
    a = sys.argv[2:]
    {"make": lambda: make(a[0], int(a[1])), "pandas": lambda: pandas(*a), "polars": lambda: polars(*a), "onnx": lambda: onnx(*a),
     "convert": lambda: convert(*a), "xgboost": lambda: boosted(*a), "check": lambda: check(*a)}[sys.argv[1]]()
