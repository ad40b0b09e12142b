"""Fits scikit-learn on generated and real tables and writes what came out.

    python peer.py FOLDER CASES [DRIVES.csv]
    python peer.py fixture FILE.zip

For each case FOLDER gets N.json (name, parameters, and where each array lies) and
N.bin (the arrays, little-endian, one after another). splits.json holds the rows
of each splitter. The same version of scikit-learn writes the same cases. A fixture
is a zip of the small ones, to be committed.
"""

import csv
import json
import os
import sys
import tempfile
import warnings
import zipfile

import numpy as np
import sklearn
from sklearn import datasets, ensemble, tree
from sklearn import model_selection as ms

warnings.filterwarnings("ignore")
VERSION = tuple(int(p) for p in sklearn.__version__.split(".")[:2])
CLASSIFIERS = ["RandomForestClassifier", "DecisionTreeClassifier", "ExtraTreesClassifier"]
REGRESSORS = ["RandomForestRegressor", "DecisionTreeRegressor", "ExtraTreesRegressor"]


class Writer:
    def __init__(self, folder, number):
        self.path, self.head, self.body = os.path.join(folder, str(number)), {"Arrays": {}}, b""

    def array(self, name, values, dtype):
        a = np.ascontiguousarray(values, dtype=dtype)
        self.head["Arrays"][name] = {"At": len(self.body), "N": int(a.size)}
        self.body += a.tobytes()

    def close(self):
        with open(self.path + ".bin", "wb") as f:
            f.write(self.body)
        with open(self.path + ".json", "w") as f:
            json.dump(self.head, f)


def real_tables(drives):
    tables = []
    for load in (datasets.load_iris, datasets.load_wine, datasets.load_breast_cancer):
        x, y = load(return_X_y=True)
        tables.append((load.__name__[5:], x, y.astype(float), x[:, 0] * 3.7))
    x, y = datasets.load_digits(return_X_y=True)
    tables.append(("digits", x[:500], y[:500].astype(float), x[:500].sum(axis=1)))
    x, y = datasets.load_diabetes(return_X_y=True)
    tables.append(("diabetes", x, np.digitize(y, [100, 180]).astype(float), y))
    if drives:
        with open(drives) as f:
            rows = list(csv.DictReader(f))
        x = np.array([[float(r[c]) for c in ("capacity_bytes", "lifetime", "model_encoded")] for r in rows])
        y = np.array([float(r["failure"]) for r in rows])
        tables.append(("drives", x, y, x[:, 1] * 2.5))
    return tables


