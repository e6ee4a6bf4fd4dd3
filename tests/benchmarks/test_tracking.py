"""Our side of the tracking benchmark, on next to nothing; no time is looked at."""

from pathlib import Path

from benchmarks.tracking import report
from benchmarks.tracking.report import Bench, Scale

TINY = Scale(calls=10, short_runs=1, few_trials=1, many_trials=3)


def test_all_rows_are_there_also_for_tools_that_are_missing(tmp_path: Path) -> None:
    rows = report.rows(Bench(tmp_path, {"mlo": "1"}, times=1, scale=TINY))
    against = {row.what: row.against for row in rows}
    assert against["a short run"] == "MLflow, files (not installed)"
    assert against["runs list, the best of 10,000 runs"] == "MLflow, SQLite (not installed)"
    assert against["import mlops_cli.api"] == "20 ms"
    assert [row.against for row in rows if row.what == "a metric call"] == [
        "10 us",
        "MLflow, SQLite (not installed)",
        "MLflow, files (not installed)",
        "DVCLive (not installed)",
        "wandb, offline (not installed)",
        "aim (not installed)",
    ]
    assert all(row.ours > 0 for row in rows if row.theirs and row.unit == "us")
    assert against["what a trial costs beside its command"] == "10 ms"
