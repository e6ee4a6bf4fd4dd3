"""Replace this by your own training; whatever it writes to metrics.json is compared."""

import json
import random
from pathlib import Path

import mlops_cli.api as mlo

random.seed(mlo.params()["seed"])
Path("metrics.json").write_text(json.dumps({"score": random.random()}) + "\n")
