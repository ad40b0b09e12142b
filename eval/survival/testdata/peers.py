"""Writes peers.json: survival figures of lifelines and scikit-survival.

    python -m venv env && env/bin/pip install lifelines scikit-survival
    env/bin/python peers.py > peers.json
"""
import json
import sys
import warnings
from importlib.metadata import version

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter, KaplanMeierFitter, NelsonAalenFitter, WeibullAFTFitter
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.metrics import (brier_score, concordance_index_censored,
                            concordance_index_ipcw, integrated_brier_score)
from sksurv.util import Surv

warnings.simplefilter("ignore")


def case(seed, n, p, late, weighted):
    r = np.random.default_rng(seed)
    x = np.round(r.normal(size=(n, p)), 3)
    life = np.exp(1.5 + x @ (np.arange(p) - 1.0) * .4) * r.weibull(1.4, n)
    end = np.maximum(np.round(np.minimum(life, r.uniform(1, 12, n)), 1), .1)
    failed = life <= end + .05
    entry = np.round(end * r.uniform(0, .8, n), 2) if late else None
    weight = r.integers(1, 4, n).astype(float) if weighted else None
    out = {"time": end.tolist(), "failed": failed.tolist(), "x": x.T.ravel().tolist(), "cols": p,
           "entry": None if entry is None else entry.tolist(), "weight": None if weight is None else weight.tolist()}
    km = KaplanMeierFitter().fit(end, failed, entry=entry, weights=weight)
    na = NelsonAalenFitter(nelson_aalen_smoothing=False).fit(end, failed, entry=entry, weights=weight)
    at = sorted(set(end))
    out["at"] = at
    out["km"] = km.survival_function_at_times(at).tolist()
    ci = km.confidence_interval_survival_function_
    out["km low"], out["km high"] = (ci.reindex(at, method="ffill").iloc[:, i].tolist() for i in (0, 1))
    out["na"] = na.cumulative_hazard_at_times(at).tolist()
    df = pd.DataFrame(x, columns=["x%d" % i for i in range(p)])
    df["t"], df["e"] = end, failed
    cols = {}
    if late:
        df["entry"] = entry
        cols["entry_col"] = "entry"
    if weighted:
        df["w"] = weight
        cols["weights_col"] = "w"
    cox = CoxPHFitter(penalizer=0.0).fit(df, "t", "e", fit_options={"precision": 1e-12}, **cols)
    out["cox"], out["cox se"], out["cox loglik"] = cox.params_.tolist(), cox.standard_errors_.tolist(), cox.log_likelihood_
    if not weighted:
        base = cox.baseline_cumulative_hazard_.iloc[:, 0]
        out["cox baseline"] = [float(base[base.index <= t].iloc[-1]) if (base.index <= t).any() else 0.0 for t in at]
    aft = WeibullAFTFitter(penalizer=0.0).fit(df, "t", "e", fit_options={"tol": 1e-12}, **cols)
    lam, rho = aft.params_["lambda_"], aft.params_["rho_"]
    out["weibull"] = [lam["x%d" % i] for i in range(p)] + [lam["Intercept"], rho["Intercept"]]
    out["weibull loglik"] = aft.log_likelihood_
    if late or weighted:
        return out
    y = Surv.from_arrays(failed, end)
    risk = np.round(x @ np.ones(p), 1)
    out["risk"] = risk.tolist()
    out["harrell"] = list(map(float, concordance_index_censored(failed, end, risk)))
    limit = float(np.quantile(end, .8))
    out["limit"] = limit
    out["uno"] = float(concordance_index_ipcw(y, y, risk, tau=limit)[0])
    times = np.quantile(end, [.2, .4, .6, .75])
    chance = np.exp(-np.outer(np.exp(risk / 3), times / 6))
    out["times"], out["chance"] = times.tolist(), chance.tolist()
    out["brier"] = brier_score(y, y, chance, times)[1].tolist()
    out["ibs"] = float(integrated_brier_score(y, y, chance, times))
    out["sksurv cox"] = CoxPHSurvivalAnalysis(ties="efron", tol=1e-14, n_iter=200).fit(x, y).coef_.tolist()
    return out


cases = [case(s, 40 + 30 * (s % 4), 1 + s % 3, s % 2 == 1, s % 4 >= 2) for s in range(1, 17)]
json.dump({"peers": "lifelines %s, scikit-survival %s" % (version("lifelines"), version("scikit-survival")), "cases": cases}, sys.stdout)
