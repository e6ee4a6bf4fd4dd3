"""`mlserver start` of a model."""

import json
import os
import socket
import sys
from pathlib import Path

folder, name, port = sys.argv[1:]
place = Path(folder) / f"{name}-mlserver"
place.mkdir(exist_ok=True)


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


settings = {
    "host": "127.0.0.1",
    "http_port": int(port),
    "grpc_port": free_port(),
    "metrics_port": free_port(),
    "parallel_workers": 0,
    "debug": False,
}
model = {
    "name": name,
    "implementation": "mlserver_sklearn.SKLearnModel",
    "parameters": {"uri": f"{folder}/{name}.joblib"},
}
(place / "settings.json").write_text(json.dumps(settings))
(place / "model-settings.json").write_text(json.dumps(model))
mlserver = str(Path(sys.executable).with_name("mlserver"))
os.execv(mlserver, [mlserver, "start", str(place)])
