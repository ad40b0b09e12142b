"""Walk forward through the days: the default recipe beside scikit-learn and LightGBM.

usage: peers.py FEATURES.csv OURS_DIR UNTIL...

For each UNTIL (a day) peers learn from the rows up to it, all with the features of
FEATURES.csv, and are judged on the rows from 8 days later on. OURS_DIR/UNTIL.csv is
what `drivecast predict` wrote for those days with a model of `drivecast train
--until UNTIL`. Rows are judged when their label is known.
"""

import sys

import lightgbm
import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

PEERS = {
    "scikit-learn LogisticRegression": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
    "scikit-learn RandomForest": lambda: RandomForestClassifier(random_state=0, n_jobs=2),
    "scikit-learn ExtraTrees": lambda: ExtraTreesClassifier(random_state=0, n_jobs=2),
    "LightGBM": lambda: lightgbm.LGBMClassifier(random_state=0, n_jobs=2, verbose=-1),
    "LightGBM, 15 leaves, rate .02": lambda: lightgbm.LGBMClassifier(
        random_state=0, n_jobs=2, verbose=-1, num_leaves=15, learning_rate=0.02, n_estimators=200, min_child_samples=100, reg_lambda=10),
}


def judge(rows, p):
    rows = rows.assign(p=p)
    caught, lead = {}, []
    for _, day in rows.groupby("date"):
        for r in day.nlargest(int(0.01 * len(day)), "p").itertuples():
            if r.label and r.serial_number not in caught:
                caught[r.serial_number] = r.lead
    y = rows.label.to_numpy()
    return {
        "auc": roc_auc_score(y, p), "ap": average_precision_score(y, p), "caught": len(caught),
        "failing": rows.serial_number[rows.label == 1].nunique(), "lead": np.median(list(caught.values())) if caught else np.nan,
        "ratio": np.sum(p) / np.sum(y), "loss": log_loss(y, np.clip(p, 1e-7, 1 - 1e-7)),
    }


def main():
    data, ours, untils = pd.read_csv(sys.argv[1]), sys.argv[2], sys.argv[3:]
    features = [c for c in data.columns if c not in ("date", "serial_number", "label", "lead")]
    out = {}
    for until in untils:
        first = str((pd.Timestamp(until) + pd.Timedelta(days=8)).date())
        train, test = data[data.date <= until], data[data.date >= first].reset_index(drop=True)
        x, z = train[features].fillna(-1).to_numpy(), test[features].fillna(-1).to_numpy()
        scores = pd.read_csv(f"{ours}/{until}.csv")[["date", "serial_number", "probability"]]
        joined = test[["date", "serial_number"]].merge(scores, how="left", on=["date", "serial_number"], validate="one_to_one")
        assert joined.probability.notna().all()
        out.setdefault("drivecast, default recipe", []).append(judge(test, joined.probability.to_numpy()))
        for name, make in PEERS.items():
            p = make().fit(x, train.label).predict_proba(z)[:, 1]
            out.setdefault(name, []).append(judge(test, p))
    print("| | " + " | ".join(f"learn to {u}" for u in untils) + " | mean AUC | mean AP | caught | mean lead | log loss |")
    print("|---|" + "---|" * (len(untils) + 5))
    for name, steps in out.items():
        cells = [f"{s['auc']:.3f} / {s['ap']:.3f} / {s['caught']} of {s['failing']} / ×{s['ratio']:.2f}" for s in steps]
        mean = {k: np.nanmean([s[k] for s in steps]) for k in ("auc", "ap", "lead", "loss")}
        caught, failing = sum(s["caught"] for s in steps), sum(s["failing"] for s in steps)
        print(f"| {name} | " + " | ".join(cells) + f" | {mean['auc']:.3f} | {mean['ap']:.3f} | {caught} of {failing} | {mean['lead']:.1f} d | {mean['loss']:.5f} |", flush=True)


main()
