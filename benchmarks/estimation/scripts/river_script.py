"""Print what river's detectors say after each number of a stream, which is read as JSON.

Runs with river's own Python.
"""

import json
import sys
from typing import Any

from river import drift

detectors: Any = drift
stream = json.load(sys.stdin)
# river's ADWIN empties its window after each change; what it wraps goes on, as the paper has it
adwin = detectors.ADWIN(delta=0.002)._helper
ddm, page_hinkley = detectors.binary.DDM(), detectors.PageHinkley()
told: dict[str, list[float]] = {
    "ADWIN: changes": [],
    "ADWIN: mean of its window": [],
    "ADWIN: variance of its window": [],
    "Page-Hinkley: changes": [],
    "DDM: changes": [],
    "DDM: warnings": [],
}
for value in stream:
    told["ADWIN: changes"].append(float(adwin.update(value)))
    told["ADWIN: mean of its window"].append(adwin.get_total() / adwin.get_width())
    told["ADWIN: variance of its window"].append(adwin.get_variance() / adwin.get_width())
    page_hinkley.update(value)
    told["Page-Hinkley: changes"].append(float(page_hinkley.drift_detected))
    ddm.update(bool(value))
    told["DDM: changes"].append(float(ddm.drift_detected))
    told["DDM: warnings"].append(float(ddm.warning_detected and not ddm.drift_detected))
print(json.dumps(told))
