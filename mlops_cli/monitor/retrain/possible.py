"""Whether a model can be retrained as the settings say: else it is refused before anything is done.

A mistake that is told only when the pipeline has run for hours is told too late.
"""

from __future__ import annotations

from difflib import get_close_matches

from mlops_cli.data import table
from mlops_cli.errors import RequestError
from mlops_cli.monitor.retrain import reading
from mlops_cli.monitor.retrain.ground import Work
from mlops_cli.pipeline import graph
from mlops_cli.registry import promote

_LABELS = (
    "accuracy", "balanced_accuracy", "precision", "recall", "f1", "mcc",
    "log_loss", "brier", "calibration_error", "roc_auc", "average_precision",
)  # fmt: skip
_NUMBERS = ("rmse", "mae", "r2", "median_ae", "mape", "bias")
_KNOWN = {"classification": _LABELS, "regression": _NUMBERS}
_UNORDERED = ("bias",)
"""Metrics of which neither more nor less is better."""


def check(work: Work) -> None:
    """Refuse to retrain a model as it cannot end well.

    Raises:
        RequestError: there is no such stage or metric, `into` is no table that the pipeline is
            given and reads, or its steps do not make the model.
    """
    _stage(work)
    _metric(work)
    if not table.is_table(work.said.into):
        raise RequestError(
            f"monitor.retrain.{work.name}.into is '{work.said.into}', which is no table",
            hint="known: " + " ".join(table.SUFFIXES),
        )
    reading.check(work.repo, work.name, work.said)
    _steps(work)


def _stage(work: Work) -> None:
    try:
        promote.rules_of(work.repo, work.name, work.stage)
    except RequestError as error:
        if work.state.attempt is None:
            raise
        raise RequestError(
            f"{error.message}, and the retraining under way is for it",
            hint=f"declare it again, or give this one up: mlo retrain {work.name} --stop",
        ) from error


def _metric(work: Work) -> None:
    metric, version = work.said.metric, work.standing() or work.model.newest
    known = _KNOWN.get(version.task)
    if metric is None or known is None:
        return
    where = f"monitor.retrain.{work.name}.metric"
    if metric not in known:
        near = get_close_matches(metric, known, n=1)
        wrong = f"which {version.task} does not have"
        hint = f"did you mean '{near[0]}'?" if near else "one of: " + ", ".join(known)
        raise RequestError(f"{where} is '{metric}', {wrong}", hint=hint)
    if metric in _UNORDERED:
        raise RequestError(
            f"{where} is '{metric}', of which neither more nor less is better", hint="metric: mae"
        )


def _steps(work: Work) -> None:
    """Refuse steps that would write over the fresh rows, or that do not make the model."""
    settings, said, name = work.repo.settings, work.said, work.name
    steps = graph.build(settings.steps, settings.params).only(said.steps).steps
    over = [one for one, step in steps.items() if said.into in (out.path for out in step.outs)]
    if over:
        read = next((dep for dep in steps[over[0]].deps if table.is_table(dep)), None)
        raise RequestError(
            f"step {over[0]} makes '{said.into}': it would write over the fresh rows",
            hint=f"set monitor.retrain.{name}.into to " + (read or "a table that no step makes"),
        )
    held = settings.models.get(name)
    model = None if held is None else held.path
    if model is None or not said.steps:
        return
    makes = [out.path for step in steps.values() for out in step.outs]
    if not any(model == out or model.startswith(f"{out.rstrip('/')}/") for out in makes):
        raise RequestError(
            f"no step of {', '.join(said.steps)} makes '{model}', which {name} is",
            hint=f"name the step that does in monitor.retrain.{name}.steps, or none for all",
        )
