"""What the tests have engines do; workers import it."""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlops_cli.pipeline.engines.engine import Line


def work(payload: Mapping[str, Any], place: int, line: Line) -> Any:
    """Do what the payload says."""
    if "die" in payload:
        os.kill(os.getpid(), signal.SIGKILL)
    if "die_once" in payload:
        marker = Path(payload["die_once"])
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    if "fail" in payload:
        raise ValueError(payload["fail"])
    if "wait" in payload:
        line.report({"pid": os.getpid()})
        while not line.stopped():
            time.sleep(0.005)
        return "stopped"
    return payload.get("n", 0) * 2
