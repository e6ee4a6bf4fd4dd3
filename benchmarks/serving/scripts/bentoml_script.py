"""`bentoml serve` of a model; with BENCHMARK_BATCHING, its adaptive batching is on."""

import os
import sys
from pathlib import Path

folder, name, port = sys.argv[1:]
bentoml = str(Path(sys.executable).with_name("bentoml"))
os.environ["BENCHMARK_MODEL"] = f"{folder}/{name}.joblib"
here = str(Path(__file__).parent)
serve = [
    "serve",
    "bentoml_service_script:Service",
    "--working-dir",
    here,
    "--host",
    "127.0.0.1",
    "-p",
    port,
]
os.execv(bentoml, [bentoml, *serve])
