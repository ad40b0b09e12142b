"""Fits and times scikit-learn, LightGBM, XGBoost, ONNX Runtime and Treelite on
the data that the Go programs beside this file read.

usage: peers.py make DIR ROWS          generate x.bin, y.bin, xt.bin, yt.bin
       peers.py fit DIR NAME ROWS LEAVES THREADS [TREES]
       peers.py seed CSV DIR           the training part of a CSV with numeric columns as x.bin, y.bin
       peers.py exact DIR ROWS THREADS TREES SPLIT [COLS]
       peers.py linear DIR ROWS THREADS REPEAT
       peers.py metrics ROWS REPEAT
       peers.py models DIR             fit the models for prediction, export them
       peers.py predict DIR MODEL      time every engine that takes MODEL (rf, lgb, xgb)
                                       (TREELITE_RF=1 compiles rf too: minutes of gcc)
       peers.py shap DIR               write Shapley values of the rf model
       peers.py contribs DIR           fit 100 trees of depth 10 by XGBoost, time its pred_contribs and write them
Each timing is one line: what, wall seconds, CPU seconds, and AUC where there is one.
"""
import json, os, sys, time

threads = {"fit": 6, "exact": 4, "linear": 4}.get(sys.argv[1])
if threads:
    for name in "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS":
        os.environ[name] = sys.argv[threads]
import numpy as np


def load(path, rows=None):
    x, y = train(path, rows, np.float32)
    yt = np.fromfile(path + "/yt.bin")
    xt = np.fromfile(path + "/xt.bin").reshape(-1, len(yt)).T
    return [x, y, np.ascontiguousarray(xt, dtype=np.float32), yt]


def train(path, rows, dtype, cols=None):
    y = np.fromfile(path + "/y.bin")
    x = np.memmap(path + "/x.bin", dtype=np.float64, mode="r").reshape(-1, len(y))
    n = rows or len(y)
    return np.ascontiguousarray(x[:cols, :n].T, dtype=dtype), y[:n]


def seed(csv, path):
    import pandas
    from sklearn.model_selection import train_test_split
    t = pandas.read_csv(csv)
    y = t.pop("failure")
    x = t[["capacity_bytes", "lifetime", "model_encoded"]]
    x, _, y, _ = train_test_split(x, y, test_size=0.2, random_state=42, stratify=y)
    os.makedirs(path, exist_ok=True)
    x.to_numpy(np.float64).T.copy().tofile(path + "/x.bin")
    y.to_numpy(np.float64).tofile(path + "/y.bin")


def quickest(what, repeat, work):
    walls, cpus, answer = [], [], None
    for _ in range(repeat):
        with Clock() as c:
            answer = work()
        walls.append(c.wall)
        cpus.append(c.cpu)
    print(f"{what}: wall {min(walls):.6f} s, cpu {min(cpus):.6f} s, answer {answer:.12g}", flush=True)


def exact(path, rows, threads, trees, split, cols=None):
    from sklearn.ensemble import RandomForestClassifier
    x, y = train(path, rows, np.float64, cols)
    def work():
        m = RandomForestClassifier(trees, max_depth=10, min_samples_split=split, random_state=42, n_jobs=threads).fit(x, y)
        return sum(e.tree_.node_count for e in m.estimators_)
    quickest(f"sklearn exact rows={rows} threads={threads}", 3 if len(y) < 20000 else 1, work)


def linear(path, rows, threads, repeat):
    import warnings
    from sklearn.linear_model import LogisticRegression
    warnings.simplefilter("ignore")
    x, y = train(path, rows, np.float64)
    for solver in "lbfgs", "newton-cholesky", "newton-cg":
        quickest(f"sklearn-{solver} rows={rows} threads={threads}", repeat,
                 lambda: LogisticRegression(max_iter=1000, solver=solver).fit(x, y).coef_[0, 0])


