"""Whether what a model is asked is still like what it was trained on: what commands and rules ask.

`sides` says what is compared, `drift` and `over_windows` what that means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_cli.core.config import DriftSettings
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.records import dataclass, replace
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError, RequestError
from mlops_cli.monitor import drift, sides
from mlops_cli.monitor.distribution import Table
from mlops_cli.monitor.drift import DriftReport
from mlops_cli.monitor.given import Side as Side
from mlops_cli.monitor.numeric import Asked
from mlops_cli.monitor.sides import Sides
from mlops_cli.monitor.span import Span as Span
from mlops_cli.monitor.span import moment as moment
from mlops_cli.monitor.tested import counted, percent
from mlops_cli.monitor.verdicts import WORST_FIRST, Verdict

if TYPE_CHECKING:
    from mlops_cli.monitor.course import Course
    from mlops_cli.monitor.multivariate.check import MultivariateReport
    from mlops_cli.monitor.predicted import Predicted
    from mlops_cli.monitor.segments import SegmentsReport


@dataclass(frozen=True, slots=True)
class Answered:
    """Which columns of a report are the model's answers, and what those are held against."""

    columns: tuple[str, ...]
    against: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What was compared, and what is to be said of it; model and version if one was asked for.

    Attributes:
        verdict: and `reason`: over windows where these were asked for, else of the whole; or the
            worst of that, of segments and of the columns together.
        report: of all that was compared as one.
        answered: of the model's answers, where they are in the report.
        windows: over windows, if asked for; `segments` and `together`, of all columns at once,
            likewise.
        importance: where the importance of the columns is from, in words; "" if not known.
        notes: what else there is to know of the predictions.
    """

    model: str | None
    version: int | None
    reference: Side
    current: Side
    span: Span
    verdict: Verdict
    reason: str
    report: DriftReport
    answered: Answered | None = None
    windows: Course | None = None
    segments: SegmentsReport | None = None
    together: MultivariateReport | None = None
    importance: str = ""
    notes: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing that was asked about is known to have changed or defies comparison."""
        return self.verdict not in ("drift", "not comparable")


def check(
    repo: Repository | None,
    model: str | None = None,
    *,
    reference: str | None = None,
    current: str | None = None,
    span: Span | None = None,
    start: Path | None = None,
    window: str | None = None,
    time: str | None = None,
    segment: str | None = None,
    predictions: bool | None = None,
    multivariate: bool = False,
    importance: bool = False,
    asked: Asked | None = None,
    approx: bool = False,
    engine: str | None = None,
    progress: Progress = SILENT,
) -> Checked:
    """Return whether what a model is asked has drifted from what it was trained on.

    Args:
        repo: where; None for two files of the work tree, which need none.
        model: a model's name, or a version of it. A bare name means the version that answered
            last. None when only one model has answered, or when both tables are given.
        reference: a table to use in place of the training data, `PATH` or `PATH@REV`.
        current: a table to use in place of the prediction log.
        span: which predictions count; all by default.
        start: the folder that paths start from; the project's root by default.
        window: how wide windows are, `1d` or so many rows; none are looked at by default.
        time: the column of a table that says when a row was.
        segment: the column whose values are looked at apart.
        predictions: whether the model's answers are looked at too; by default where there are
            answers for held-out data to hold them against.
        multivariate: whether to look at the columns together too, which takes seconds.
        importance: whether to find out what the model makes of its columns if that is not known.
        asked: what more is to be told of each column.
        approx: whether tables may be estimated, in far less memory.
        engine: where versions of tables are summed, and so estimated; here by default.
        progress: told how far a look at the columns together is.

    Raises:
        RequestError: it is not clear what to compare, a table cannot be read, or they have no
            column in common.
        MissingObject, IntegrityError: as of the object store and the prediction log; or so much of
            the log is damaged that the rest is too little to judge by.
    """
    if window is not None and segment is not None:
        raise RequestError(
            "windows and segments are looked at one at a time",
            hint="leave out either --window or --segment",
        )
    if time is not None and window is None:
        raise RequestError(
            f"'{time}' would say when rows were, and no windows are looked at",
            hint=f"mlo drift REFERENCE CURRENT --window 1d --time {time}",
        )
    if repo is None:
        assert reference is not None
        assert current is not None
        both = sides.files(reference, current, start or Path.cwd(), approx=approx)
    else:
        both = sides.choose(
            repo,
            model,
            reference=reference,
            current=current,
            span=span or Span(),
            start=start or repo.root,
            approx=approx,
            engine=engine,
        )
    answers = _answers(repo, both, asked=predictions)
    weights, origin = _importance(repo, both, compute=importance)
    settings = DriftSettings() if repo is None else repo.settings.drift
    tables = both.reference.table, both.current.table
    before: Table = tables[0]
    now: Table = tables[1]
    if answers is not None:
        from mlops_cli.monitor.predicted import Beside

        before, now = Beside(before, answers.reference), Beside(now, answers.current)
    _refuse_damaged(both, settings)
    report = drift.compare(before, now, settings, importance=weights, asked=asked)
    estimated = max(one.error for one in tables) if approx or engine is not None else 0.0
    found = Checked(
        model=both.version.model if both.version else None,
        version=both.version.number if both.version else None,
        reference=both.reference.side,
        current=both.current.side,
        span=span or Span(),
        verdict=report.verdict,
        reason=report.reason,
        report=report,
        answered=_named(both, answers),
        importance=origin,
        notes=(
            *both.notes,
            *_untold(repo, both, answers, asked=predictions),
            *_estimated(estimated),
        ),
    )
    if window is not None:
        from mlops_cli.monitor import course

        over = course.compare(both, answers, window, settings, time=time, importance=weights)
        whole, found = over.report, replace(found, windows=over)
        if (found.verdict, whole.verdict) != ("not comparable", "too few rows"):
            found = replace(found, verdict=whole.verdict, reason=whole.reason)
    if segment is not None:
        from mlops_cli.monitor import segments

        if both.log is not None and segment in both.log.hidden:
            raise RequestError(
                f"the log does not have the values of '{segment}'",
                hint="name a column that serving.log neither redacts nor hashes",
            )
        parts = segments.compare(
            both.reference, both.current, segment, settings, importance=weights, asked=asked
        )
        found = _worse(replace(found, segments=parts), parts)
    if multivariate:
        together = _together(both, report, progress)
        found = _worse(replace(found, together=together), together)
    return found


