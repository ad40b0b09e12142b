"""Ensembles, linear models and transformers of scikit-learn; see fit.py."""
import numpy as np
import sklearn

VERSION = tuple(int(p) for p in sklearn.__version__.split(".")[:2])


def main(f):
    boosting(f)
    histogram(f)
    ensembles(f)
    margins(f)
    transformers(f)
    columns(f)


def boosting(f):
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression
    exp = dict(tol=1e-12)
    for k, kind in [(2, "i"), (2, "s"), (3, "i"), (4, "s")]:
        X, y = f.data(k, kind=kind)
        f.save(f"gradient-{k}{kind}", GradientBoostingClassifier(n_estimators=15, random_state=0).fit(X, y), X, **exp)
    X, y = f.data(2)
    f.save("gradient-exponential", GradientBoostingClassifier(n_estimators=9, loss="exponential", random_state=0).fit(X, y), X, **exp)
    f.save("gradient-subsample", GradientBoostingClassifier(n_estimators=9, subsample=0.5, max_depth=5, learning_rate=0.3, random_state=0).fit(X, y), X, **exp)
    f.save("gradient-zero", GradientBoostingClassifier(n_estimators=9, init="zero", random_state=0).fit(X, y), X, **exp)
    f.save("gradient-init", GradientBoostingClassifier(n_estimators=9, init=LogisticRegression(), random_state=0).fit(X, y), X, tol=1e-6)  # it works in float32 there
    f.save("gradient-protocol2", GradientBoostingClassifier(n_estimators=9, random_state=0).fit(X, y), X, "protocol2", **exp)
    f.save("gradient-joblib", GradientBoostingClassifier(n_estimators=9, random_state=0).fit(X, y), X, "joblib", **exp)
    X, y = f.data(0)
    for loss in ["squared_error", "absolute_error", "huber", "quantile"]:
        try:
            f.save("gradient-" + loss, GradientBoostingRegressor(n_estimators=9, loss=loss, random_state=0).fit(X, y), X)
        except ValueError:
            pass


def histogram(f):
    from sklearn.experimental import enable_hist_gradient_boosting  # noqa: F401
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    opt = dict(tol=1e-12, nan=True, inf=True)
    for k, kind in [(2, "i"), (2, "s"), (3, "i"), (4, "s")]:
        X, y = f.data(k, kind=kind)
        f.save(f"hist-{k}{kind}", HistGradientBoostingClassifier(max_iter=15, random_state=0).fit(X, y), X, **opt)
    X, y = f.data(2)
    X[::5, 0] = np.nan
    X[1::7, 2] = np.nan
    f.save("hist-nan", HistGradientBoostingClassifier(max_iter=15, random_state=0).fit(X, y), np.nan_to_num(X), **opt)
    f.save("hist-stop", HistGradientBoostingClassifier(max_iter=15, early_stopping=True, random_state=0).fit(X, y), np.nan_to_num(X), **opt)
    C = X.copy()
    C[:, 1] = np.abs(np.round(np.nan_to_num(C[:, 1]) * 3)) % 9
    C[:, 3] = np.abs(np.round(C[:, 3] * 10)) % 30
    f.save("hist-categories", HistGradientBoostingClassifier(max_iter=15, categorical_features=[1, 3], random_state=0).fit(C, y), np.nan_to_num(C), tol=1e-12, nan=True)
    X, y = f.data(0)
    f.save("hist-value", HistGradientBoostingRegressor(max_iter=15, random_state=0).fit(X, y), X, **opt)
    f.save("hist-poisson", HistGradientBoostingRegressor(max_iter=15, loss="poisson", random_state=0).fit(X, np.abs(y)), X, **opt)