def metrics(rows, repeat):
    from sklearn.metrics import average_precision_score, roc_auc_score
    r = np.random.default_rng(1)
    y = r.integers(0, 2, rows)
    p = r.normal(size=rows) + y
    quickest(f"sklearn metrics rows={rows}", repeat, lambda: roc_auc_score(y, p) + average_precision_score(y, p))


def make(path, rows):
    from sklearn.datasets import make_classification
    os.makedirs(path, exist_ok=True)
    x, y = make_classification(n_samples=rows + 200000, n_features=20, n_informative=10, n_redundant=4, n_clusters_per_class=8,
                               class_sep=0.7, flip_y=0.03, random_state=0)
    np.copyto(x, x.astype(np.float32))
    for name, part in ("", slice(0, rows)), ("t", slice(rows, None)):
        x[part].T.tofile(f"{path}/x{name}.bin")
        y[part].astype(np.float64).tofile(f"{path}/y{name}.bin")


class Clock:
    def __enter__(self):
        self.wall, self.cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_):
        self.wall, self.cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu


def fitter(name, leaves, threads, trees):
    """Returns fit(x, y) -> predict(x)."""
    if name in ("lgb", "lgbq"):
        import lightgbm
        p = dict(objective="binary", num_leaves=leaves, num_threads=threads, verbose=-1, learning_rate=0.1, use_quantized_grad=name == "lgbq")
        return lambda x, y: lightgbm.train(p, lightgbm.Dataset(x, y), trees).predict
    if name == "xgb":
        import xgboost
        p = dict(objective="binary:logistic", tree_method="hist", grow_policy="lossguide", max_leaves=leaves, max_depth=0, eta=0.1, nthread=threads)
        def fit(x, y):
            m = xgboost.train(p, xgboost.QuantileDMatrix(x, y, nthread=threads), trees)
            return m.inplace_predict
        return fit
    if name == "hgb":
        from sklearn.ensemble import HistGradientBoostingClassifier as H
        def fit(x, y):
            m = H(max_iter=trees, max_leaf_nodes=leaves, learning_rate=0.1, early_stopping=False).fit(x, y)
            return lambda v: m.predict_proba(v)[:, 1]
        return fit
    if name == "rf":
        from sklearn.ensemble import RandomForestClassifier as R
        def fit(x, y):
            m = R(trees, max_depth=10, random_state=1, n_jobs=threads).fit(x, y)
            return lambda v: m.predict_proba(v)[:, 1]
        return fit
    raise SystemExit(f"no peer {name}")


def fit(path, name, rows, leaves, threads, trees=100):
    from sklearn.metrics import roc_auc_score
    x, y, xt, yt = load(path, rows)
    f = fitter(name, leaves, threads, trees)
    f(x[:2000], y[:2000])
    with Clock() as c:
        predict = f(x, y)
    print(f"{name} rows={rows} leaves={leaves} threads={threads} trees={trees}: wall {c.wall:.2f} s, cpu {c.cpu:.2f} s, auc {roc_auc_score(yt, predict(xt)):.5f}", flush=True)


def models(path):
    """Fits 100 trees on 100,000 rows with each library and exports them."""
    import joblib, lightgbm, xgboost
    from sklearn.ensemble import RandomForestClassifier as R
    x, y, _, _ = load(path, 100000)
    rf = R(100, max_depth=10, random_state=1, n_jobs=-1).fit(x, y)
    joblib.dump(rf, path + "/rf.joblib")
    trees = []
    for e in rf.estimators_:
        t = e.tree_
        v = t.value[:, 0, :]
        trees.append(dict(left=t.children_left.tolist(), right=t.children_right.tolist(), feature=t.feature.tolist(),
                          threshold=t.threshold.tolist(), missing=[bool(b) for b in t.missing_go_to_left],
                          weight=t.weighted_n_node_samples.tolist(), value=(v / v.sum(axis=1, keepdims=True)).ravel().tolist()))
    json.dump(dict(kind="rf", base=0, trees=trees), open(path + "/rf.json", "w"))
    lgb = lightgbm.train(dict(objective="binary", num_leaves=31, verbose=-1), lightgbm.Dataset(x, y), 100)
    lgb.save_model(path + "/lgb.txt")
    trees = [flat(t["tree_structure"]) for t in lgb.dump_model()["tree_info"]]
    json.dump(dict(kind="lgb", base=0, trees=trees), open(path + "/lgb.json", "w"))
    xgb = xgboost.train(dict(objective="binary:logistic", tree_method="hist", grow_policy="lossguide", max_leaves=31, max_depth=0, eta=0.1),
                        xgboost.DMatrix(x, y), 100)
    dump_xgb(xgb, path, "xgb")


