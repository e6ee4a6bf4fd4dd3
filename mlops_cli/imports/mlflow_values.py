"""The values of metrics that an MLflow server has: asked for many runs at once, where it can."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

from mlops_cli.errors import IntegrityError
from mlops_cli.imports import mlflow_run
from mlops_cli.imports.mlflow_http import Client, Unknown, pages
from mlops_cli.imports.mlflow_run import Point

MOST_RUNS = 100
"""Of so many runs at most a server gives the values of one metric in one answer."""

_MOST_VALUES = 25_000
"""What a server gives at once; an answer of as many may lack some."""


class Values:
    """The values of some runs, given the names of the metrics of each.

    Nothing is asked before the values of the first run are wanted. Those of a run are let go of
    once they were given.
    """

    def __init__(
        self, client: Client, threads: Executor, metrics: Mapping[str, Sequence[str]]
    ) -> None:
        self._client = client
        self._threads = threads
        self._metrics = metrics
        self._known: dict[str, dict[str, list[Point]]] | None = None

    def of(self, run: str) -> Iterator[Point]:
        """Yield the values of a run, metric by metric in the order of their names."""
        if self._known is None:
            self._known = self._ask_for_all()
        known = self._known.pop(run, {})
        left = [name for name in self._metrics[run] if name not in known]
        asked = self._threads.map(lambda name: self._history(run, name), left)
        known.update(zip(left, asked, strict=True))
        for name in sorted(known):
            yield from known[name]

    def _ask_for_all(self) -> dict[str, dict[str, list[Point]]]:
        """Return what a request for each metric gives, by run and metric."""
        runs: dict[str, list[str]] = {}
        for run, names in self._metrics.items():
            for name in names:
                runs.setdefault(name, []).append(run)
        shared = [name for name, having in runs.items() if len(having) > 1]
        found: dict[str, dict[str, list[Point]]] = {}
        answers = self._threads.map(lambda name: self._bulk(name, runs[name]), shared)
        for name, answer in zip(shared, answers, strict=True):
            for run, points in answer.items():
                found.setdefault(run, {})[name] = points
        return found

    def _bulk(self, name: str, runs: Sequence[str]) -> dict[str, list[Point]]:
        """Return the values of one metric by run; nothing where they are too many for one answer.

        Servers give them so to MLflow's own pages; it is no part of the documented interface.
        """
        try:
            answer = self._client.ajax("metrics/get-history-bulk", run_id=runs, metric_key=name)
        except Unknown:
            return {}
        held = answer.get("metrics", [])
        if len(held) >= _MOST_VALUES:
            return {}
        found: dict[str, list[Point]] = {}
        for one in held:
            run = str(one.get("run_id")) if isinstance(one, dict) else ""
            found.setdefault(run, []).append(_point(name, one))
        return {run: _ordered(points) for run, points in found.items() if run in runs}

    def _history(self, run: str, name: str) -> list[Point]:
        def page(token: str) -> Mapping[str, Any]:
            return self._client.get(
                "metrics/get-history",
                run_id=run,
                metric_key=name,
                max_results=_MOST_VALUES,
                page_token=token,
            )

        return _ordered([_point(name, one) for one in pages(page, "metrics")])


def _point(name: str, held: Any) -> Point:
    try:
        value = mlflow_run.real(float(held["value"]))
        return Point(name, value, int(held["timestamp"]), int(held.get("step", 0)))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise IntegrityError(f"a value of '{name[:80]}' is malformed: {error}") from error


def _ordered(points: list[Point]) -> list[Point]:
    return sorted(points, key=lambda point: (point.time_ms, point.step))
