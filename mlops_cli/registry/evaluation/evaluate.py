"""Evaluating a version on a table: what it answers, all that can be said of it, and the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.core.config_models import Evaluation as Settings
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.registry import events, models
from mlops_cli.registry.evaluation import (
    bootstrap,
    data,
    fairness,
    inputs_kept,
    kept,
    latency,
    slices,
    truth,
)
from mlops_cli.registry.evaluation.answers import Answers, Labelled, part
from mlops_cli.registry.evaluation.calibration import bins
from mlops_cli.registry.evaluation.classification import confusion
from mlops_cli.registry.evaluation.fairness import Groups
from mlops_cli.registry.evaluation.record import (
    Data,
    Evaluation,
    Fairness,
    Group,
    Latency,
    Slice,
    newest,
    of_event,
)
from mlops_cli.registry.models import Version

if TYPE_CHECKING:
    import pandas as pd

FEW_ROWS = 30
"""Of fewer, hardly anything can be said."""
_MOST_LABELS = 100
"""With more labels there is no table of all of them by all."""


def evaluate(
    repo: Repository,
    version: Version,
    asked: str | None = None,
    *,
    target: str | None = None,
    slices: Sequence[str] = (),
    sensitive: Sequence[str] = (),
    positive: str | None = None,
    start: Path | None = None,
) -> Evaluation:
    """Return how good a version is on a table, which is put on record.

    What is not said comes from the settings of the model, and from lineage. The same again, the
    time that answers took aside, gives the evaluation that is on record.

    Args:
        repo: where.
        version: the version.
        asked: the table, `PATH`, `PATH@REV` or `PATH@ID`.
        target: the column that holds the truth.
        slices: columns by whose values it is evaluated apart.
        sensitive: columns whose groups must be treated alike.
        positive: the favourable label, as it is written; of two the last one by default.
        start: the folder that paths start from; the project's root by default.

    Raises:
        RequestError: it is not known on what, the table lacks a column, or the model refuses it.
        MissingObject, IntegrityError: as of the object store.
    """
    held = repo.settings.models.get(version.model)
    said = held.evaluate if held else Settings()
    with repo.writing():
        chosen = data.choose(repo, version, asked, start=start or repo.root)
        frame = data.read(repo, chosen)
        column = target or (held.target if held else None) or version.target
        found = _evaluate(
            repo,
            version,
            chosen,
            frame,
            truth.target(frame, column, version, chosen),
            tuple(slices) or said.slices,
            tuple(sensitive) or said.sensitive,
            positive or said.positive,
        )
        return _keep(repo, found)


def _evaluate(
    repo: Repository,
    version: Version,
    chosen: Data,
    frame: pd.DataFrame,
    target: str,
    sliced: tuple[str, ...],
    sensitive: tuple[str, ...],
    positive: str | None,
) -> Evaluation:
    frame, dropped = _with_truth(frame, target, chosen)
    columns = {name: _groups(frame, name, chosen) for name in (*sliced, *sensitive)}
    predictor = models.load(repo, version)
    rows = truth.rows_of(frame, predictor.signature)
    answers = truth.answers(predictor, rows, frame[target], positive)
    treated = tuple(_fairness(answers, columns[name]) for name in sensitive)
    took = latency.of_version(repo, version, predictor, rows)
    labelled = answers if isinstance(answers, Labelled) else None
    small = labelled is not None and len(labelled.labels) <= _MOST_LABELS
    return Evaluation(
        id=ObjectId(""),
        time="",
        who={},
        model=version.model,
        number=version.number,
        version=version.id,
        data=chosen,
        target=target,
        task="classification" if labelled else "regression",
        rows=answers.rows,
        dropped=dropped,
        metrics=bootstrap.estimates(answers),
        labels=labelled.labels if labelled else None,
        positive=None
        if labelled is None or labelled.positive is None
        else labelled.labels[labelled.positive],
        confusion=tuple(map(tuple, confusion(labelled).tolist())) if labelled and small else None,
        calibration=bins(labelled) if labelled else (),
        slices=tuple(one for name in sliced for one in _slices(answers, columns[name])),
        fairness=treated,
        latency=took,
        size=version.size,
        kept=kept.keep(
            repo,
            answers,
            list(columns.values()),
            None if labelled else inputs_kept.keep(repo, rows, predictor.signature),
        ),
        notes=tuple(_notes(answers, dropped, treated)),
    )


def _with_truth(frame: pd.DataFrame, target: str, chosen: Data) -> tuple[pd.DataFrame, int]:
    there = frame[target].notna()
    dropped = int((~there).sum())
    if dropped == len(frame):
        raise RequestError(f"'{chosen.path}' has no row with a value in '{target}'")
    return (frame[there].reset_index(drop=True) if dropped else frame), dropped


def _groups(frame: pd.DataFrame, name: str, chosen: Data) -> Groups:
    if name not in frame.columns:
        raise truth.no_column(name, frame, chosen)
    return slices.of_column(name, frame[name])


def _slices(answers: Answers, groups: Groups) -> list[Slice]:
    found = []
    for place, name in enumerate(groups.names):
        here = part(answers, groups.codes == place)
        if here.rows:
            found.append(Slice(groups.column, name, here.rows, bootstrap.estimates(here)))
    return found


def _fairness(answers: Answers, groups: Groups) -> Fairness:
    import numpy as np

    rows = np.bincount(groups.codes, minlength=len(groups.names))
    each = fairness.of_groups(answers, groups)
    people = [
        Group(name, int(rows[place]), {rate: _plain(one[place]) for rate, one in each.items()})
        for place, name in enumerate(groups.names)
    ]
    return Fairness(groups.column, tuple(people), fairness.compare(answers, groups))


def _plain(value: float) -> float | None:
    return None if value != value else float(value)


def _notes(answers: Answers, dropped: int, treated: tuple[Fairness, ...]) -> list[str]:
    notes = []
    if dropped:
        left = (
            "1 row without a truth was" if dropped == 1 else f"{dropped} rows without a truth were"
        )
        notes.append(f"{left} left out")
    if answers.rows < FEW_ROWS:
        few = "1 row is" if answers.rows == 1 else f"{answers.rows} rows are"
        notes.append(f"{few} few: the intervals are wide, and rough")
    for one in treated:
        lacking = [group.name for group in one.groups if None in group.rates.values()]
        if lacking:
            lack = "lacks" if len(lacking) == 1 else "lack"
            notes.append(
                f"of {one.column}, {' and '.join(lacking[:3])} {lack} rows of one of the labels,"
                " so not all of fairness can be computed"
            )
    return notes


def _keep(repo: Repository, found: Evaluation) -> Evaluation:
    with repo.lock("evaluate"):
        model = models.model(repo, found.model)
        version = model.version(found.number)
        before = newest(model, version, found.data.oid)
        if before is not None and _same(before, found):
            return before
        oid = events.append(repo, found.model, "evaluate", found.number, found.detail())
    return of_event(events.read(repo, oid))


def _same(before: Evaluation, now: Evaluation) -> bool:
    def content(one: Evaluation) -> dict[str, Any]:
        return replace(one, latency=_ANY, version=ObjectId("")).detail()

    return content(before) == content(now)


_ANY = Latency(0.0, 0.0, 0, 0.0, "", "")
