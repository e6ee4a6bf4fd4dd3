"""What is found of a model's performance on live data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlops_cli.registry.evaluation.record import Bin

Verdict = Literal["dropped", "ok", "unknown"]
Basis = Literal["labels", "estimate"]


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric of some rows, beside what it is of the reference.

    Attributes:
        low, high: ends of the 95 % interval. Of an estimate, where the metric of so many rows
            would lie if it is right.
        before: of the reference; None where that is not known.
        drop: by how much it is worse than there, in its unit; negative where it is better.
        q: how sure that is, corrected for all tests of the report; None where it was not tested.
        dropped: whether it is worse by more than chance, and by enough to matter.
    """

    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    before: float | None = None
    drop: float | None = None
    q: float | None = None
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Some predictions in a row: a window, or all since a moment.

    Attributes:
        start, end: the moments of the first and the last prediction, ISO 8601.
        rows: how many predictions; `labelled` of how many the truth is known. Both are scaled
            up where some stand for all.
        realized: metrics by labels; none where these are too few.
        estimated: metrics without labels; none where they cannot be estimated.
    """

    start: str
    end: str
    rows: int
    labelled: int
    realized: tuple[Reading, ...] = ()
    estimated: tuple[Reading, ...] = ()

    @property
    def dropped(self) -> bool:
        """Whether some metric has dropped: by labels, or where there are none, as estimated."""
        return any(one.dropped for one in self.realized or self.estimated)


@dataclass(frozen=True, slots=True)
class Segment:
    """The labelled rows where a column has a value; `before` of a reading is of such rows too."""

    column: str
    value: str
    labelled: int
    realized: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """How differently the groups of a column fare in a window, by one of fairlearn's metrics.

    Attributes:
        start, end: of the window.
        groups: how many have rows in it.
        before: the gap of the reference; None where it was not evaluated by this column.
        q: how sure it is that the gap has grown; None where it was not tested.
        grown: whether it has, by more than chance and by enough to matter.
    """

    column: str
    metric: str
    start: str
    end: str
    groups: int
    value: float | None
    low: float | None = None
    high: float | None = None
    before: float | None = None
    q: float | None = None
    grown: bool = False


@dataclass(frozen=True, slots=True)
class Alarm:
    """A detector of concept drift that found the mean error changed.

    `before` and `after` are the mean errors on either side: shares of wrong answers, or of a
    regression mean absolute errors.
    """

    detector: Literal["ADWIN", "Page-Hinkley", "DDM"]
    time: str
    prediction: str
    direction: Literal["rise", "fall"]
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Reference:
    """What performance is compared with: an evaluation of the version on held-out rows."""

    evaluation: str
    path: str
    time: str
    rows: int


@dataclass(frozen=True, slots=True)
class LabelDelay:
    """How labels come: `newest` is when the newest prediction that has one was made.

    `delay_s` is how long after its prediction a label comes, the median; both are None without.
    """

    newest: str | None
    told: str | None
    delay_s: float | None


@dataclass(frozen=True, slots=True)
class Grounds:
    """What the estimate of the newest predictions goes by.

    Attributes:
        by: the reference, or newer labels, where the reference does not hold for these.
        rows: from how many rows of that it was learned.
        labels: how many newer labels the reference was held against, or that it was learned from.
        checked: the same, 0 where they are too few to tell.
        since, until: when the first and the last prediction of these labels was made.
        ahead: how many predictions were made since; a change that came with them is not seen.
    """

    by: Literal["reference", "labels"]
    rows: int
    labels: int
    checked: int
    since: str | None
    until: str | None
    ahead: int


@dataclass(frozen=True, slots=True)
class PerformanceReport:
    """What is to be said of a version's performance.

    Attributes:
        predictions: how many there are in the span; `labelled` of how many the truth is known.
        window: how windows were cut: `1d`, or so many predictions.
        metrics: those that decide.
        windows: oldest first.
        whole: all predictions of the span.
        since: the newest predictions that have dropped together; None when none have.
        calibration: labelled rows by probability, and `calibration_error`, how far these are off
            on average; the reference's is `calibration_error_before`.
        alarms: oldest first.
        concept: the alarm by which a second detector says that the error rose, unless it fell
            since.
        basis: what the verdict is by; None when it is unknown.
        grounds: what estimates go by; None where nothing is estimated.
        hint: what to type where something cannot be told.
    """

    model: str
    version: int
    task: Literal["classification", "regression"]
    predictions: int
    labelled: int
    delay: LabelDelay
    reference: Reference | None
    window: str
    metrics: tuple[str, ...]
    windows: tuple[Part, ...]
    whole: Part | None
    since: Part | None
    segments: tuple[Segment, ...]
    gaps: tuple[Gap, ...]
    calibration: tuple[Bin, ...]
    calibration_error: float | None
    calibration_error_before: float | None
    alarms: tuple[Alarm, ...]
    concept: Alarm | None
    verdict: Verdict
    basis: Basis | None
    reason: str
    hint: str = ""
    notes: tuple[str, ...] = ()
    grounds: Grounds | None = None

    @property
    def holds(self) -> bool:
        """Whether performance has not dropped, as far as is known."""
        return self.verdict != "dropped"
