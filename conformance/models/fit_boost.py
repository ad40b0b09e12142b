"""XGBoost, LightGBM and CatBoost; see fit.py."""
import os, pickle
import numpy as np


def main(f):
    for part in (xgb, lgb, cat):
        try:
            part(f)
        except ImportError as e:
            print("skipped:", e)


class Asked:
    """A booster asked as scikit-learn's estimators are."""
    def __init__(self, path, save, proba=None, predict=None, classes=None, contrib=None):
        self.contrib = contrib
        self.save_own = lambda d: save(os.path.join(d, path))
        self.classes_, self.p, self.v = classes, proba, predict

    def predict_proba(self, A): return self.p(A)

    def predict(self, A):
        if self.classes_ is None:
            return self.v(A)
        return np.array([self.classes_[i] for i in self.p(A).argmax(1)])


class Value:
    def __init__(self, path, save, predict):
        self.save_own, self.predict = (lambda d: save(os.path.join(d, path))), predict


def xgb(f):
    import xgboost as x
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    opt = dict(tol=1.3e-7, nan=True, inf=False)
    for k in (2, 3):
        X, y = f.data(k)
        for name, par in [("plain", {}), ("deep", dict(max_depth=9, learning_rate=1.0)), ("dart", dict(booster="dart", rate_drop=0.3)), ("parallel", dict(num_parallel_tree=3)),
                          ("score", dict(base_score=0.3)), ("linear", dict(booster="gblinear"))]:
            if name == "score" and k > 2:
                continue
            c = x.XGBClassifier(n_estimators=15, n_jobs=1, **par).fit(X, y)
            o = dict(opt, nan=name != "linear")
            if name == "linear":
                o["tol"] = 1e-6
            for path in ("model.json", "model.ubj"):
                shap = (lambda A: c.get_booster().predict(x.DMatrix(A), pred_contribs=True)) if name in ("plain", "deep", "parallel", "score") and k == 2 else None
                f.save(f"xgb-{name}-{k}-{path[6:]}", Asked(path, c.save_model, c.predict_proba, classes=list(range(k)), contrib=shap), X, "native", **o)
            f.save(f"xgb-{name}-{k}-pickle", c, X, **o)
            b = c.get_booster()
            if name == "plain":
                f.save(f"xgb-booster-{k}", Asked("model.json", b.save_model, c.predict_proba, classes=list(range(k))), X, "native", **o)
        c = x.XGBClassifier(n_estimators=60, early_stopping_rounds=2, n_jobs=1).fit(X[:200], y[:200], eval_set=[(X[200:], y[200:])], verbose=False)
        f.save(f"xgb-stopped-{k}", Asked("model.json", c.save_model, c.predict_proba, classes=list(range(k))), X, "native", **opt)
        f.save(f"xgb-stopped-{k}-pickle", c, X, **opt)
        f.save(f"xgb-pipeline-{k}", make_pipeline(StandardScaler(), x.XGBClassifier(n_estimators=5, n_jobs=1)).fit(X, y), X, tol=1.3e-7, nan=True)
        c = x.XGBClassifier(booster="dart", rate_drop=0.4, n_estimators=40, early_stopping_rounds=2, num_parallel_tree=2, n_jobs=1).fit(X[:200], y[:200], eval_set=[(X[200:], y[200:])], verbose=False)
        f.save(f"xgb-dart-stopped-{k}", Asked("model.json", c.save_model, c.predict_proba, classes=list(range(k))), X, "native", **opt)
        for gone in (0, -1.0):
            f.save(f"xgb-missing{gone}-{k}", x.XGBClassifier(n_estimators=5, missing=gone, n_jobs=1).fit(X.round(0), y), X.round(0), **opt)
        sparse(f, f"xgb-sparse-{k}", x.XGBClassifier(n_estimators=5, n_jobs=1), X, y, 1.3e-7)
    X, y = f.data(2)
    f.save("xgb-logitraw", x.XGBClassifier(n_estimators=5, objective="binary:logitraw", n_jobs=1).fit(X, y), X, tol=4e-7, nan=True)
    X, y = f.data(0)
    for obj in ["reg:squarederror", "count:poisson", "reg:gamma", "reg:tweedie", "reg:absoluteerror", "reg:pseudohubererror"]:
        r = x.XGBRegressor(n_estimators=15, objective=obj, n_jobs=1).fit(X, np.abs(y) + 0.1)
        f.save("xgb-" + obj.replace(":", "-"), Value("model.json", r.save_model, r.predict), X, "native", tol=4e-7, nan=True)
    C, y = f.data(2)
    C[:, 1] = np.abs(np.round(C[:, 1] * 3)) % 9
    b = x.train({"objective": "binary:logistic", "max_cat_to_onehot": 2}, x.DMatrix(C, y, feature_types=["q", "c", "q", "q", "q"], enable_categorical=True), 15)

    def ask(A):
        p = b.predict(x.DMatrix(A, feature_types=["q", "c", "q", "q", "q"], enable_categorical=True)).astype(float)
        return np.stack([1 - p, p], 1)
    f.save("xgb-categories", Asked("model.json", b.save_model, ask, classes=[0, 1]), np.abs(C), "native", tol=1.3e-7)


