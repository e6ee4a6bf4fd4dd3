"""Times DVCLive; run by a Python that has it, in an empty folder. Prints JSON."""

import json
import sys
import time

from dvclive import Live

calls = int(sys.argv[1])
with Live("live", save_dvc_exp=False, report=None, monitor_system=False) as live:
    live.log_metric("loss", 1.0)
    started = time.perf_counter()
    for step in range(calls):
        live.step = step
        live.log_metric("loss", 0.5)
    call_s = (time.perf_counter() - started) / calls
print(json.dumps({"call_us": call_s * 1e6}))