def generated_table(g):
    n, c = g.randint(8, 400), g.randint(1, 14)
    x = g.randn(n, c)
    form = g.choice(["plain", "ties", "coarse", "constant", "tiny", "huge", "copies"])
    if form == "ties":
        x = np.round(x, 1)
    elif form == "coarse":
        x = np.round(x)
    elif form == "constant":
        x[:, :: 2] = 3.5
    elif form == "tiny":
        x *= 3e-7
    elif form == "huge":
        x *= 1e30
    elif form == "copies":
        x = x[g.randint(0, max(1, n // 4), n)]
    with np.errstate(over="ignore"):
        z = np.nan_to_num(x / (np.abs(x).max() + 1e-300)).sum(axis=1)
    z = z + g.randn(n) * (z.std() + 0.1)
    k = g.randint(1, 6)
    y = np.searchsorted(np.quantile(z, np.arange(1, k) / k), z).astype(float) * 2 - 1
    t = np.round(z, 1) if g.rand() < 0.3 else np.round(10 * z) if g.rand() < 0.2 else z * 17.3
    return form, x, y, t


def draw_params(g, name, labels, n):
    p = {"random_state": int(g.randint(0, 2**31 - 1)) if g.rand() < 0.9 else 0}
    maybe = lambda share, key, *choices: p.update({key: choices[g.randint(len(choices))]}) if g.rand() < share else None
    forest = "Tree" not in name or "Extra" in name
    if forest:
        p["n_estimators"] = int(g.randint(1, 9))
    if name in CLASSIFIERS:
        maybe(0.5, "criterion", "entropy", "log_loss")
        some = {str(l): float(w) for l, w in zip(labels, g.choice([0.5, 1, 2, 3.7], len(labels)))}
        maybe(0.35, "class_weight", "balanced", some, *(["balanced_subsample"] if forest else []))
    maybe(0.4, "max_depth", 1, 2, 4, 7)
    maybe(0.3, "min_samples_split", 3, 10, 0.1)
    maybe(0.3, "min_samples_leaf", 2, 5, 0.05)
    maybe(0.2, "min_weight_fraction_leaf", 0.01, 0.1)
    maybe(0.5, "max_features", "sqrt", "log2", 0.5, 1, None)
    maybe(0.25, "max_leaf_nodes", 2, 5, 20)
    maybe(0.2, "min_impurity_decrease", 0.001, 0.02)
    maybe(0.25, "ccp_alpha", 0.002, 0.01, 0.05)
    if name.startswith("DecisionTree"):
        maybe(0.2, "splitter", "random")
    elif forest:
        maybe(0.3, "bootstrap", True, False)
        if p.get("bootstrap", name.startswith("RandomForest")):
            maybe(0.3, "max_samples", 0.5, 0.33, max(1, n // 3))
            maybe(0.3, "oob_score", True)
    return p


def takes_missing(name, p):
    if VERSION >= (1, 6):
        return True
    best = p.get("splitter", "best") == "best"
    return VERSION >= (1, 4) and not name.startswith("Extra") and best


def build(name, p):
    p = dict(p)
    if isinstance(p.get("class_weight"), dict):
        p["class_weight"] = {float(k): v for k, v in p["class_weight"].items()}
    module = tree if name.startswith("DecisionTree") else ensemble
    return getattr(module, name)(**p)


def write_case(folder, number, label, x, y, w, name, p):
    m = build(name, p).fit(x, y, sample_weight=w)
    out = Writer(folder, number)
    out.head.update(Name=label, Estimator=name, Params=p, Rows=int(x.shape[0]), Cols=int(x.shape[1]),
                    Classes=int(len(m.classes_)) if name in CLASSIFIERS else 0)
    out.array("X", x.T, "<f8")
    out.array("Y", y, "<f8")
    if w is not None:
        out.array("W", w, "<f8")
    trees = [e.tree_ for e in m.estimators_] if hasattr(m, "estimators_") else [m.tree_]
    join = lambda f: np.concatenate([np.asarray(f(t)).ravel() for t in trees])
    out.array("Nodes", [t.node_count for t in trees], "<i4")
    out.array("Left", join(lambda t: t.children_left), "<i4")
    out.array("Right", join(lambda t: t.children_right), "<i4")
    out.array("Feature", join(lambda t: t.feature), "<i4")
    out.array("Threshold", join(lambda t: t.threshold), "<f8")
    out.array("Impurity", join(lambda t: t.impurity), "<f8")
    out.array("Samples", join(lambda t: t.n_node_samples), "<i4")
    out.array("Weight", join(lambda t: t.weighted_n_node_samples), "<f8")
    counted = name in CLASSIFIERS and VERSION < (1, 4)  # values were weights of classes, now they are shares
    share = lambda t: t.value[:, 0, :] / t.weighted_n_node_samples[:, None] if counted else t.value
    out.array("Value", join(share), "<f8")
    if VERSION >= (1, 4):
        inner = lambda t: t.missing_go_to_left * (t.children_left >= 0)
        out.array("MissingLeft", join(inner), "<i4")
    some = x[:60]
    out.array("Answer", m.predict_proba(some) if name in CLASSIFIERS else m.predict(some), "<f8")
    out.array("Importances", m.feature_importances_, "<f8")
    if p.get("oob_score"):
        out.array("OOB", [m.oob_score_], "<f8")
        out.array("Decision", m.oob_decision_function_ if name in CLASSIFIERS else m.oob_prediction_, "<f8")
    out.close()


def write_trees(folder, cases, drives):
    real = real_tables(drives)
    for number in range(cases):
        g = np.random.RandomState(1000 + number)
        form, x, y, t = real[number % len(real)] if number % 5 == 0 else generated_table(g)
        name = (CLASSIFIERS + REGRESSORS)[g.randint(6)]
        target = y if name in CLASSIFIERS else t
        p = draw_params(g, name, np.unique(y), len(y))
        w = None
        if g.rand() < 0.35:
            w = g.choice([0.0, 1.0, 2.0], len(y)) if g.rand() < 0.5 else g.rand(len(y)) * 3
            w[:2] = 1
        if takes_missing(name, p) and g.rand() < 0.25:
            x = x.copy()
            x[g.rand(*x.shape) < g.choice([0.02, 0.3])] = np.nan
            form += ", missing"
        write_case(folder, number, form, x, target, w, name, p)
    if drives:
        x, y = real[-1][1], real[-1][2]
        train, _ = ms.train_test_split(np.arange(len(y)), test_size=0.2, random_state=42, stratify=y)
        p = {"n_estimators": 100, "max_depth": 10, "min_samples_split": 5, "random_state": 42}
        write_case(folder, cases, "the published forest", x[train], y[train], None, "RandomForestClassifier", p)


def write_fixture(path, most=45, size=12_000):
    """Keeps the first cases whose arrays are small, and the splits of a few tables."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        write_trees(folder, 400, None)
        write_splits(folder, 8)
        add = lambda name, text: z.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED, 9)
        kept = 0
        for number in range(400):
            body = open(os.path.join(folder, f"{number}.bin"), "rb").read()
            head = open(os.path.join(folder, f"{number}.json")).read()
            at = json.loads(head)["Arrays"]["Threshold"]
            thresholds = np.frombuffer(body, "<f8", at["N"], at["At"])
            if len(body) > size or kept == most or np.isnan(thresholds).any():  # 1.8 has trees with broken thresholds
                continue
            add(f"{kept}.json", head)
            add(f"{kept}.bin", body)
            kept += 1
        add("splits.json", open(os.path.join(folder, "splits.json")).read())


def write_splits(folder, tables=60):
    out = []
    for number in range(tables):
        g = np.random.RandomState(number)
        n, seed = int(g.randint(20, 300)), int(g.randint(0, 10000))
        y, groups = g.randint(0, g.randint(2, 5), n), g.randint(0, g.randint(6, 30), n)
        y[:16] = np.arange(16) % 4  # every class has several rows
        folds, shuffle = int(g.randint(2, 6)), bool(g.randint(2))
        size, x = float(g.choice([0.2, 0.25, 0.33, 0.5])), np.zeros((n, 1))
        state = seed if shuffle else None

        def add(kind, splitter, *args):
            rows = [[a.tolist(), b.tolist()] for a, b in splitter.split(*args)]
            out.append(dict(Kind=kind, N=n, Y=y.tolist(), Groups=groups.tolist(), Folds=folds, Shuffle=shuffle, Seed=seed,
                            Size=size, Gap=number % 3, MaxTrain=(number % 4) * 7, Rows=rows))

        add("KFold", ms.KFold(folds, shuffle=shuffle, random_state=state), x)
        add("StratifiedKFold", ms.StratifiedKFold(folds, shuffle=shuffle, random_state=state), x, y)
        sizes = np.unique(groups, return_counts=True)[1]
        if shuffle and VERSION >= (1, 6):
            add("GroupKFold", ms.GroupKFold(folds, shuffle=True, random_state=seed), x, y, groups)
        elif VERSION >= (1, 9) or len(set(sizes)) == len(sizes):
            shuffle = False  # before 1.9 the order of groups of equal size is that of an unstable sort
            add("GroupKFold", ms.GroupKFold(folds), x, y, groups)
        add("TimeSeriesSplit", ms.TimeSeriesSplit(folds, max_train_size=(number % 4) * 7 or None, gap=number % 3), x)
        add("ShuffleSplit", ms.ShuffleSplit(folds, test_size=size, random_state=seed), x)
        add("StratifiedShuffleSplit", ms.StratifiedShuffleSplit(folds, test_size=size, random_state=seed), x, y)
        add("GroupShuffleSplit", ms.GroupShuffleSplit(folds, test_size=size, random_state=seed), x, y, groups)
        for kind, strata in (("train_test_split", None), ("train_test_split stratified", y)):
            pair = ms.train_test_split(np.arange(n), test_size=size, random_state=seed, stratify=strata)
            add(kind, type("Once", (), {"split": lambda self: [pair]})())
    with open(os.path.join(folder, "splits.json"), "w") as f:
        json.dump(out, f)


if __name__ == "__main__":
    if sys.argv[1] == "fixture":
        sys.exit(write_fixture(sys.argv[2]))
    write_trees(sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
    write_splits(sys.argv[1])
    print(sklearn.__version__)