def sparse(f, name, est, X, y, tol):
    """Pipelines whose last step is given a sparse matrix: what it leaves out is missing to XGBoost, zero to others."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import BaggingClassifier
    from sklearn.pipeline import FeatureUnion, make_pipeline
    from sklearn.preprocessing import KBinsDiscretizer, MaxAbsScaler, OneHotEncoder
    W = X.copy()
    W[:, 3:] = np.abs(np.round(X[:, 3:] * 2)) % 4
    hot = ColumnTransformer([("o", OneHotEncoder(handle_unknown="ignore"), [3, 4]), ("k", "passthrough", [0])], sparse_threshold=1.0)
    for part, steps in [("columns", [hot]), ("bins", [KBinsDiscretizer(4)]), ("scaled", [hot, MaxAbsScaler()]),
                        ("union", [FeatureUnion([("a", hot), ("b", MaxAbsScaler())])]), ("dense", [ColumnTransformer(hot.transformers, sparse_threshold=0)])]:
        f.save(f"{name}-{part}", make_pipeline(*steps, est).fit(W, y), W, tol=tol)
    f.save(f"{name}-bagging", make_pipeline(hot, BaggingClassifier(est, n_estimators=3, random_state=0)).fit(W, y), W, tol=tol)


def lgb(f):
    import lightgbm as g
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    opt = dict(tol=1e-12, nan=True, inf=True)
    base = dict(n_estimators=15, n_jobs=1, verbose=-1, min_child_samples=5)
    for k, kind in [(2, "i"), (3, "i"), (2, "s"), (4, "s"), (2, "f")]:
        X, y = f.data(k, kind=kind)
        if kind == "i":
            for name, par in [("plain", {}), ("zero", dict(zero_as_missing=True)), ("nomissing", dict(use_missing=False)),
                              ("forest", dict(boosting_type="rf", bagging_freq=1, bagging_fraction=0.7)), ("dart", dict(boosting_type="dart")),
                              ("linear", dict(linear_tree=True)), ("ova", dict(objective="multiclassova" if k > 2 else "binary", is_unbalance=True))]:
                c = g.LGBMClassifier(**base, **par).fit(X, y)
                o = dict(opt, tol=1e-7 if name == "linear" else 1e-12, inf=name != "linear")
                shap = (lambda A: c.booster_.predict(A, pred_contrib=True)) if name in ("plain", "nomissing", "dart", "ova") and k == 2 else None
                f.save(f"lgb-{name}-{k}", Asked("model.txt", c.booster_.save_model, c.predict_proba, classes=list(range(k)), contrib=shap), X, "native", **o)
        f.save(f"lgb-pickle-{k}{kind}", g.LGBMClassifier(**base).fit(X, y), X, **opt)
        if kind == "i":
            from sklearn.calibration import CalibratedClassifierCV
            for method in ("sigmoid", "isotonic"):
                f.save(f"lgb-calibrated-{method}-{k}", CalibratedClassifierCV(g.LGBMClassifier(**base), method=method, cv=3).fit(X, y), X, tol=1e-11)
            sparse(f, f"lgb-sparse-{k}", g.LGBMClassifier(**base), X, y, 1e-12)
    X, y = f.data(2, kind="b")
    f.save("lgb-boolean", g.LGBMClassifier(**base).fit(X, y), X, **opt)
    X, y = f.data(2)
    f.save("lgb-pipeline", make_pipeline(StandardScaler(), g.LGBMClassifier(**base)).fit(X, y), X, tol=1e-12)
    G = X.copy()
    G[::4, 0] = np.nan
    f.save("lgb-gaps", g.LGBMClassifier(**base).fit(G, y), X, **opt)
    C = X.copy()
    C[:, 1] = np.abs(np.round(C[:, 1] * 3)) % 9
    f.save("lgb-categories", g.LGBMClassifier(**base, min_data_per_group=1, cat_smooth=1).fit(C, y, categorical_feature=[1]), C, tol=1e-12, nan=True)
    c = g.LGBMClassifier(n_estimators=80, n_jobs=1, verbose=-1).fit(X[:200], y[:200], eval_set=[(X[200:], y[200:])], callbacks=[g.early_stopping(2, verbose=False)])
    f.save("lgb-stopped", c, X, **opt)
    X, y = f.data(0)
    for obj in ["regression", "regression_l1", "huber", "poisson", "gamma", "tweedie", "quantile", "fair"]:
        r = g.LGBMRegressor(**base, objective=obj).fit(X, np.abs(y) + 0.1)
        f.save("lgb-" + obj, Value("model.txt", r.booster_.save_model, r.predict), X, "native", **opt)
    r = g.LGBMRegressor(**base, reg_sqrt=True).fit(X, y)
    f.save("lgb-root", Value("model.txt", r.booster_.save_model, r.predict), X, "native", **opt)


def cat(f):
    import catboost as c
    opt = dict(tol=1e-12, nan=True, inf=True)
    base = dict(iterations=15, depth=4, verbose=0, allow_writing_files=False, thread_count=1)
    js = lambda m: (lambda p: m.save_model(p, format="json"))
    for k, kind in [(2, "i"), (3, "i"), (2, "s"), (4, "s")]:
        X, y = f.data(k, kind=kind)
        G = X.copy()
        G[::6, 0] = np.nan
        for mode, par in [("Min", {}), ("Max", {}), ("Min", dict(grow_policy="Lossguide", max_leaves=9)), ("Max", dict(grow_policy="Depthwise"))]:
            m = c.CatBoostClassifier(**base, nan_mode=mode, **par).fit(G, y)
            name = f"cat-{k}{kind}-{mode}-{par.get('grow_policy', 'plain')}"
            # Contributions of trees that are not symmetric differ from CatBoost's: only answers are compared.
            shap = (lambda A: m.get_feature_importance(c.Pool(A), type="ShapValues")) if k == 2 and not par else None
            f.save(name, Asked("model.json", js(m), m.predict_proba, classes=list(m.classes_), contrib=shap), X, "native", **opt)
            f.save(name + "-cbm", Asked("model.cbm", m.save_model, m.predict_proba, classes=list(m.classes_), contrib=shap), X, "native", **opt)
            if kind == "i":
                f.save(name + "-pickle", m, X, **opt)
    X, y = f.data(0)
    for loss in ["RMSE", "MAE", "Poisson"]:
        m = c.CatBoostRegressor(**base, loss_function=loss).fit(X, np.abs(y))
        f.save("cat-" + loss, Value("model.json", js(m), m.predict), X, "native", tol=1e-12, inf=True)
        f.save(f"cat-{loss}-cbm", Value("model.cbm", m.save_model, m.predict), X, "native", tol=1e-12, inf=True)
    m.set_scale_and_bias(1.5, 0.25)
    f.save("cat-scaled-cbm", Value("model.cbm", m.save_model, m.predict), X, "native", tol=1e-12, inf=True)
