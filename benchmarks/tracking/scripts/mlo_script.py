"""Times `mlops_cli.api`; run by a Python that has it, in a project. Prints JSON."""

import json
import sys
import time

import mlops_cli.api as mlo

calls, runs = int(sys.argv[1]), int(sys.argv[2])

with mlo.start_run():
    mlo.log_metric("loss", 1.0, 0)
    started = time.perf_counter()
    for step in range(calls):
        mlo.log_metric("loss", 0.5, step)
    call_s = (time.perf_counter() - started) / calls
started = time.perf_counter()
for _ in range(runs):
    with mlo.start_run():
        mlo.log_params({"depth": 6, "lr": 0.1})
        for step in range(3):
            mlo.log_metric("loss", 0.5, step)
mlo.flush()
run_s = (time.perf_counter() - started) / max(runs, 1)
print(json.dumps({"call_us": call_s * 1e6, "run_ms": run_s * 1e3}))
