"""Times wandb, offline; run by a Python that has it, in an empty folder. Prints JSON."""

import json
import sys
import time

import wandb

calls = int(sys.argv[1])
run = wandb.init(mode="offline", dir=".", project="benchmark")
run.log({"loss": 1.0})
started = time.perf_counter()
for step in range(calls):
    run.log({"loss": 0.5}, step=step + 1)
call_s = (time.perf_counter() - started) / calls
run.finish()
print(json.dumps({"call_us": call_s * 1e6}))
