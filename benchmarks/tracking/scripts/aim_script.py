"""Times aim; run by a Python that has it, in an empty folder. Prints JSON."""

import json
import sys
import time

from aim import Run

calls = int(sys.argv[1])
run = Run(repo=".", system_tracking_interval=None, log_system_params=False)
run.track(1.0, name="loss", step=0)
started = time.perf_counter()
for step in range(calls):
    run.track(0.5, name="loss", step=step)
call_s = (time.perf_counter() - started) / calls
run.close()
print(json.dumps({"call_us": call_s * 1e6}))
