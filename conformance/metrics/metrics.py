"""Judges each case with sklearn.metrics and writes every figure by name.

A figure is a number, a list of numbers, or None where scikit-learn refuses.
"""
import json
import math
import sys
import warnings

import numpy as np
from sklearn import metrics as m
from sklearn.calibration import _SigmoidCalibration, calibration_curve
from sklearn.isotonic import IsotonicRegression

warnings.simplefilter("ignore")
np.seterr(all="ignore")


def plain(v):
    if isinstance(v, (list, tuple, np.ndarray)):
        return [plain(x) for x in np.asarray(v, dtype=float).ravel()]
    v = float(v)
    if math.isnan(v):
        return "nan"
    if math.isinf(v):
        return "inf" if v > 0 else "-inf"
    return v


class Sheet(dict):
    def put(self, name, f):
        try:
            self[name] = plain(f())
        except (ValueError, ZeroDivisionError) as e:
            self[name] = None
            self.setdefault("_why", {})[name] = str(e)


def tables(s, y, d, w):
    s.put("accuracy", lambda: m.accuracy_score(y, d, sample_weight=w))
    s.put("balanced", lambda: m.balanced_accuracy_score(y, d, sample_weight=w))
    s.put("balanced adjusted", lambda: m.balanced_accuracy_score(y, d, sample_weight=w, adjusted=True))
    s.put("mcc", lambda: m.matthews_corrcoef(y, d, sample_weight=w))
    for by in (None, "linear", "quadratic"):
        s.put("kappa %s" % by, lambda: m.cohen_kappa_score(y, d, weights=by, sample_weight=w))
    for zero in (0.0, 1.0, np.nan):
        for by in ("macro", "micro", "weighted"):
            for beta in (1.0, 0.5, 2.0) if zero == 0 else (1.0,):
                try:
                    p, r, f, _ = m.precision_recall_fscore_support(
                        y, d, beta=beta, average=by, sample_weight=w, zero_division=zero)
                except ValueError:
                    p = r = f = np.nan
                s["precision %s %s %s" % (by, zero, beta)] = plain(p)
                s["recall %s %s %s" % (by, zero, beta)] = plain(r)
                s["fbeta %s %s %s" % (by, zero, beta)] = plain(f)
    for by in ("macro", "micro", "weighted"):
        s.put("jaccard %s" % by, lambda: m.jaccard_score(y, d, average=by, sample_weight=w, zero_division=0))


def binary(case):
    s = Sheet()
    y, score, w = np.array(case["y"]), np.array([float(v) for v in case["s"]]), case["w"]
    w = None if w is None else np.array([float(v) for v in w])
    d = (score >= 0.5).astype(int)
    tables(s, y, d, w)
    s.put("confusion", lambda: m.confusion_matrix(y, d, labels=[0, 1], sample_weight=w))
    s.put("precision", lambda: m.precision_score(y, d, sample_weight=w, zero_division=0))
    s.put("recall", lambda: m.recall_score(y, d, sample_weight=w, zero_division=0))
    s.put("f1", lambda: m.f1_score(y, d, sample_weight=w, zero_division=0))
    s.put("likelihood ratios", lambda: m.class_likelihood_ratios(y, d, labels=[0, 1], sample_weight=w))
    s.put("auc", lambda: m.roc_auc_score(y, score, sample_weight=w))
    s.put("auc to .3", lambda: m.roc_auc_score(y, score, sample_weight=w, max_fpr=0.3))
    s.put("average precision", lambda: m.average_precision_score(y, score, sample_weight=w))
    for full in (False, True):
        c = lambda: m.roc_curve(y, score, pos_label=1, sample_weight=w, drop_intermediate=not full)
        for i, part in enumerate("XYT"):
            s.put("roc %s %s" % (full, part), lambda: c()[i])
    c = lambda: m.precision_recall_curve(y, score, pos_label=1, sample_weight=w)
    for i, part in enumerate("YXT"):
        s.put("pr %s" % part, lambda: c()[i])
    for i, part in enumerate("XYT"):
        s.put("det %s" % part, lambda: m.det_curve(y, score, pos_label=1, sample_weight=w)[i])
    s.put("isotonic", lambda: IsotonicRegression(out_of_bounds="clip").fit(score, y, sample_weight=w).predict(np.linspace(-1, 2, 31)))
    s.put("sigmoid", lambda: _SigmoidCalibration().fit(score, y, sample_weight=w).predict(score))
    if score.min() >= 0 and score.max() <= 1:
        two = np.c_[1 - score, score]
        s.put("log loss", lambda: m.log_loss(y, score, labels=[0, 1], sample_weight=w))
        s.put("brier", lambda: m.brier_score_loss(y, score, pos_label=1, sample_weight=w))
        s.put("d2 log loss", lambda: m.d2_log_loss_score(y, two, labels=[0, 1], sample_weight=w))
        s.put("d2 brier", lambda: m.d2_brier_score(y, score, pos_label=1, sample_weight=w))
        for by in ("uniform", "quantile"):
            for i, part in enumerate(("observed", "predicted")):
                s.put("calibration %s %s" % (by, part),
                      lambda: calibration_curve(y, score, pos_label=1, n_bins=7, strategy=by)[i])
    return s


def many(case):
    s = Sheet()
    y, k, w = np.array(case["y"]), case["k"], case["w"]
    p = np.array([float(v) for v in case["s"]]).reshape(len(y), k)
    w = None if w is None else np.array([float(v) for v in w])
    labels = list(range(k))
    tables(s, y, p.argmax(axis=1), w)
    s.put("confusion", lambda: m.confusion_matrix(y, p.argmax(axis=1), labels=labels, sample_weight=w))
    s.put("log loss", lambda: m.log_loss(y, p, labels=labels, sample_weight=w))
    s.put("brier", lambda: m.brier_score_loss(y, p, labels=labels, sample_weight=w))
    s.put("d2 log loss", lambda: m.d2_log_loss_score(y, p, labels=labels, sample_weight=w))
    s.put("d2 brier", lambda: m.d2_brier_score(y, p, labels=labels, sample_weight=w))
    for top in (1, 2, 3):
        s.put("top %d" % top, lambda: m.top_k_accuracy_score(y, p, k=top, labels=labels, sample_weight=w))
    for by in ("macro", "micro", "weighted"):
        s.put("auc ovr %s" % by, lambda: m.roc_auc_score(
            y, p, multi_class="ovr", average=by, labels=labels, sample_weight=w))
        if len(set(case["y"])) == k:
            s.put("average precision %s" % by, lambda: m.average_precision_score(y, p, average=by, sample_weight=w))
    if w is None:
        for by in ("macro", "weighted"):
            s.put("auc ovo %s" % by, lambda: m.roc_auc_score(y, p, multi_class="ovo", average=by, labels=labels))
    return s


with open(sys.argv[1]) as f:
    cases = json.load(f)
with open(sys.argv[2], "w") as f:
    json.dump([binary(c) if c["k"] == 2 else many(c) for c in cases], f)
