"""Fits estimators with real scikit-learn and writes, for each, the model file
and what the library answers on awkward rows.

usage: python fit.py OUT [WORD…]     only models whose name holds a WORD

OUT/NAME/model.*    the model file
OUT/NAME/case.json  {"rows", "cols", "tolerance", "labels": [...] or null}
OUT/NAME/x.f8       rows, row-major, little-endian
OUT/NAME/want.f8    predict_proba, or predict of a regressor
OUT/NAME/class.i4   index of the predicted class, for a classifier
"""
import json, os, pickle, sys, warnings
import numpy as np

warnings.filterwarnings("ignore")
OUT, WORDS = sys.argv[1], sys.argv[2:]


def rows(X, nan, inf=False, seed=3):
    """Random rows, rows of the training data and rows next to them."""
    r = np.random.RandomState(seed)
    lo, hi = X.min(0), X.max(0)
    out = [r.uniform(lo - 1, hi + 1, (300, X.shape[1])), X[:100], np.nextafter(X[:50].astype("f4"), np.float32(np.inf)).astype(float)]
    edge = X[:60].copy()
    edge.flat[:: 7] = 0.0
    edge.flat[3:: 7] = -0.0
    edge.flat[5:: 11] = 1e30
    edge.flat[6:: 13] = -1e-40
    out.append(edge)
    if nan:
        gaps = X[:80].copy()
        gaps.flat[::3] = np.nan
        gaps[0] = np.nan
        out.append(gaps)
    if inf:
        far = X[:40].copy()
        far.flat[::4] = np.inf
        far.flat[1::4] = -np.inf
        out.append(far)
    return np.ascontiguousarray(np.vstack(out), dtype="f8")


def data(k=2, n=300, cols=5, text=False, kind="i", seed=1, scale=1.0):
    r = np.random.RandomState(seed)
    X = r.randn(n, cols) * scale
    X[:, 1] = np.round(X[:, 1], 1)
    z = X[:, 0] + X[:, 1] * X[:, 2] + r.randn(n) * 0.3
    if k == 0:
        return X, z
    y = np.searchsorted(np.quantile(z, np.arange(1, k) / k), z)
    if kind == "s":
        y = np.array(["bad", "good", "ugly", "late"])[y]
    elif kind == "f":
        y = y * 2.0 - 1
    elif kind == "b":
        y = y.astype(bool)
    return X, y


def save(name, est, X, how="pickle", tol=0.0, nan=False, inf=False, proba=True, ask=None):
    if WORDS and not any(w in name for w in WORDS):
        return
    try:
        keep(name, est, X, how, tol, nan, inf, proba, ask)
    except Exception as e:
        FAULTS.append(f"{name}: {type(e).__name__}: {str(e)[:300]}")


FAULTS = []


def keep_plain(name, est, X, tol):
    """Saves a model of its own format whose answers are compared on rows like those it was fitted to."""
    global rows
    wide, rows = rows, lambda X, nan, inf=False: np.ascontiguousarray(X[:150], dtype="f4").astype("f8")
    save(name, est, X, "native", tol=tol)
    rows = wide


def keep(name, est, X, how, tol, nan, inf, proba, ask):
    d = os.path.join(OUT, name)
    os.makedirs(d)
    dump(est, d, how)
    case = {"tolerance": tol, "labels": None, "proba": proba}
    A = rows(X, nan, inf)
    asked = (ask or est)
    if getattr(asked, "classes_", None) is not None:
        cls = list(asked.classes_)
        case["labels"] = [str(c) for c in cls]
        pred = asked.predict(A)
        np.array([cls.index(p) for p in pred.tolist()], "<i4").tofile(d + "/class.i4")
        if proba:
            asked.predict_proba(A).astype("<f8").tofile(d + "/want.f8")
        elif hasattr(asked, "decision_function"):
            asked.decision_function(A).astype("<f8").tofile(d + "/margin.f8")
    else:
        np.asarray(asked.predict(A)).astype("<f8").tofile(d + "/want.f8")
    A.astype("<f8").tofile(d + "/x.f8")
    if contrib := getattr(asked, "contrib", None):
        contrib(A).astype("<f8").tofile(d + "/contrib.f8")
    case["rows"], case["cols"] = A.shape
    json.dump(case, open(d + "/case.json", "w"))