def dump_xgb(xgb, path, name):
    xgb.save_model(f"{path}/{name}.json.model.json")
    m = json.load(open(f"{path}/{name}.json.model.json"))["learner"]
    p = float(m["learner_model_param"]["base_score"].strip("[]"))
    trees = [dict(left=t["left_children"], right=t["right_children"], feature=t["split_indices"], threshold=t["split_conditions"],
                  missing=[bool(b) for b in t["default_left"]], weight=t["sum_hessian"], value=t["split_conditions"])
             for t in m["gradient_booster"]["model"]["trees"]]
    json.dump(dict(kind="xgb", base=float(np.log(p / (1 - p))), trees=trees), open(f"{path}/{name}.json", "w"))


def flat(root):
    t = dict(left=[], right=[], feature=[], threshold=[], missing=[], weight=[], value=[])
    def add(n):
        i = len(t["left"])
        leaf = "leaf_value" in n
        for k, v in (("left", -1), ("right", -1), ("feature", n.get("split_feature", -2)), ("threshold", n.get("threshold", 0.0)),
                     ("missing", n.get("default_left", False)), ("weight", n.get("leaf_count" if leaf else "internal_count", 0)),
                     ("value", n.get("leaf_value", 0.0))):
            t[k].append(v)
        if not leaf:
            t["left"][i] = add(n["left_child"])
            t["right"][i] = add(n["right_child"])
        return i
    add(root)
    return t


def best(what, f, rows, repeat=7):
    f()
    times = []
    for _ in range(repeat):
        with Clock() as c:
            f()
        times.append((c.wall, c.cpu))
    wall, cpu = min(t[0] for t in times), min(t[1] for t in times)
    print(f"{what}: {wall / rows * 1e6:.3f} us/row wall, {cpu / rows * 1e6:.3f} us/row cpu", flush=True)


def predict(path, model):
    _, _, xt, _ = load(path, 1000)
    x = xt[:100000]
    n = len(x)
    if model == "rf":
        import joblib
        m = joblib.load(path + "/rf.joblib")
        m.n_jobs = 1
        best("scikit-learn rf", lambda: m.predict_proba(x), n, 3)
        m.predict_proba(x).tofile(path + "/rf.want")
        best("scikit-learn rf, one row at a time", lambda: [m.predict_proba(x[i:i + 1]) for i in range(20)], 20, 3)
        onnx_of(lambda: __import__("skl2onnx").to_onnx(m, x[:1], options={id(m): {"zipmap": False}}), "rf", x)
    if model == "lgb":
        import lightgbm
        m = lightgbm.Booster(model_file=path + "/lgb.txt")
        best("lightgbm", lambda: m.predict(x, num_threads=1), n)
        m.predict(x, raw_score=True).tofile(path + "/lgb.want")
        def convert():
            import onnxmltools
            from onnxmltools.convert.common.data_types import FloatTensorType
            return onnxmltools.convert_lightgbm(m, initial_types=[("x", FloatTensorType([None, x.shape[1]]))], zipmap=False)
        onnx_of(convert, "lgb", x)
    if model == "xgb":
        import xgboost
        m = xgboost.Booster(model_file=path + "/xgb.json.model.json")
        m.set_param("nthread", 1)
        best("xgboost, matrix included", lambda: m.predict(xgboost.DMatrix(x, nthread=1)), n)
        best("xgboost, inplace", lambda: m.inplace_predict(x), n)
        m.predict(xgboost.DMatrix(x), output_margin=True).astype(np.float64).tofile(path + "/xgb.want")
    treelite_of(path, model, x)


