"""What a user of MLflow ran: experiments of all kinds. Runs with MLflow's own Python, not mlo's.

Prints the ids of the runs by name as JSON.
"""

import json
import sys

import mlflow
import numpy
from mlflow import MlflowClient


class Same(mlflow.pyfunc.PythonModel):
    """A model that gives back what it gets."""

    def predict(self, context, model_input, params=None):
        return model_input


def whole() -> dict[str, str]:
    """Run with everything that MLflow keeps.

    The model comes first: metrics that are there by then are kept twice in files.
    """
    with mlflow.start_run(run_name="Größe 1", description="First try,\nwith a note") as run:
        mlflow.pyfunc.log_model(
            name="model", python_model=Same(), registered_model_name="churn", pip_requirements=[]
        )
        MlflowClient().set_registered_model_alias("churn", "champion", 1)
        mlflow.log_params({"depth": 6, "group/lr": 1e-05, "flag": True, "text": "007"})
        mlflow.log_param("db", "postgres://ada:secret@host/db")
        for step in range(3):
            mlflow.log_metric("train/loss", 1 / (step + 1), step=step)
        mlflow.log_metric("nan", float("nan"))
        mlflow.log_metric("up", float("inf"))
        mlflow.log_metric("down", float("-inf"))
        mlflow.set_tags({"team": "risk and fraud", "story": "long " * 100})
        mlflow.log_input(mlflow.data.from_numpy(numpy.arange(4), name="tiny"), context="train")
        mlflow.log_text("hello\n", "notes/deep/grün.txt")
        mlflow.log_text("{}", "top.json")
        with mlflow.start_run(nested=True, run_name="part") as part:
            mlflow.log_metrics({"auc": 0.5, "train/loss": 0.25})
    return {"whole": run.info.run_id, "part": part.info.run_id}


def others() -> dict[str, str]:
    """Run what fails, what is deleted, and what never ends."""
    found = {}
    try:
        with mlflow.start_run(run_name="failed") as run:
            found["failed"] = run.info.run_id
            raise ValueError
    except ValueError:
        pass
    for name in ("deleted", "unfinished"):
        run = MlflowClient().create_run("0", run_name=name)
        found[name] = run.info.run_id
    MlflowClient().set_terminated(found["deleted"])
    MlflowClient().delete_run(found["deleted"])
    return found


mlflow.set_tracking_uri(sys.argv[1])
if sys.argv[2:] == ["later"]:
    with mlflow.start_run(run_name="later") as run:
        print(json.dumps({"later": run.info.run_id}))
else:
    mlflow.set_experiment("churn")
    ids = whole()
    mlflow.set_experiment("Default")
    print(json.dumps({**ids, **others()}))