def dump(est, d, how):
    if how == "pickle":
        pickle.dump(est, open(d + "/model.pkl", "wb"))
    elif how.startswith("protocol"):
        pickle.dump(est, open(d + "/model.pkl", "wb"), protocol=int(how[8:]))
    elif how == "cloudpickle":
        import cloudpickle
        cloudpickle.dump(est, open(d + "/model.pkl", "wb"))
    elif how == "joblib":
        import joblib
        joblib.dump(est, d + "/model.joblib")
    elif how == "skops":
        import skops.io
        skops.io.dump(est, d + "/model.skops")
    elif how == "native":
        est.save_own(d)
    else:
        import joblib
        joblib.dump(est, d + "/model.joblib", compress=(how, 3))


def trees():
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier
    import sklearn
    new = tuple(int(p) for p in sklearn.__version__.split(".")[:2]) >= (1, 4)
    X, y = data(2)
    hows = ["pickle", "protocol0", "protocol1", "protocol2", "protocol3", "protocol4", "protocol5", "cloudpickle", "joblib", "zlib", "gzip", "bz2", "xz", "lzma"]
    try:
        import lz4  # noqa: F401
        hows.append("lz4")
    except ImportError:
        pass
    try:
        import skops  # noqa: F401
        hows.append("skops")
    except ImportError:
        pass
    for how in hows:
        save("forest-" + how, RandomForestClassifier(10, max_depth=5, random_state=0).fit(X, y), X, how, nan=new)
    for k, kind in [(3, "i"), (4, "s"), (2, "f"), (2, "b"), (2, "s")]:
        X, y = data(k, kind=kind)
        save(f"forest-{k}{kind}", RandomForestClassifier(12, max_depth=6, random_state=0).fit(X, y), X, nan=new)
        save(f"extra-{k}{kind}", ExtraTreesClassifier(12, random_state=0).fit(X, y), X)
        save(f"tree-{k}{kind}", DecisionTreeClassifier(random_state=0, min_samples_leaf=3).fit(X, y), X)
    X, y = data(9, n=900)
    w = np.random.RandomState(0).uniform(0.1, 3, len(y))
    save("forest-9-weights", RandomForestClassifier(12, max_depth=6, random_state=0, class_weight="balanced").fit(X, y, w), X, nan=new)
    save("tree-9-weights", DecisionTreeClassifier(random_state=0, max_depth=6).fit(X, y, w), X)
    save("extratree", ExtraTreeClassifier(random_state=0, max_depth=6).fit(X, y), X)
    if new:
        X, y = data(3)
        X[::5, 0] = np.nan
        X[1::7, 2] = np.nan
        save("forest-nan", RandomForestClassifier(12, max_depth=6, random_state=0).fit(X, y), np.nan_to_num(X), nan=True)
        save("tree-nan", DecisionTreeClassifier(max_depth=6, random_state=0).fit(X, y), np.nan_to_num(X), nan=True)
    X, y = data(0)
    save("forest-value", RandomForestRegressor(12, random_state=0).fit(X, y), X)
    save("extra-value", ExtraTreesRegressor(12, random_state=0).fit(X, y), X)
    save("tree-value", DecisionTreeRegressor(max_depth=7, random_state=0).fit(X, y), X)


def linears():
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.ensemble import RandomForestClassifier
    for k, kind in [(2, "i"), (2, "s"), (3, "i"), (4, "s")]:
        X, y = data(k, kind=kind)
        save(f"logistic-{k}{kind}", LogisticRegression().fit(X, y), X, tol=1e-12)
        if kind == "s" and "skops" in sys.modules:
            save(f"skops-logistic-{k}{kind}", make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y), X, "skops", tol=1e-12)
        save(f"pipeline-logistic-{k}{kind}", make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y), X, tol=1e-12)
    X, y = data(2)
    save("logistic-liblinear", LogisticRegression(solver="liblinear").fit(X, y), X, tol=1e-12)
    save("logistic-cv", LogisticRegressionCV(Cs=3).fit(X, y), X, tol=1e-12)
    save("pipeline-forest", make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0)).fit(X, y), X)
    save("pipeline-in-pipeline", make_pipeline(make_pipeline(StandardScaler(), "passthrough"), LogisticRegression()).fit(X, y), X, tol=1e-12)
    for mc in ["multinomial", "ovr"]:
        try:
            for k in (2, 3):
                X, y = data(k)
                save(f"logistic-{mc}-{k}", LogisticRegression(multi_class=mc).fit(X, y), X, tol=1e-12)
        except TypeError:
            pass


if __name__ == "__main__":
    trees()
    linears()
    for more in ("fit_more", "fit_boost", "fit_onnx"):
        if os.path.exists(os.path.join(os.path.dirname(os.path.abspath(__file__)), more + ".py")):
            __import__(more).main(sys.modules[__name__])
    print("\n".join(FAULTS))
    sys.exit(len(FAULTS) > 0)
