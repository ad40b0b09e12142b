"""Opens model folders that drivecast wrote, with mlflow.pyfunc and onnxruntime,
and compares their answers with those that drivecast gave.

usage: python opened.py DIR     DIR/NAME/{folder,case.json,x.f8,ours.f8,class.i4}
"""
import json, logging, os, sys, warnings

import numpy as np

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
import mlflow
import onnx
import onnxruntime
import pandas as pd

onnxruntime.set_default_logger_severity(3)
bad = 0
top = sys.argv[1]
for name in sorted(os.listdir(top)):
    d = f"{top}/{name}"
    case = json.load(open(d + "/case.json"))
    x = np.fromfile(d + "/x.f8").reshape(case["rows"], case["cols"])
    ours = np.fromfile(d + "/ours.f8").reshape(case["rows"], -1)
    onnx.checker.check_model(onnx.load(d + "/folder/model.onnx"), full_check=True)
    session = onnxruntime.InferenceSession(d + "/folder/model.onnx", providers=["CPUExecutionProvider"])
    kind = {"tensor(float)": "f4", "tensor(double)": "f8", "tensor(int64)": "i8"}[session.get_inputs()[0].type]
    got = dict(zip([o.name for o in session.get_outputs()], session.run(None, {"X": x.astype(kind)})))
    frame = pd.DataFrame(x, columns=case["names"])
    for c, typ in zip(case["names"], case["types"]):
        if typ == "long":
            frame[c] = frame[c].astype("int64")
    answer = mlflow.pyfunc.load_model(d + "/folder").predict(frame)
    faults = []
    if case["labels"] is None:
        got, ours = got["value"], ours[:, 0]
    else:
        cls = np.fromfile(d + "/class.i4", "<i4")
        want = np.array(case["labels"])[cls]
        faults += [f"label {a} not {b}" for a, b in zip(got["label"].astype(str), want) if str(a) != b][:3]
        faults += [f"pyfunc label {a} not {b}" for a, b in zip(answer["label"].astype(str), want) if str(a) != b][:3]
        if ours.shape[1] == 2:
            got, ours = got["probability"], ours[:, 1]
        else:
            got = np.stack([got[f"probability_{i}"] for i in range(ours.shape[1])], 1)
    off = np.abs(got - ours)
    allowed = np.spacing(np.abs(ours).astype("f4")) if got.dtype == np.float32 else 1e-12
    if case.get("tolerance"):
        allowed = case["tolerance"] * (1 + np.abs(ours))
    worst = np.nanmax(off)
    if not (off <= allowed).all():
        faults.append(f"scores differ by {worst:.2e}")
    bad += bool(faults)
    print(f"{name:32} {len(x)} rows, largest difference {worst:.1e}", *faults)
sys.exit(bad > 0)