def _refuse_damaged(both: Sides, settings: DriftSettings) -> None:
    """Refuse to judge by a log of which damage left too little: that is no quiet hour."""
    if both.log is None or not both.log.tally.blocks:
        return
    rows = both.current.whole.rows
    if rows < settings.min_rows:
        raise IntegrityError(
            f"{counted(rows, 'prediction')} can be read, {settings.min_rows} are needed:"
            f" {both.log.tally}",
            hint="mlo fsck tells what is damaged; a time without it: --since TIME --until TIME",
        )


def _estimated(error: float) -> Iterator[str]:
    """Yield by how much shares of rows may be off, if at all."""
    if error:
        yield f"estimated: shares of the rows are off by {percent(error)} at most, 99 times of 100"


def _together(both: Sides, report: DriftReport, progress: Progress) -> MultivariateReport:
    """Return whether the columns, together, are distributed as they were.

    Moments, names and keys are left out: they tell any two tables apart. So is text of which one
    side is known in sum only.
    """
    from mlops_cli.monitor.columns import too_few_rows
    from mlops_cli.monitor.multivariate.check import MultivariateReport
    from mlops_cli.monitor.multivariate.check import check as look

    rows = report.reference_rows, report.current_rows
    too_few = too_few_rows(*rows, report.settings.min_rows)
    if too_few:
        return MultivariateReport("too few rows", too_few, *rows)
    told = [one.name for one in report.columns if one.kind in _TOGETHER]
    frames = []
    for side in (both.reference, both.current):
        frame = side.compared(side.rows("columns that are looked at together").frame)
        frames.append(frame[[name for name in told if name in frame.columns]])
    found = look(frames[0], frames[1], report.settings, progress=progress)
    out = {one.name: _APART.get(one.kind, "not a column of both") for one in report.columns}
    left = {name: why for name, why in out.items() if name not in told}
    return replace(found, left_out={**left, **(found.left_out or {})})


_TOGETHER = ("number", "boolean", "category", "text")
_APART = {"datetime": "dates", "id": "names or keys", "empty": "no value"}


def _answers(repo: Repository | None, both: Sides, *, asked: bool | None) -> Predicted | None:
    """Return the model's answers, where they are to be looked at."""
    if asked is False:
        return None
    if repo is None or both.version is None or both.log is None:
        if asked:
            raise RequestError(
                "predictions are those in the prediction log, and a table was named",
                hint="leave out --current, or --predictions",
            )
        return None
    from mlops_cli.monitor import predicted

    return predicted.of_log(repo, both.version, both.log, asked=bool(asked))


def _untold(
    repo: Repository | None, both: Sides, answers: Predicted | None, *, asked: bool | None
) -> Iterator[str]:
    """Yield why answers that could be looked at are not."""
    if repo is None or both.version is None or both.log is None or asked is False:
        return
    if answers is None and both.log.answers.rows:
        from mlops_cli.monitor import predicted

        yield from predicted.untold(repo, both.version)


def _named(both: Sides, answers: Predicted | None) -> Answered | None:
    if answers is None:
        return None
    from mlops_cli.monitor.predicted import free

    taken = set(both.reference.columns)
    return Answered(tuple(free(n, taken) for n in answers.reference), answers.against)


def _importance(
    repo: Repository | None, both: Sides, *, compute: bool
) -> tuple[Mapping[str, float] | None, str]:
    """Return what the model makes of its columns, and where that is from."""
    if repo is None or both.version is None:
        if compute:
            raise RequestError(
                "importance is that of a model's columns, and no model is looked at",
                hint="mlo drift MODEL --current PATH --importance",
            )
        return None, ""
    from mlops_cli.registry.explaining import kept as importances

    found = importances.known(repo, both.version)
    if found is None and compute:
        found = importances.compute(repo, both.version)
    return (None, "") if found is None else (found.columns, found.of)


def _worse(found: Checked, parts: SegmentsReport | MultivariateReport) -> Checked:
    """Return what was found with the verdict on parts of it, where that is worse."""
    if WORST_FIRST.index(parts.verdict) < WORST_FIRST.index(found.verdict):
        return replace(found, verdict=parts.verdict, reason=parts.reason)
    return found
