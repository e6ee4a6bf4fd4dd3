"""What a model answers as columns of their own: whether its answers have changed, not its input.

They are held against its answers for held-out data, which an evaluation keeps; without one, on
request, against its first answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data.prediction_log import Window
from mlops_cli.errors import RequestError
from mlops_cli.monitor.asked import Log, answers_of, summed_frame
from mlops_cli.monitor.distribution import Distribution, Table
from mlops_cli.monitor.sources import numbers, texts
from mlops_cli.monitor.sources.log import PREDICTION
from mlops_cli.registry import models
from mlops_cli.registry.evaluation import own
from mlops_cli.registry.evaluation.answers import Answers, Labelled
from mlops_cli.registry.models import Version

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_CLASSES = 10
"""Of more classes the probabilities are not looked at, only the answers."""
_PARTS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """The answers of both sides in sum, column by column.

    Attributes:
        against: what the current answers are held against, in words.
        words: whether the answers are labels, not numbers.
        first: so many of the predictions, the oldest, are the reference; 0 when it is another.
    """

    reference: Mapping[str, Distribution]
    current: Mapping[str, Distribution]
    against: str
    words: bool
    first: int = 0

    def of(self, some: Table) -> Mapping[str, Distribution]:
        """Return some answers, with the columns that the reference has."""
        return _chosen(some, self.reference, words=self.words)


class Beside:
    """The columns of a table, and some more beside it, which may have other rows."""

    def __init__(self, table: Table, more: Mapping[str, Distribution]) -> None:
        taken = set(table.names)
        self._more = {free(name, taken): one for name, one in more.items()}
        self.names: tuple[str, ...] = (*table.names, *self._more)
        self.rows = table.rows
        self._table = table

    def column(self, name: str) -> Distribution:
        """Return one column in sum."""
        return self._more[name] if name in self._more else self._table.column(name)


def free(name: str, taken: set[str]) -> str:
    """Return what a column of answers is called where an input may be called so.

    >>> free("prediction", {"width"}), free("prediction", {"prediction"})
    ('prediction', 'prediction (answer)')
    """
    return f"{name} (answer)" if name in taken else name


def of_log(repo: Repository, version: Version, log: Log, *, asked: bool) -> Predicted | None:
    """Return what a version answered, and what that is held against; None where that is not known.

    Args:
        repo: where.
        version: whose.
        log: its predictions.
        asked: whether somebody asked for it: then the first predictions are taken if need be.

    Raises:
        RequestError: it was asked for, and there are no predictions.
    """
    if not log.answers.rows:
        if not asked:
            return None
        raise RequestError(
            f"{version.model} v{version.number} has not answered anything yet",
            hint=f"mlo serve {version.model}, or: mlo predict {version.model} IN OUT",
        )
    held = _held_out(repo, version)
    if held is None:
        return _against_the_first(version, log.window()) if asked else None
    answers, against = held
    words = isinstance(answers, Labelled)
    reference = of_answers(answers)
    current = _chosen(log.answers, reference, words=words)
    return Predicted({name: reference[name] for name in current}, current, against, words)


def of_answers(answers: Answers) -> dict[str, Distribution]:
    """Return the answers of an evaluation in sum, with the names that the log has."""
    import numpy as np

    if not isinstance(answers, Labelled):
        return {PREDICTION: _numbers(answers.predicted)}
    names = [_word(label) for label in answers.labels]
    counts = np.bincount(answers.predicted, minlength=len(names)).tolist()
    found = {PREDICTION: texts.summed(answers.rows, dict(zip(names, counts, strict=True)))}
    if answers.shares is None:
        return found
    positive = None if answers.positive is None else names[answers.positive]
    for name in _told(names, positive):
        found[f"probability of {name}"] = _numbers(answers.shares[:, names.index(name)])
    return found


def _told(names: Sequence[str], positive: str | None) -> Sequence[str]:
    """Return the classes whose probability is looked at: of two one says what the other does."""
    if len(names) == 2:
        return [names[1] if positive is None else positive]
    return names if len(names) <= MOST_CLASSES else ()


def _chosen(
    answers: Table, like: Mapping[str, Distribution], *, words: bool
) -> dict[str, Distribution]:
    """Return the columns of the log's answers that the reference has too."""
    names = [name for name in like if name in answers.names]
    found = {name: answers.column(name) for name in names}
    if words:
        found[PREDICTION] = as_words(found[PREDICTION])
    return found


def as_words(column: Distribution) -> Distribution:
    """Return labels, which may be numbers, as categories."""
    if column.kind not in ("number", "boolean"):
        return column
    truth = column.kind == "boolean"
    pairs = zip(column.values.tolist(), column.counts.tolist(), strict=True)
    counts = {_word(bool(value) if truth else value): int(count) for value, count in pairs}
    return texts.summed(column.rows, counts)


def _against_the_first(version: Version, window: Window) -> Predicted:
    """Return the answers, the oldest of them as the reference."""
    first = max(1, len(window) // _PARTS)
    frame = answers_of(window)
    classes = [str(name) for name in window.probabilities.columns]
    words = bool(classes) or version.task == "classification"
    told = [PREDICTION, *(f"probability of {name}" for name in _told(classes, None))]
    parts = [summed_frame(part[told]) for part in (frame.iloc[:first], frame.iloc[first:])]
    found = [{name: part.column(name) for name in told} for part in parts]
    if words:
        for each in found:
            each[PREDICTION] = as_words(each[PREDICTION])
    return Predicted(found[0], found[1], f"its first {first:,} answers", words, first)


def _held_out(repo: Repository, version: Version) -> tuple[Answers, str] | None:
    """Return a version's answers for held-out data, and where they are from."""
    from mlops_cli.monitor.performance import reference

    past = reference.find(repo, models.model(repo, version.model), version, None)
    if past is None or past.answers is None or not past.answers.rows:
        return None
    if own.of_newest(version, past.evaluation):
        return None
    return past.answers, f"its {past.answers.rows:,} answers for {past.evaluation.data.path}"


def untold(repo: Repository, version: Version) -> Iterator[str]:
    """Yield why answers are not looked at, where an evaluation is there and says too little."""
    from mlops_cli.monitor.performance import reference

    past = reference.find(repo, models.model(repo, version.model), version, None)
    if past is not None and own.of_newest(version, past.evaluation):
        yield (
            "answers are not compared: held-out ones are of the newest rows of a retraining alone;"
            f" mlo evaluate {version.model}@v{version.number} makes others"
        )


def _numbers(values: NDArray[np.float64]) -> Distribution:
    import numpy as np

    return numbers.summed("number", len(values), np.array(values, dtype=np.float64))


def _word(label: Any) -> str:
    """Return a label as text; 1 and 1.0 are one label."""
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)
