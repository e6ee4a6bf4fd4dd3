"""Times MLflow; run by a Python that has it, in an empty folder. Prints JSON."""

import json
import sys
import time

import mlflow

uri, calls, runs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
mlflow.set_tracking_uri(uri)
mlflow.set_experiment("benchmark")
with mlflow.start_run():
    mlflow.log_metric("loss", 1.0, 0)
    started = time.perf_counter()
    for step in range(calls):
        mlflow.log_metric("loss", 0.5, step)
    call_s = (time.perf_counter() - started) / calls
started = time.perf_counter()
for _ in range(runs):
    with mlflow.start_run():
        mlflow.log_params({"depth": 6, "lr": 0.1})
        for step in range(3):
            mlflow.log_metric("loss", 0.5, step)
run_s = (time.perf_counter() - started) / max(runs, 1)
print(json.dumps({"call_us": call_s * 1e6, "run_ms": run_s * 1e3}))
