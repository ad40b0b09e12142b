"""Converts models with drivecast, and lets LightGBM and mlflow answer.

usage: python converted.py DRIVECAST DIR
"""
import logging, os, pickle, subprocess, sys, warnings

import numpy as np

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
import lightgbm, mlflow, xgboost
from sklearn.ensemble import (GradientBoostingClassifier, HistGradientBoostingClassifier, HistGradientBoostingRegressor,
                              RandomForestClassifier)

binary, top = sys.argv[1:]
r = np.random.RandomState(0)
X = r.randn(500, 4)
y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)
X[::7, 1] = np.nan
A = np.vstack([X, r.uniform(-9, 9, (200, 4))])
A[::5, 0] = np.nan
full = np.nan_to_num
models = [("hist", HistGradientBoostingClassifier(max_iter=20).fit(X, y), A), ("hist-value", HistGradientBoostingRegressor(max_iter=20).fit(X, y + full(X[:, 0])), A),
          ("gradient", GradientBoostingClassifier(n_estimators=20).fit(full(X), y), full(A)), ("xgboost", xgboost.XGBClassifier(n_estimators=20, n_jobs=1).fit(X, y), A),
          ("lightgbm", lightgbm.LGBMClassifier(n_estimators=20, n_jobs=1, verbose=-1).fit(X, y), A), ("forest", RandomForestClassifier(9).fit(full(X), y), full(A))]
bad = 0
for name, m, rows in models:
    path = os.path.join(top, name + ".pkl")
    pickle.dump(m, open(path, "wb"))
    want = m.predict_proba(rows)[:, 1] if hasattr(m, "predict_proba") else m.predict(rows)
    for to in ("lightgbm", "mlflow"):
        out = os.path.join(top, f"{name}.{to}")
        p = subprocess.run([binary, "models", "convert", path, "--to", to, "--out", out], capture_output=True, text=True)
        if p.returncode:
            expected = name == "forest" and to == "lightgbm" and "no boosted ensemble" in p.stderr
            bad += not expected
            print(f"{name:12} {to:9} refused: {p.stderr.strip()[-120:]}")
            continue
        if to == "lightgbm":
            got, allowed = lightgbm.Booster(model_file=out).predict(rows), 1e-6 if name == "xgboost" else 1e-12
        else:
            answer = mlflow.pyfunc.load_model(out).predict(rows)
            got, allowed = np.ravel(answer["probability" if "probability" in answer else "value"]), 1e-6
        off = np.max(np.abs(got - want) / (1 + np.abs(want)))
        bad += not off <= allowed
        print(f"{name:12} {to:9} {len(rows)} rows, largest difference {off:.1e} (allowed {allowed:.0e})")
sys.exit(bad > 0)
