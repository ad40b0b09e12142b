"""Writes model/testdata/foreign.json: small models of other libraries with what
they answer, for the tests that need no Python.

usage: python small.py > ../../model/testdata/foreign.json
"""
import base64, io, json, os, pickle, sys, tempfile, warnings

warnings.filterwarnings("ignore")
import catboost, joblib, lightgbm, numpy as np, pandas as pd, skops.io, xgboost
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (AdaBoostClassifier, BaggingClassifier, GradientBoostingClassifier, HistGradientBoostingClassifier,
                              RandomForestClassifier, RandomForestRegressor, StackingClassifier, VotingClassifier)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, PolynomialFeatures, QuantileTransformer, StandardScaler

r = np.random.RandomState(1)
X = r.randn(120, 3).round(3)
y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)
words = np.array(["bad", "good", "ugly"])[np.digitize(X[:, 0], [-0.5, 0.5])]
A = np.vstack([X[:12], r.uniform(-3, 3, (12, 3)).round(4)])
out = []


def add(name, blob, want, labels=None, rows=A, tol=1e-12, pred=None):
    want = np.asarray(want, float)
    out.append({"name": name, "file": base64.b64encode(blob).decode(), "rows": rows.tolist() if hasattr(rows, "tolist") else rows,
                "want": want.reshape(len(rows), -1).tolist(), "labels": labels, "tolerance": tol, "predicted": pred})


def fit(name, est, Y=y, how=lambda e: pickle.dumps(e, 5), tol=1e-12):
    est.fit(X, Y)
    proba = hasattr(est, "predict_proba")
    want = est.predict_proba(A) if proba else est.predict(A)
    add(name, how(est), want, [str(c) for c in est.classes_] if proba else None, tol=tol, pred=[str(v) for v in est.predict(A)] if proba else None)


def dumped(save):
    with tempfile.TemporaryDirectory() as d:
        save(d + "/m")
        return open(d + "/m", "rb").read()


def zipped(e):
    b = io.BytesIO()
    joblib.dump(e, b, compress=("gzip", 9))
    return b.getvalue()


forest = lambda: RandomForestClassifier(3, max_depth=3, random_state=0)
fit("forest pickle", forest(), tol=0)
fit("forest protocol 2", forest(), how=lambda e: pickle.dumps(e, 2), tol=0)
fit("forest joblib gzip", forest(), words, zipped, tol=0)
fit("forest skops", RandomForestClassifier(1, max_depth=2, random_state=0), words, skops.io.dumps, tol=0)
fit("forest value", RandomForestRegressor(2, max_depth=3, random_state=0), X[:, 0] ** 2, tol=0)
fit("logistic", LogisticRegression(), words)
fit("pipeline", make_pipeline(StandardScaler(), QuantileTransformer(n_quantiles=5), KBinsDiscretizer(3), LogisticRegression()))
fit("polynomial", make_pipeline(PolynomialFeatures(2), LogisticRegression()))
fit("gradient", GradientBoostingClassifier(n_estimators=2, max_depth=2, random_state=0), words)
fit("hist", HistGradientBoostingClassifier(max_iter=2, max_leaf_nodes=4))
fit("ada", AdaBoostClassifier(n_estimators=3, random_state=0))
fit("bagging", BaggingClassifier(GaussianNB(), n_estimators=2, random_state=0))
fit("voting", VotingClassifier([("a", LogisticRegression()), ("b", GaussianNB())], voting="soft"))
fit("stacking", StackingClassifier([("a", RidgeClassifier()), ("b", GaussianNB())], cv=2))
fit("isotonic", CalibratedClassifierCV(GaussianNB(), method="isotonic", cv=2))
fit("sigmoid", CalibratedClassifierCV(RidgeClassifier(), cv=2), words)
fit("xgboost pickle", xgboost.XGBClassifier(n_estimators=2, max_depth=2, n_jobs=1), tol=2e-7)
fit("lightgbm pickle", lightgbm.LGBMClassifier(n_estimators=2, num_leaves=4, verbose=-1, n_jobs=1), words)

frame = pd.DataFrame({"model": r.choice(["ST4", "WDC", "HGST"], 120), "size": X[:, 0], "place": r.choice(["a", "b"], 120)})
frame = frame.astype({"model": object, "place": object})
frame.loc[::9, "place"] = np.nan
rows = [["ST4", 0.5, "a"], ["HGST", -1.5, None], ["WDC", None, "b"], ["SAMSUNG", 0.1, "a"]]
table = pd.DataFrame([[np.nan if v is None else v for v in q] for q in rows], columns=frame.columns).astype({"model": object, "place": object})
texts = make_pipeline(ColumnTransformer([
    ("hot", OneHotEncoder(handle_unknown="ignore"), ["model"]), ("num", SimpleImputer(), ["size"]),
    ("place", make_pipeline(SimpleImputer(strategy="most_frequent"), OrdinalEncoder()), ["place"])]), LogisticRegression()).fit(frame, y)
add("text columns", pickle.dumps(texts), texts.predict_proba(table), ["0", "1"], rows, pred=[str(v) for v in texts.predict(table)])

x = xgboost.XGBClassifier(n_estimators=2, max_depth=2, n_jobs=1).fit(X, np.unique(words, return_inverse=True)[1])
for ext in ("json", "ubj"):
    with tempfile.TemporaryDirectory() as d:
        x.save_model(f"{d}/m.{ext}")
        add("xgboost " + ext, open(f"{d}/m.{ext}", "rb").read(), x.predict_proba(A), ["0", "1", "2"], tol=2e-7)
g = lightgbm.LGBMClassifier(n_estimators=2, num_leaves=4, verbose=-1, n_jobs=1).fit(X, y)
add("lightgbm", dumped(g.booster_.save_model), g.predict_proba(A), ["0", "1"])
c = catboost.CatBoostClassifier(iterations=2, depth=2, verbose=0, allow_writing_files=False).fit(X, words)
j = json.loads(dumped(lambda p: c.save_model(p, format="json")))
j["model_info"] = {k: j["model_info"][k] for k in ("class_params", "params")}
j["model_info"]["params"] = {"loss_function": j["model_info"]["params"]["loss_function"]}
add("catboost", json.dumps(j).encode(), c.predict_proba(A), ["bad", "good", "ugly"])
add("catboost cbm", dumped(c.save_model), c.predict_proba(A), ["bad", "good", "ugly"])
c = catboost.CatBoostClassifier(iterations=2, grow_policy="Lossguide", max_leaves=3, verbose=0, allow_writing_files=False).fit(X, y)
add("catboost cbm lossguide", dumped(c.save_model), c.predict_proba(A), ["0", "1"])
json.dump(out, sys.stdout, separators=(",", ":"))
