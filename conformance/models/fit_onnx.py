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
    X, y = f.data(0)
    for est in [RandomForestRegressor(9, max_depth=5, random_state=0), GradientBoostingRegressor(n_estimators=9, random_state=0), LinearRegression()]:
        f.save("onnx-" + type(est).__name__, Session(est.fit(X, y), X), X, "native", **tol)
