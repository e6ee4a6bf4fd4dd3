"""Fresh rows with what turned out to be true: from the prediction log, a table, or a command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.core.config_retrain import Retrain, Source
from mlops_cli.core.records import dataclass, replace
from mlops_cli.core.repository import Repository
from mlops_cli.data import prediction_log, reference, table
from mlops_cli.data.predictions.rows import Rows
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.errors import ExternalError, RequestError
from mlops_cli.monitor.retrain import command
from mlops_cli.registry import models
from mlops_cli.registry.models import Version

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_PRINTED = "fresh.csv"
"""What a table is read as that a command prints."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """Rows with their truth, oldest first.

    Attributes:
        rows: inputs and target.
        target: the column of the truth.
        wrong: how wrong the version in the stage was about each row: 1 or 0 for labels, how far
            off for numbers; NaN where it did not answer.
        times_us: when each was answered, in microseconds since 1970; None where nobody knows.
        where: where they are from, in words.
        notes: what could not be read.
    """

    rows: pd.DataFrame
    target: str
    wrong: NDArray[np.float64]
    times_us: NDArray[np.int64] | None
    where: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def since(self, first: int) -> Fresh:
        """Return the rows from one on."""
        times = None if self.times_us is None else self.times_us[first:]
        return replace(self, rows=self.rows.iloc[first:], wrong=self.wrong[first:], times_us=times)


def gather(repo: Repository, version: Version, said: Retrain) -> Fresh:
    """Return the newest fresh rows, at most `max_rows`; of no row where there is none yet.

    Args:
        repo: where.
        version: what answers in the stage.
        said: how the model is retrained.

    Raises:
        RequestError: it is not known what is true, or a table lacks that column.
        ExternalError: a command failed.
    """
    target = said.target or _of_settings(repo, version.model) or version.target
    if target is None:
        raise RequestError(
            f"it is not known which column {version.model} predicts",
            hint=f"set monitor.retrain.{version.model}.target in .mlops.yaml",
        )
    if said.source.predictions:
        return _of_log(repo, version, target, said.max_rows)
    if said.source.file is not None:
        frame, where = _of_file(repo, said.source.file), said.source.file
    else:
        frame, where = _of_command(repo, said.source), "the command"
    if target not in frame.columns:
        raise RequestError(
            f"the rows of {where} have no column '{target}'",
            hint="they have " + (", ".join(map(str, frame.columns[:8])) or "no column at all"),
        )
    known = frame[frame[target].notna()].tail(said.max_rows).reset_index(drop=True)
    wrong = judged(repo, version, known, target)
    return Fresh(known, target, wrong, None, where, _left_out(len(frame) - len(known)))


def _of_settings(repo: Repository, name: str) -> str | None:
    held = repo.settings.models.get(name)
    return held.target if held else None


def _left_out(rows: int) -> tuple[str, ...]:
    return (f"{rows:,} rows without a truth, or beyond max_rows, were left out",) if rows else ()


def _of_log(repo: Repository, version: Version, target: str, most: int) -> Fresh:
    """Return the labelled predictions that clients had, of any version of the model."""
    import numpy as np
    import pandas as pd

    tally = Tally()
    parts = list(_newest(_labelled(repo, version.model, tally), most))
    where = "the prediction log"
    if not parts:
        notes = (str(tally),) if tally.blocks else ()
        none = np.array([], dtype=np.float64)
        empty = pd.DataFrame({target: []})
        return Fresh(empty, target, none, np.array([], dtype=np.int64), where, notes)
    times = np.concatenate([part.times_us for part in parts])
    order = np.lexsort((np.concatenate([part.numbers for part in parts]), times))[-most:]
    names = _names(version, parts)
    columns = {name: np.concatenate([_column(part, name) for part in parts]) for name in names}
    labels = [label for part in parts for label in _labels(part)]
    own = {version.id, *version.formerly}
    wrong = np.concatenate([_off(part, part.source.version_id in own) for part in parts])
    frame = pd.DataFrame({**columns, target: pd.Series(labels).infer_objects()})
    rows = frame.iloc[order].reset_index(drop=True)
    notes = (str(tally),) if tally.blocks else ()
    return Fresh(rows.infer_objects(), target, wrong[order], times[order], where, notes)


def _labelled(repo: Repository, model: str, tally: Tally) -> Iterator[Rows]:
    import numpy as np

    for part in prediction_log.batches(repo, model, labelled=True, tally=tally):
        if part.labels is None:
            continue
        gaps = part.labels.gaps
        there = np.ones(len(part), dtype=bool) if gaps is None else ~gaps
        if there.any():
            yield part.take(there)


def _newest(parts: Iterator[Rows], most: int) -> Iterator[Rows]:
    """Yield the parts that the newest rows may be in; memory is that of twice as many."""
    kept: list[Rows] = []
    for part in parts:
        kept.append(part)
        if sum(map(len, kept)) > 2 * most + 100_000:
            kept.sort(key=lambda one: int(one.times_us[-1]))
            while sum(map(len, kept[1:])) >= most:
                kept.pop(0)
    yield from kept


def _names(version: Version, parts: list[Rows]) -> list[str]:
    """Return the columns that all rows have, in the order that the model takes them."""
    first = version.signature.names if version.signature else tuple(parts[-1].columns)
    shown = [set(part.columns) - set(part.hashed) for part in parts]
    names = [name for name in first if all(name in one for one in shown)]
    hidden = [name for name in first if name not in names]
    if hidden:
        raise RequestError(
            f"the prediction log does not have the values of {', '.join(hidden[:5])},"
            f" which {version.model} is trained on",
            hint="take fresh rows from elsewhere: source: {file: PATH} or {command: CMD}",
        )
    return names


def _column(part: Rows, name: str) -> NDArray[Any]:
    return part.columns[name].array()


def _labels(part: Rows) -> list[Any]:
    return [] if part.labels is None else part.labels.tolist()


def _off(part: Rows, own: bool) -> NDArray[np.float64]:  # noqa: FBT001
    """Return how wrong each answer was; NaN for those of other versions."""
    import numpy as np

    if not own:
        return np.full(len(part), np.nan)
    answers = part.predictions.tolist()
    return off(answers, _labels(part), is_labels=part.source.classes is not None)


def off(answers: list[Any], truth: list[Any], *, is_labels: bool) -> NDArray[np.float64]:
    """Return 1 for a wrong label and 0 for a right one; of numbers how far off they are.

    >>> off([1, 0], ["1", 1], is_labels=True).tolist(), off([1.5], [1], is_labels=False).tolist()
    ([0.0, 1.0], [0.5])
    """
    import numpy as np

    if is_labels:
        pairs = zip(answers, truth, strict=True)
        return np.array([float(one != two and str(one) != str(two)) for one, two in pairs])
    try:
        far: NDArray[np.float64] = np.abs(np.array(answers, float) - np.array(truth, float))
    except (TypeError, ValueError):
        return np.full(len(truth), np.nan)
    return far


def judged(
    repo: Repository, version: Version, rows: pd.DataFrame, target: str
) -> NDArray[np.float64]:
    """Return how wrong the version is about rows; NaN for all where it cannot answer them."""
    import numpy as np

    from mlops_cli.registry.evaluation import truth

    if rows.empty:
        return np.array([], dtype=np.float64)
    predictor = models.load(repo, version)
    try:
        answers = predictor.predict(truth.rows_of(rows, predictor.signature)).tolist()
    except RequestError:
        return np.full(len(rows), np.nan)
    return off(answers, rows[target].tolist(), is_labels=predictor.task == "classification")


def _of_file(repo: Repository, text: str) -> pd.DataFrame:
    path, rev = reference.split(text)
    if rev is None and (repo.root / path).is_file():
        return table.read(repo.root / path, path)
    found = reference.resolve(repo, text, start=repo.root)
    return table.of_version(repo, found.oid, found.path)


def _of_command(repo: Repository, source: Source) -> pd.DataFrame:
    """Return the table that a command prints as CSV, run in the project's folder."""
    out = command.printed(source.command or "", Path(repo.root), source.timeout_s)
    try:
        return table.read(out, _PRINTED)
    except RequestError as error:
        why = error.message.replace(f"'{_PRINTED}'", "it")
        raise ExternalError(
            f"what the command for fresh rows printed is no table: {why}",
            hint="it has to print CSV in UTF-8, its first line the names of the columns",
        ) from error