def onnx_of(convert, what, x):
    try:
        import onnxruntime
        o = onnxruntime.SessionOptions()
        o.intra_op_num_threads = 1
        s = onnxruntime.InferenceSession(convert().SerializeToString(), o, providers=["CPUExecutionProvider"])
        name = s.get_inputs()[0].name
        best(f"onnxruntime {what}", lambda: s.run(None, {name: x}), len(x))
    except Exception as e:
        print(f"onnxruntime {what}: not measured: {type(e).__name__}: {e}")


def treelite_of(path, model, x):
    if model == "rf" and not os.environ.get("TREELITE_RF"):
        print("treelite rf: not measured: set TREELITE_RF=1")
        return
    try:
        import tl2cgen, treelite
        if model == "rf":
            import joblib
            m = treelite.sklearn.import_model(joblib.load(path + "/rf.joblib"))
        elif model == "lgb":
            m = treelite.frontend.load_lightgbm_model(path + "/lgb.txt")
        else:
            m = treelite.frontend.load_xgboost_model(path + "/xgb.json.model.json", format_choice="use_suffix")
        lib = f"{path}/{model}.so"
        tl2cgen.export_lib(m, toolchain="gcc", libpath=lib, params={"parallel_comp": 2}, verbose=False)
        p = tl2cgen.Predictor(lib, nthread=1)
        best(f"treelite {model}, compiled", lambda: p.predict(tl2cgen.DMatrix(x)), len(x))
    except Exception as e:
        print(f"treelite {model}: not measured: {type(e).__name__}: {e}")


def shap_values(path):
    import joblib, shap
    m = joblib.load(path + "/rf.joblib")
    _, _, xt, _ = load(path, 1000)
    e = shap.TreeExplainer(m)
    with Clock() as c:
        v = e.shap_values(xt[:100].astype(np.float64), check_additivity=False)
    v = np.asarray(v)
    v = v[1] if v.ndim == 3 and v.shape[0] == 2 else v[:, :, 1]
    np.ascontiguousarray(v, dtype=np.float64).tofile(path + "/rf.shap.want")
    print(f"shap: {c.wall / 100 * 1e6:.0f} us/row wall, base {np.ravel(e.expected_value)[-1]!r}")


def contribs(path):
    import xgboost
    x, y, xt, _ = load(path, 100000)
    m = xgboost.train(dict(objective="binary:logistic", tree_method="hist", max_depth=10, eta=0.1), xgboost.DMatrix(x, y), 100)
    dump_xgb(m, path, "contribs")
    m.set_param("nthread", 1)
    rows = xgboost.DMatrix(xt[:1000], nthread=1)
    best("xgboost pred_contribs", lambda: m.predict(rows, pred_contribs=True), 1000, 3)
    np.ascontiguousarray(m.predict(rows, pred_contribs=True)[:100, :-1], dtype=np.float64).tofile(path + "/contribs.shap.want")


if __name__ == "__main__":
    a = sys.argv[2:]
    {"seed": lambda: seed(a[0], a[1]), "exact": lambda: exact(a[0], *map(int, a[1:])), "linear": lambda: linear(a[0], *map(int, a[1:])),
     "metrics": lambda: metrics(*map(int, a)), "make": lambda: make(a[0], int(a[1])), "fit": lambda: fit(a[0], a[1], *map(int, a[2:])), "models": lambda: models(a[0]),
     "predict": lambda: predict(a[0], a[1]), "shap": lambda: shap_values(a[0]),
     "contribs": lambda: contribs(a[0])}[sys.argv[1]]()
