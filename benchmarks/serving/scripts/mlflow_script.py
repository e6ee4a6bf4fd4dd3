"""`mlflow models serve` of a model, once it is saved in MLflow's own form."""

import os
import sys
from pathlib import Path

import joblib

folder, name, port = sys.argv[1:]
saved = Path(folder) / f"{name}-mlflow"
if not saved.exists():
    import mlflow.sklearn

    mlflow.sklearn.save_model(
        joblib.load(f"{folder}/{name}.joblib"), saved, serialization_format="cloudpickle"
    )
mlflow = str(Path(sys.executable).with_name("mlflow"))
serve = [
    "models",
    "serve",
    "-m",
    str(saved),
    "--env-manager",
    "local",
    "-h",
    "127.0.0.1",
    "-p",
    port,
]
os.execv(mlflow, [mlflow, *serve])