def ensembles(f):
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import (AdaBoostClassifier, AdaBoostRegressor, BaggingClassifier, BaggingRegressor, GradientBoostingClassifier, IsolationForest,
                                  RandomForestClassifier, RandomForestRegressor, StackingClassifier, StackingRegressor, VotingClassifier,
                                  VotingRegressor)
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.naive_bayes import GaussianNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC
    from sklearn.tree import DecisionTreeClassifier
    exp = dict(tol=1e-12)
    trio = lambda: [("a", LogisticRegression()), ("b", RandomForestClassifier(5, random_state=0)), ("c", GaussianNB())]
    for k, kind in [(2, "i"), (3, "s")]:
        X, y = f.data(k, kind=kind)
        t = f"{k}{kind}"
        f.save("ada-" + t, AdaBoostClassifier(n_estimators=9, random_state=0).fit(X, y), X, **exp)
        f.save("ada-deep-" + t, AdaBoostClassifier(DecisionTreeClassifier(max_depth=3), n_estimators=9, random_state=0).fit(X, y), X, **exp)
        try:
            f.save("ada-samme-" + t, AdaBoostClassifier(n_estimators=9, algorithm="SAMME", random_state=0).fit(X, y), X, **exp)
        except (TypeError, ValueError):
            pass
        f.save("bagging-" + t, BaggingClassifier(n_estimators=9, random_state=0).fit(X, y), X)
        f.save("bagging-columns-" + t, BaggingClassifier(n_estimators=9, max_features=0.6, max_samples=0.5, random_state=0).fit(X, y), X)
        f.save("bagging-svc-" + t, BaggingClassifier(LinearSVC(), n_estimators=5, random_state=0).fit(X, y), X)
        f.save("voting-soft-" + t, VotingClassifier(trio(), voting="soft").fit(X, y), X, **exp)
        f.save("voting-weights-" + t, VotingClassifier(trio(), voting="soft", weights=[1, 2, 0.5]).fit(X, y), X, **exp)
        f.save("voting-hard-" + t, VotingClassifier(trio()).fit(X, y), X, proba=False)
        f.save("stacking-" + t, StackingClassifier(trio(), cv=3).fit(X, y), X, **exp)
        f.save("stacking-pass-" + t, StackingClassifier(trio() + [("d", LinearSVC())], cv=3, passthrough=True).fit(X, y), X, **exp)
        for method in ("sigmoid", "isotonic"):
            f.save(f"calibrated-{method}-svc-{t}", CalibratedClassifierCV(LinearSVC(), method=method, cv=3).fit(X, y), X, **exp)
            f.save(f"calibrated-{method}-forest-{t}", CalibratedClassifierCV(RandomForestClassifier(5, random_state=0), method=method, cv=3).fit(X, y), X, **exp)
        f.save("calibrated-pipeline-" + t, CalibratedClassifierCV(make_pipeline(StandardScaler(), LogisticRegression()), cv=3).fit(X, y), X, **exp)
        f.save("bayes-" + t, GaussianNB().fit(X, y), X, tol=1e-11)
        f.save("grid-" + t, GridSearchCV(RandomForestClassifier(5, random_state=0), {"max_depth": [2, 4]}, cv=2).fit(X, y), X)
        f.save("calibrated-bagging-" + t, CalibratedClassifierCV(BaggingClassifier(LinearSVC(), n_estimators=3, random_state=0), cv=2).fit(X, y), X, **exp)
        f.save("calibrated-boosting-" + t, CalibratedClassifierCV(GradientBoostingClassifier(n_estimators=4), cv=2).fit(X, y), X, **exp)
        if VERSION >= (1, 6):
            from sklearn.frozen import FrozenEstimator
            f.save("frozen-" + t, CalibratedClassifierCV(FrozenEstimator(RandomForestClassifier(5, random_state=0).fit(X, y))).fit(X, y), X, **exp)
        if VERSION >= (1, 8):
            for name, est in [("forest", RandomForestClassifier(5, random_state=0)), ("svc", LinearSVC()), ("logistic", LogisticRegression())]:
                f.save(f"temperature-{name}-{t}", CalibratedClassifierCV(est, method="temperature", cv=2).fit(X, y), X, **exp)
        if VERSION >= (1, 5) and k == 2:
            from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
            for limit in (0.3, 0.8):
                f.save(f"threshold-{limit}", FixedThresholdClassifier(LogisticRegression(), threshold=limit).fit(X, y), X, **exp)
                f.save(f"threshold-first-{limit}", FixedThresholdClassifier(LogisticRegression(), threshold=limit, pos_label=0).fit(X, y), X, **exp)
            f.save("threshold-margin", FixedThresholdClassifier(LinearSVC(), threshold=0.4).fit(X, y), X, proba=False)
            f.save("threshold-tuned", TunedThresholdClassifierCV(LogisticRegression()).fit(X, y), X, **exp)
    X, y = f.data(0)
    pair = [("a", LinearRegression()), ("b", RandomForestRegressor(5, random_state=0))]
    f.save("ada-value", AdaBoostRegressor(n_estimators=9, random_state=0).fit(X, y), X)
    f.save("bagging-value", BaggingRegressor(n_estimators=9, random_state=0).fit(X, y), X)
    f.save("voting-value", VotingRegressor(pair).fit(X, y), X, **exp)
    f.save("stacking-value", StackingRegressor(pair, cv=3).fit(X, y), X, tol=1e-11)

    class Outliers:
        """IsolationForest with its two answers as classes."""
        def __init__(self, est): self.est, self.classes_ = est, np.array([-1, 1])
        def predict(self, A): return self.est.predict(A)
        def decision_function(self, A): return self.est.decision_function(A)
    for name, est in [("isolation", IsolationForest(n_estimators=20, random_state=0)), ("isolation-columns", IsolationForest(n_estimators=20, max_features=0.5, random_state=0)),
                      ("isolation-share", IsolationForest(n_estimators=20, contamination=0.1, random_state=0))]:
        est.fit(X)
        f.save(name, est, X, proba=False, ask=Outliers(est))


