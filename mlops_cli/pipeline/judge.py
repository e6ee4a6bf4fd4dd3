"""Whether a step kept to what it declares: what it wrote, what it read, what it reports."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlops_cli.core import git
from mlops_cli.core.config_steps import is_path
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, snapshot
from mlops_cli.errors import MloError, RequestError
from mlops_cli.pipeline import graph as graphs
from mlops_cli.pipeline.plan import Plan
from mlops_cli.pipeline.required import versioned_at
from mlops_cli.runs import metrics
from mlops_cli.runs.open_run import OpenRun
from mlops_cli.runs.record import Number


class Failure(Exception):
    """A step did not end well: not an error of ours, but how the run ends.

    Its exit code is that of the step's process, or None when it was mlo that found fault.
    """

    def __init__(
        self,
        error: str,
        exit_code: int | None = None,
        *,
        interrupted: bool = False,
        reported: Mapping[str, Number] | None = None,
    ) -> None:
        """`reported` is what the step did report, where that is what was wrong."""
        super().__init__(error)
        self.reported = reported
        self.error = error
        self.exit_code = exit_code
        self.interrupted = interrupted


def did_not_report(step: str, metric: str) -> str:
    """Return how a step failed that a sweep wanted a metric of."""
    return f"step '{step}' did not report '{metric}'"


def _has(metric: str, step: str, reported: Mapping[str, Number]) -> bool:
    """Return whether a metric of a run is one that a step reported."""
    return metric in reported or metric.removeprefix(f"{step}.") in reported


class Judge:
    """Finds fault with the steps of one run, as a `Failure`."""

    def __init__(
        self, repo: Repository, opened: OpenRun, sought: Mapping[str, Sequence[str]]
    ) -> None:
        """`sought` are metrics by step that must be there, and be numbers."""
        self._repo = repo
        self._run = opened
        self._sought = sought
        self._reported: dict[str, Mapping[str, Number]] = {}

    def check_writes(self, plan: Plan) -> None:
        """Raise Failure unless a step has written each of its outputs."""
        for path in graphs.outputs(plan.step):
            target = paths.locate(self._repo, path)
            if target.is_symlink():
                raise Failure(f"step '{plan.step.name}' made '{path}' a symbolic link")
            if not target.exists():
                raise Failure(f"step '{plan.step.name}' did not write its output '{path}'")

    def check_inputs(self, plan: Plan, deps: Mapping[str, ObjectId], writer: Any) -> None:
        """Store a step's inputs, after making sure that they are what it began with."""
        for path, before in deps.items():
            if not is_path(path):
                continue
            target = paths.locate(self._repo, path)
            gone = not target.exists()
            if gone or snapshot.take(self._repo, target, writer=writer).oid != before:
                did = "removed" if gone else "changed"
                raise Failure(
                    f"step '{plan.step.name}' {did} its own input '{path}'{self._way_back(path)}",
                    None,
                )

    def validate(self, plan: Plan, data: Iterable[str], *, fresh: bool) -> None:
        """Raise Failure if data does not pass its schema, and tell what fails in the log."""
        from mlops_cli.pipeline import gate

        try:
            failing = list(gate.failing(self._repo, plan.step, data, fresh=fresh))
        except MloError as error:
            raise Failure(f"step '{plan.step.name}': {error.message}") from error
        if not failing:
            return
        with self._run.log.open("a", encoding="utf-8", errors="replace") as log:
            log.writelines(f"{line}\n" for report in failing for line in gate.told(report))
        first = failing[0]
        raise Failure(
            f"step '{plan.step.name}': {first.table} fails {first.schema}: {first.first}; "
            f"all of it: mlo validate {first.table}"
        )

    def _way_back(self, path: str) -> str:
        """Return what brings an input back as it was, where anything does."""
        versioned = versioned_at(self._repo, path)
        if versioned is not None:
            return f"; to have it back: mlo checkout {versioned}"
        if git.is_tracked(self._repo.root, [path]):
            return f"; to have it back: git restore {path}"
        return ""

    def metrics(self, plan: Plan) -> dict[str, Number]:
        """Return the numbers that a step logged and wrote; those in its files come last."""
        found = dict(self.logged(plan.step.name))
        for out in plan.step.metrics:
            try:
                found.update(metrics.read_file(paths.locate(self._repo, out.path), where=out.path))
            except RequestError as error:
                raise Failure(f"step '{plan.step.name}': {error.message}") from error
        return found

    def check_sought(self, name: str, reported: Mapping[str, Number]) -> None:
        """Raise Failure when what a sweep compares is no number, or nothing reported it."""
        self._reported[name] = reported
        for metric in self._sought.get(name, ()):
            if isinstance(reported.get(metric), str):
                raise Failure(f"{metric} is {reported[metric]}")
            if not any(_has(metric, step, found) for step, found in self._reported.items()):
                raise Failure(did_not_report(name, metric), reported=reported)

    def logged(self, name: str) -> Mapping[str, Number]:
        """Return the metrics that a step has logged so far, by name."""
        return self._run.logged().last.get(name, {})
