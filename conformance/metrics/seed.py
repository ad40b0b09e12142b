"""Trains logistic regression on the seed CSV as the acceptance case has it."""
import json
import sys
import time

import pandas as pd
from sklearn import metrics as m
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

with open(sys.argv[1]) as f:
    path = json.load(f)
d = pd.read_csv(path)
x, y = d[["capacity_bytes", "lifetime", "model_encoded"]].to_numpy(), d["failure"].to_numpy()
xt, xv, yt, yv = train_test_split(x, y, test_size=0.2, random_state=42, stratify=y)
fit = LogisticRegression(max_iter=1000, solver="newton-cholesky", tol=1e-10)
best = 1e9
for _ in range(10):
    t = time.process_time()
    fit.fit(xt, yt)
    best = min(best, time.process_time() - t)
p = fit.predict_proba(xv)[:, 1]
c = fit.predict(xv)
with open(sys.argv[2], "w") as f:
    json.dump({"coef": fit.coef_.ravel().tolist() + fit.intercept_.tolist(), "seconds": best, "metrics": {
        "accuracy": m.accuracy_score(yv, c), "precision": m.precision_score(yv, c), "recall": m.recall_score(yv, c),
        "f1_score": m.f1_score(yv, c), "roc_auc": m.roc_auc_score(yv, p)}}, f)