def margins(f):
    from sklearn.linear_model import (ElasticNet, Lasso, LinearRegression, Perceptron, Ridge, RidgeClassifier, SGDClassifier, SGDRegressor)
    from sklearn.svm import LinearSVC
    for k, kind in [(2, "i"), (3, "s")]:
        X, y = f.data(k, kind=kind)
        t = f"{k}{kind}"
        for name, est in [("svc", LinearSVC()), ("ridge", RidgeClassifier()), ("sgd-hinge", SGDClassifier(random_state=0)), ("perceptron", Perceptron())]:
            f.save(f"{name}-{t}", est.fit(X, y), X, proba=False)
        log = "log_loss" if VERSION >= (1, 1) else "log"
        f.save("sgd-log-" + t, SGDClassifier(loss=log, random_state=0).fit(X, y), X, tol=1e-12)
        f.save("sgd-huber-" + t, SGDClassifier(loss="modified_huber", random_state=0).fit(X, y), X, tol=1e-12)
    X, y = f.data(0)
    for est in (LinearRegression(), Ridge(), Lasso(0.01), ElasticNet(0.01), SGDRegressor(random_state=0)):
        f.save("line-" + type(est).__name__, est.fit(X, y), X, tol=1e-12)


def transformers(f):
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.decomposition import PCA
    from sklearn.feature_selection import SelectKBest, SelectPercentile, VarianceThreshold
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import FeatureUnion, make_pipeline
    from sklearn.preprocessing import (Binarizer, FunctionTransformer, KBinsDiscretizer, MaxAbsScaler, MinMaxScaler, Normalizer,
                                       OneHotEncoder, OrdinalEncoder, PolynomialFeatures, PowerTransformer, QuantileTransformer,
                                       RobustScaler, StandardScaler)
    X, y = f.data(2)
    P = np.abs(X) + 0.1
    G = X.copy()
    G[::4, 0] = np.nan
    G[1::6, 3] = np.nan
    W = np.abs(np.round(X * 2)) % 5
    lr = LogisticRegression
    # Far values make exponentials of transformed values lose digits: clip them first.
    tame = lambda: FunctionTransformer()
    for name, steps, A, opt in [
        ("minmax", [MinMaxScaler()], X, {}), ("minmax-clip", [MinMaxScaler(clip=True, feature_range=(-1, 2))], X, {}),
        ("maxabs", [MaxAbsScaler()], X, {}), ("robust", [RobustScaler()], X, {}),
        ("robust-part", [RobustScaler(with_centering=False)], X, {}), ("standard-part", [StandardScaler(with_std=False)], X, {}),
        ("normal-l1", [Normalizer("l1")], X, {}), ("normal-l2", [Normalizer()], X, {}), ("normal-max", [Normalizer("max")], X, {}),
        ("binarizer", [Binarizer(threshold=0.2)], X, {}), ("log1p", [MinMaxScaler(clip=True), FunctionTransformer(np.log1p)], X, {}),
        ("nothing", [FunctionTransformer(), StandardScaler()], X, {}),
        ("polynomial", [MinMaxScaler(clip=True), PolynomialFeatures(3)], X, {}),
        ("polynomial-inter", [MinMaxScaler(clip=True), PolynomialFeatures(2, interaction_only=True, include_bias=False)], X, {}),
        ("power", [MinMaxScaler(clip=True, feature_range=(-3, 3)), PowerTransformer()], X, {}),
        ("power-plain", [MinMaxScaler(clip=True, feature_range=(-3, 3)), PowerTransformer(standardize=False)], X, {}),
        ("power-boxcox", [MinMaxScaler(clip=True, feature_range=(0.1, 3)), PowerTransformer("box-cox")], P, {}),
        ("quantile", [QuantileTransformer(n_quantiles=50)], X, {}),
        ("quantile-normal", [QuantileTransformer(n_quantiles=50, output_distribution="normal")], X, {}),
        ("bins-onehot", [KBinsDiscretizer(4)], X, {}), ("bins-ordinal", [KBinsDiscretizer(4, encode="ordinal")], X, {}),
        ("bins-uniform", [KBinsDiscretizer(4, strategy="uniform", encode="onehot-dense")], X, {}),
        ("impute-mean", [SimpleImputer()], G, dict(nan=True)), ("impute-median", [SimpleImputer(strategy="median")], G, dict(nan=True)),
        ("impute-constant", [SimpleImputer(strategy="constant", fill_value=-7)], G, dict(nan=True)),
        ("impute-flags", [SimpleImputer(add_indicator=True)], G, dict(nan=True)),
        ("onehot", [OneHotEncoder(handle_unknown="ignore")], W, {}),
        ("ordinal", [OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)], W, {}),
        ("union", [FeatureUnion([("a", StandardScaler()), ("b", MinMaxScaler())])], X, {}),
        ("best", [SelectKBest(k=3)], X, {}), ("share", [SelectPercentile(percentile=40)], X, {}), ("variance", [VarianceThreshold(0.9)], X, {}),
        ("components", [MinMaxScaler(clip=True), PCA(3)], X, {}), ("whitened", [MinMaxScaler(clip=True), PCA(2, whiten=True)], X, {}),
        ("union-weights", [FeatureUnion([("a", StandardScaler()), ("b", MinMaxScaler())], transformer_weights={"a": 2})], X, {}),
    ]:
        B = np.nan_to_num(A)
        f.save("t-" + name, make_pipeline(*steps, lr(max_iter=2000)).fit(A, y), B, tol=1e-11, **opt)
        f.save("t-forest-" + name, make_pipeline(*steps, RandomForestClassifier(5, random_state=0)).fit(A, y), B, tol=0.3 if name in ("quantile-normal", "power", "power-boxcox", "power-plain") else 1e-12, **opt)
    if VERSION >= (1, 1):
        f.save("t-onehot-drop", make_pipeline(OneHotEncoder(drop="first", handle_unknown="ignore"), lr()).fit(W, y), W, tol=1e-12)
        f.save("t-onehot-rare", make_pipeline(OneHotEncoder(min_frequency=40, handle_unknown="infrequent_if_exist"), lr()).fit(W, y), W, tol=1e-12)
        f.save("t-onehot-binary", make_pipeline(OneHotEncoder(drop="if_binary", handle_unknown="ignore"), lr()).fit(W, y), W, tol=1e-12)


