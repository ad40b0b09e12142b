"""Fits each case with scikit-learn's LogisticRegression and writes what it found."""
import json
import sys
import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression

warnings.simplefilter("ignore")


def read(v):
    return None if v is None else np.array([float(x) for x in v])


def answer(case):
    x = read(case["x"]).reshape(case["cols"], -1).T
    params = dict(case["params"] or {})
    if params.get("C") == "inf":
        params["C"] = np.inf
    weights = params.pop("class_weight", None)
    if isinstance(weights, dict):
        weights = {float(k): v for k, v in weights.items()}
    try:
        m = LogisticRegression(class_weight=weights, random_state=0, **params).fit(
            np.ascontiguousarray(x), read(case["y"]), sample_weight=read(case["w"]))
    except ValueError as e:
        return {"error": str(e)}
    return {"coef": m.coef_.ravel().tolist(), "intercept": np.ravel(m.intercept_).tolist(),
            "proba": m.predict_proba(x).ravel().tolist()}


with open(sys.argv[1]) as f:
    cases = json.load(f)
with open(sys.argv[2], "w") as f:
    json.dump([answer(c) for c in cases], f)
