"""Fills a database of MLflow's with runs, or times searches in it; run by a Python with MLflow."""

import json
import random
import sqlite3
import sys
import time

import mlflow

what, runs = sys.argv[1], int(sys.argv[2])
mlflow.set_tracking_uri("sqlite:///mlflow.db")


def fill() -> None:
    """Write runs with ten parameters and six metrics each, by SQL: MLflow itself takes an hour."""
    experiment = mlflow.set_experiment("benchmark").experiment_id
    draw = random.Random(1)
    with sqlite3.connect("mlflow.db") as database:
        for number in range(runs):
            run, begun = f"{number:032x}", 1_700_000_000_000 + number
            database.execute(
                "INSERT INTO runs (run_uuid, name, source_type, user_id, status, start_time, "
                "end_time, lifecycle_stage, artifact_uri, experiment_id) "
                "VALUES (?, ?, 'LOCAL', 'ada', 'FINISHED', ?, ?, 'active', ?, ?)",
                (run, f"run-{number}", begun, begun + 1, f"mlruns/1/{run}/artifacts", experiment),
            )
            params = [(f"p{n}", str(draw.randrange(100)), run) for n in range(10)]
            database.executemany("INSERT INTO params VALUES (?, ?, ?)", params)
            for n in range(6):
                row = (f"m{n}", draw.random(), begun, run)
                database.execute(
                    "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) "
                    "VALUES (?, ?, ?, ?, 0, 0)",
                    row,
                )
                database.execute(
                    "INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan) "
                    "VALUES (?, ?, ?, ?, 0, 0)",
                    row,
                )


def search() -> dict[str, float]:
    """Return how long the search for all and for the best took, after one that is not counted."""
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("benchmark").experiment_id
    found = {}
    for name, most in (("warm", 1), ("some", 20), ("all", runs)):
        started = time.perf_counter()
        client.search_runs([experiment], order_by=["metrics.m0 DESC"], max_results=most)
        found[name] = time.perf_counter() - started
    return found


if what == "fill":
    fill()
print(json.dumps({} if what == "fill" else search()))