def columns(f):
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, OneHotEncoder, StandardScaler
    X, y = f.data(2)
    W = X.copy()
    W[:, 4] = np.abs(np.round(X[:, 4] * 2)) % 4
    mask = np.array([True, False, False, True, False])
    for name, parts, rest in [
        ("ints", [("a", StandardScaler(), [0, 2]), ("b", MinMaxScaler(), [1])], "drop"),
        ("rest", [("a", StandardScaler(), [0, 2])], "passthrough"),
        ("rest-scaled", [("a", MinMaxScaler(), [-1])], StandardScaler()),
        ("slice", [("a", StandardScaler(), slice(1, 4)), ("b", "passthrough", [0])], "drop"),
        ("mask", [("a", StandardScaler(), mask), ("b", "drop", [1])], "passthrough"),
        ("onehot", [("a", OneHotEncoder(handle_unknown="ignore"), [4]), ("b", StandardScaler(), [0, 1, 2, 3])], "drop"),
        ("nested", [("a", make_pipeline(SimpleImputer(), StandardScaler()), [0, 1]), ("b", KBinsDiscretizer(3), [2, 3])], "passthrough"),
        ("empty", [("a", StandardScaler(), []), ("b", MinMaxScaler(), [0, 1])], "drop"),
    ]:
        t = lambda: ColumnTransformer(parts, remainder=rest)
        f.save("c-" + name, make_pipeline(t(), LogisticRegression()).fit(W, y), W, tol=1e-12)
        f.save("c-forest-" + name, make_pipeline(t(), RandomForestClassifier(5, random_state=0)).fit(W, y), W, tol=1e-12)
