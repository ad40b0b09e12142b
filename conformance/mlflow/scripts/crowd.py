"""50 clients log to the server at sys.argv[1] for sys.argv[2] seconds; then everything is read back."""

import json
import sys
import threading
import time

from mlflow.tracking import MlflowClient

url, seconds = sys.argv[1], float(sys.argv[2])
c = MlflowClient(url)
experiment = c.create_experiment("crowd")
end = time.time() + seconds
sent, faults = {}, []


def log(n):
    client, points = MlflowClient(url), 0
    run = client.create_run(experiment).info.run_id
    try:
        while time.time() < end:
            client.log_metric(run, "loss", points * 1.5 + n, step=points)
            if points % 20 == 0:
                client.log_param(run, f"p{points}", n)
            points += 1
    except Exception as e:
        faults.append(repr(e))
    sent[run] = (n, points)


threads = [threading.Thread(target=log, args=(n,)) for n in range(50)]
for t in threads:
    t.start()
for t in threads:
    t.join()
assert not faults and len(sent) == 50, faults[:3]
for run, (n, points) in sent.items():
    got = sorted((m.step, m.value) for m in c.get_metric_history(run, "loss"))
    assert got == [(i, i * 1.5 + n) for i in range(points)], (run, len(got), points)
    params = c.get_run(run).data.params
    assert params == {f"p{i}": str(n) for i in range(0, points, 20)}, (run, params)
print(json.dumps({"points": sum(p for _, p in sent.values())}))
