"""Fits ensembles and linear models and writes what the shap package says of them.

usage: python fit_shap.py OUT
OUT/NAME/model.*  x.f8  ground.f8   the model, rows, background rows
OUT/NAME/{path,pairs,against,against-pairs,probability}.f8   rows × (columns, then the base) or rows × columns × columns
"""
import os, pickle, sys, warnings
import numpy as np

warnings.filterwarnings("ignore")
import lightgbm, shap, xgboost
from sklearn.ensemble import (ExtraTreesClassifier, GradientBoostingClassifier, GradientBoostingRegressor, HistGradientBoostingClassifier,
                              HistGradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor)
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

r = np.random.RandomState(0)
X = r.randn(400, 6).astype("f4").astype("f8")
z = X[:, 0] + X[:, 1] * X[:, 2] + np.sin(3 * X[:, 3])
y, words = (z > 0).astype(int), np.array(["bad", "good", "ugly"])[np.digitize(z, [-0.5, 0.5])]
A, G = X[:40], X[100:130]
out = sys.argv[1]


def keep(d, name, values, base):
    """Values of the last class, with the base behind each row's."""
    values = np.asarray(values)
    if isinstance(base, (list, np.ndarray)) and np.size(base) > 1:
        values, base = values[..., -1], np.ravel(base)[-1]
    elif values.ndim == 3 and name not in ("pairs", "against-pairs"):
        values = values[..., -1]
    if "pairs" not in name:
        values = np.hstack([values, np.full((len(values), 1), float(np.ravel(base)[0]))])
    np.ascontiguousarray(values, dtype="<f8").tofile(f"{d}/{name}.f8")


def trees(name, m, save=None, pairs=True, probability=True):
    d = f"{out}/{name}"
    os.makedirs(d)
    save(d) if save else pickle.dump(m, open(d + "/model.pkl", "wb"))
    A.tofile(d + "/x.f8")
    G.tofile(d + "/ground.f8")
    e = shap.TreeExplainer(m)
    keep(d, "path", e.shap_values(A, check_additivity=False), e.expected_value)
    if pairs:
        keep(d, "pairs", e.shap_interaction_values(A), e.expected_value)
    e = shap.TreeExplainer(m, G, feature_perturbation="interventional")
    keep(d, "against", e.shap_values(A, check_additivity=False), e.expected_value)
    if probability:
        e = shap.TreeExplainer(m, G, feature_perturbation="interventional", model_output="probability")
        keep(d, "probability", e.shap_values(A, check_additivity=False), e.expected_value)


trees("forest", RandomForestClassifier(8, max_depth=6, random_state=0).fit(X, y))
trees("forest-words", RandomForestClassifier(8, max_depth=6, random_state=0).fit(X, words))
trees("extra", ExtraTreesClassifier(8, max_depth=6, random_state=0).fit(X, y))
trees("tree", DecisionTreeClassifier(max_depth=5).fit(X, y))
trees("forest-value", RandomForestRegressor(8, max_depth=6, random_state=0).fit(X, z), probability=False)
trees("gradient", GradientBoostingClassifier(n_estimators=12, random_state=0).fit(X, y))
trees("gradient-value", GradientBoostingRegressor(n_estimators=12, random_state=0).fit(X, z), probability=False)
trees("hist", HistGradientBoostingClassifier(max_iter=12).fit(X, y))
trees("hist-value", HistGradientBoostingRegressor(max_iter=12).fit(X, z), probability=False)
b = lightgbm.LGBMClassifier(n_estimators=12, verbose=-1, n_jobs=1).fit(X, y).booster_
trees("lightgbm", b, lambda d: b.save_model(d + "/model.txt"), pairs=False)
v = xgboost.XGBRegressor(n_estimators=12, max_depth=5, n_jobs=1).fit(X, z)
trees("xgboost-value", v, lambda d: v.save_model(d + "/model.json"), pairs=False, probability=False)

m = LogisticRegression().fit(X, y)
d = out + "/logistic"
os.makedirs(d)
pickle.dump(m, open(d + "/model.pkl", "wb"))
A.tofile(d + "/x.f8")
G.tofile(d + "/ground.f8")
e = shap.LinearExplainer(m, G)
keep(d, "against", e.shap_values(A), e.expected_value)
