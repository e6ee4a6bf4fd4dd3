"""What was gathered of a version, in windows, and what metrics can be said of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_cli.core.config_performance import PerformanceSettings
from mlops_cli.monitor.performance import gather, reference, windows
from mlops_cli.monitor.performance.blocks import Block
from mlops_cli.monitor.performance.estimator import Estimator
from mlops_cli.monitor.performance.gather import Gathered
from mlops_cli.monitor.performance.measure import Measures
from mlops_cli.monitor.performance.reference import Past
from mlops_cli.monitor.performance.windows import Cut
from mlops_cli.registry.evaluation.answers import Answers, Label, part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Look:
    """Predictions of a version in windows.

    Attributes:
        past: what they are compared with.
        known, answers: the labelled ones. Of a model with two labels those with a third are left
            out: `strange` says how many.
        width: how wide windows are.
        cuts: the windows, oldest first; `left` says how many older ones are left out.
        estimator: says how well those without labels are answered.
    """

    past: Past | None
    found: Gathered
    settings: PerformanceSettings
    known: Block
    answers: Answers
    strange: int
    width: str
    cuts: tuple[Cut, ...]
    left: int
    estimator: Estimator

    @property
    def before(self) -> Measures:
        """The metrics of the reference; none without one."""
        return {} if self.past is None else self.past.measures

    def id(self, row: int) -> str:
        """Return the id of a labelled prediction."""
        segment = self.found.segments[self.known.segments[row]]
        return f"{segment}-{self.known.numbers[row]}"

    def rows(self, some: Sequence[Cut]) -> int:
        """Return how many predictions windows have."""
        scale = self.found.rows / max(len(self.found.asked), 1)
        return round((some[-1].end - some[0].first) * scale) if some else 0

    def labelled(self, some: Sequence[Cut]) -> int:
        """Return how many labels windows have."""
        scale = self.found.labelled / max(len(self.found.known), 1)
        return round((some[-1].known_end - some[0].known_first) * scale) if some else 0

    def by_labels(self, some: Sequence[Cut]) -> Measures:
        """Return metrics of windows in a row by labels; none where these are too few."""
        first, end = (some[0].known_first, some[-1].known_end) if some else (0, 0)
        if end - first < self.settings.min_labels:
            return {}
        return reference.of(within(self.answers, first, end))

    def estimated(self, some: Sequence[Cut]) -> Measures:
        """Return metrics of windows in a row without labels; none where that cannot be said."""
        if self.estimator.of is None or not some:
            return {}
        first, end = some[0].first, some[-1].end
        return self.estimator.of(first, end) if end - first >= self.settings.min_labels else {}


def look(
    past: Past | None,
    found: Gathered,
    settings: PerformanceSettings,
    window: str | None,
    estimator: Estimator,
) -> Look:
    """Return what was gathered in windows as `window` says, see `windows.cut`.

    Raises:
        RequestError: `window` cannot be read.
    """
    labels, positive = _labels(past, found)
    good = _usable(found.known, labels, found.labels)
    known = found.known if good.all() else found.known.take(good)
    name, left = window or "", 0
    cuts: list[Cut] = []
    if len(found.asked):
        stands_for = found.rows / len(found.asked)
        name, cuts, left = windows.cut(found.asked, known, window, stands_for=stands_for)
    return Look(
        past=past,
        found=found,
        settings=settings,
        known=known,
        answers=gather.answers(known, labels, positive),
        strange=int((~good).sum()),
        width=name,
        cuts=tuple(cuts),
        left=left,
        estimator=estimator,
    )


def _labels(past: Past | None, found: Gathered) -> tuple[tuple[Label, ...], Label | None]:
    """Return the labels that count, and the favourable one."""
    if past is None:
        return found.labels, None
    held = past.evaluation
    two = held.labels is not None and len(held.labels) == 2
    return (held.labels or ()) if two else found.labels, held.positive


def _usable(block: Block, labels: Sequence[Label], every: Sequence[Label]) -> NDArray[np.bool_]:
    import numpy as np

    if len(labels) == len(every) or block.truth is None:
        return np.ones(len(block), dtype=np.bool_)
    there: NDArray[np.bool_] = (block.truth < len(labels)) & (block.predicted < len(labels))
    return there


def within(answers: Answers, first: int, end: int) -> Answers:
    """Return the answers of rows in a row."""
    import numpy as np

    rows = np.zeros(answers.rows, dtype=np.bool_)
    rows[first:end] = True
    return part(answers, rows)
