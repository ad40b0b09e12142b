"""Models that skl2onnx exports, with onnxruntime as the judge; see fit.py."""
import os
import numpy as np


class Session:
    """An exported model asked as an estimator is."""
    def __init__(self, est, X, **options):
        import onnxruntime
        from skl2onnx import to_onnx
        self.proto = to_onnx(est, X[:1].astype("f4"), options={id(est): options} if options else None)
        self.session = onnxruntime.InferenceSession(self.proto.SerializeToString(), providers=["CPUExecutionProvider"])
        if hasattr(est, "classes_"):
            self.classes_ = est.classes_

    def save_own(self, d):
        with open(os.path.join(d, "model.onnx"), "wb") as out:
            out.write(self.proto.SerializeToString())

    def ask(self, A):
        return self.session.run(None, {self.session.get_inputs()[0].name: A.astype("f4")})

    def predict(self, A):
        return np.asarray(self.ask(A)[0]).ravel()

    def predict_proba(self, A):
        p = self.ask(A)[1]
        return np.array([[row[c] for c in self.classes_.tolist()] for row in p]) if isinstance(p, list) else p


def around(f, k, kind):
    """Models whose exports are tensor operators around, or instead of, one classifier."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.compose import ColumnTransformer
    from sklearn.decomposition import PCA
    from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, RandomForestClassifier, StackingClassifier
    from sklearn.linear_model import LogisticRegression, SGDClassifier
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, PolynomialFeatures
    from sklearn.svm import SVC
    X, y = f.data(k, kind=kind)
    W = X.copy()
    W[:, 4] = np.abs(np.round(X[:, 4] * 2)) % 4
    forest = lambda: RandomForestClassifier(4, max_depth=4, random_state=0)
    for name, est, A in [
        ("bayes", GaussianNB(), X), ("net", MLPClassifier((8,), max_iter=40, random_state=0), X), ("vectors", SVC(probability=True, random_state=0), X),
        ("calibrated", CalibratedClassifierCV(forest(), cv=2), X), ("isotonic", CalibratedClassifierCV(forest(), cv=2, method="isotonic"), X),
        ("bagging", BaggingClassifier(forest(), n_estimators=3, random_state=0), X), ("ada", AdaBoostClassifier(n_estimators=3, random_state=0), X),
        ("stacking", StackingClassifier([("a", forest()), ("b", LogisticRegression())], cv=2), X), ("rest", OneVsRestClassifier(LogisticRegression()), X),
        ("sgd", SGDClassifier(loss="log_loss", random_state=0), X), ("pca", make_pipeline(PCA(3), LogisticRegression()), X),
        ("bins", make_pipeline(KBinsDiscretizer(4, encode="ordinal"), LogisticRegression()), X),
        ("powers", make_pipeline(PolynomialFeatures(2), LogisticRegression()), X),
        ("hot", make_pipeline(ColumnTransformer([("o", OneHotEncoder(), [4])], remainder="passthrough"), LogisticRegression()), W),
        ("places", make_pipeline(ColumnTransformer([("o", OrdinalEncoder(), [4])], remainder="passthrough"), forest()), W),
    ]:
        try:
            exported = Session(est.fit(A, y), A, zipmap=False)
        except Exception as e:
            print("skl2onnx cannot export", name, type(e).__name__, str(e)[:80])
            continue
        f.keep_plain("onnx-%s-%d%s" % (name, k, kind), exported, A, tol=1e-5)


def main(f):
    try:
        import skl2onnx  # noqa: F401
    except ImportError as e:
        print("skipped:", e)
        return
    from sklearn.ensemble import (AdaBoostRegressor, BaggingClassifier, ExtraTreesClassifier, GradientBoostingClassifier, GradientBoostingRegressor,
                                  HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor)
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, RobustScaler, StandardScaler
    from sklearn.tree import DecisionTreeClassifier
    tol = dict(tol=1e-6)
    for k, kind in [(2, "i"), (3, "i"), (2, "s"), (4, "s")]:
        X, y = f.data(k, kind=kind)
        for name, est in [
            ("forest", RandomForestClassifier(9, max_depth=5, random_state=0)), ("extra", ExtraTreesClassifier(9, max_depth=5, random_state=0)),
            ("tree", DecisionTreeClassifier(max_depth=4)), ("logistic", LogisticRegression()),
            ("gradient", GradientBoostingClassifier(n_estimators=9, random_state=0)),
            ("hist", HistGradientBoostingClassifier(max_iter=9, random_state=0)),
            ("standard", make_pipeline(StandardScaler(), LogisticRegression())), ("minmax", make_pipeline(MinMaxScaler(), LogisticRegression())),
            ("robust", make_pipeline(RobustScaler(), MaxAbsScaler(), RandomForestClassifier(5, max_depth=4, random_state=0))),
            ("norm", make_pipeline(Normalizer(), LogisticRegression())),
            ("imputer", make_pipeline(SimpleImputer(), RandomForestClassifier(5, max_depth=4, random_state=0))),
        ]:
            est.fit(X, y)
            far = dict(tol) if name not in ("robust",) else dict(tol=1.0)
            try:
                exported = Session(est, X, zipmap=False)
            except Exception as e:
                print("skl2onnx cannot export", name, type(e).__name__, str(e)[:80])
                continue
            f.save(f"onnx-{name}-{k}{kind}", exported, X, "native", **far)
            if name in ("forest", "logistic"):
                f.save(f"onnx-{name}-zipmap-{k}{kind}", Session(est, X), X, "native", **far)
        around(f, k, kind)
    X, y = f.data(0)
    for est in [RandomForestRegressor(9, max_depth=5, random_state=0), GradientBoostingRegressor(n_estimators=9, random_state=0), LinearRegression()]:
        f.save("onnx-" + type(est).__name__, Session(est.fit(X, y), X), X, "native", **tol)
