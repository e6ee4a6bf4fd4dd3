"""Whether a model still performs as it did on held-out data: what commands and rules ask."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_cli.core.clock import moment
from mlops_cli.core.config_performance import PerformanceSettings
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.monitor.live import Span
from mlops_cli.monitor.performance import (
    estimates,
    gather,
    groups,
    judge,
    look,
    reference,
    stream,
    which,
    words,
)
from mlops_cli.monitor.performance.blocks import Block
from mlops_cli.monitor.performance.estimator import Estimator
from mlops_cli.monitor.performance.judge import Judged
from mlops_cli.monitor.performance.look import Look
from mlops_cli.monitor.performance.report import Gap, LabelDelay, PerformanceReport, Segment
from mlops_cli.registry import models
from mlops_cli.registry.evaluation import bootstrap
from mlops_cli.registry.evaluation.answers import Answers, Labelled
from mlops_cli.registry.evaluation.calibration import bins
from mlops_cli.registry.models import Version


def check(
    repo: Repository,
    model: str | None = None,
    *,
    span: Span | None = None,
    window: str | None = None,
    segment: str | None = None,
    sensitive: Sequence[str] = (),
    against: str | None = None,
    estimate: bool = True,
    realized: bool = True,
) -> PerformanceReport:
    """Return how a version performs on what it was asked, beside how it did on held-out data.

    Args:
        repo: where.
        model: a model's name, or a version of it. A bare name means the version that answered
            last. None when only one model has answered.
        span: which predictions count; all by default.
        window: `1d` or `6h`, or how many predictions; about ten windows by default.
        segment: a column of the requests; performance is told by its values too.
        sensitive: columns of the requests whose groups must be treated alike.
        against: the evaluation to compare with, by its table, `PATH` or `PATH@ID`, or by its own
            id; by default the first on the version's own test data.
        estimate: whether performance is estimated too, for what has no labels.
        realized: whether labels decide, where there are enough; else estimates do.

    Raises:
        RequestError: nothing says which model, or a window or column is none.
        MissingObject, IntegrityError: as of the object store and the prediction log.
    """
    settings = repo.settings.performance or PerformanceSettings()
    version = which.version(repo, model)
    past = reference.find(repo, models.model(repo, version.model), version, against)
    columns = tuple(dict.fromkeys([*([segment] if segment else []), *sensitive]))
    for one in columns:
        _check_column(version, one)
    labels = which.labels(repo, version, past)
    learns = labels is None and estimate and past is not None and past.evaluation.kept.inputs
    inputs = tuple(version.signature.names) if learns and version.signature else ()
    found = gather.gather(
        repo,
        version,
        span or Span(),
        labels=labels,
        columns=columns,
        inputs=inputs,
        learn=estimate and past is not None,
    )
    for one in columns:
        if one in found.hidden:
            raise RequestError(f"the prediction log does not have the values of '{one}'")
    estimator = _NO_ESTIMATES
    if estimate and len(found.asked):
        named = f"{version.model}@v{version.number}"
        estimator = estimates.estimator(repo, past, found, named)
    seen = look.look(past, found, settings, window, estimator)
    by_column = {one: groups.of_column(one, seen.known.columns[one]) for one in columns}
    parts = () if segment is None else groups.segments(repo, seen, by_column[segment])
    gaps = [gap for one in sensitive for gap in groups.gaps(seen, by_column[one])]
    few = [note for one in sensitive for note in groups.small(seen, by_column[one])]
    judged = judge.judge(seen, realized=realized)
    return _report(version, seen, judged, segments=parts, gaps=tuple(gaps), few=few)


def _report(
    version: Version,
    seen: Look,
    judged: Judged,
    *,
    segments: tuple[Segment, ...],
    gaps: tuple[Gap, ...],
    few: Sequence[str],
) -> PerformanceReport:
    whole = judge.parts(seen, [seen.cuts]) if seen.cuts else []
    labelled = seen.answers if isinstance(seen.answers, Labelled) else None
    past = None if seen.past is None else seen.past.answers
    alarms = stream.alarms(seen.answers, seen.known.times_us, seen.id, past)
    return PerformanceReport(
        model=version.model,
        version=version.number,
        task="classification" if labelled else "regression",
        predictions=seen.found.rows,
        labelled=seen.found.labelled,
        delay=_delay(seen.known),
        reference=None if seen.past is None else seen.past.named,
        window=seen.width,
        metrics=judge.metrics(seen),
        windows=tuple(judge.parts(seen, [[cut] for cut in seen.cuts])),
        whole=whole[0] if whole else None,
        since=judged.since,
        segments=segments,
        gaps=gaps,
        calibration=bins(labelled) if labelled and labelled.rows else (),
        calibration_error=_calibration_error(labelled),
        calibration_error_before=_calibration_error(past),
        alarms=alarms,
        concept=stream.agreed(alarms),
        verdict=judged.verdict,
        basis=judged.basis,
        reason=words.reason(version, seen, judged),
        hint=words.hint(version, seen, judged),
        notes=(*words.notes(seen, judged), *few),
        grounds=seen.estimator.grounds,
    )


def _calibration_error(answers: Answers | None) -> float | None:
    if not isinstance(answers, Labelled) or not answers.rows:
        return None
    found = bootstrap.value(answers, "calibration_error")
    return found if found == found else None


def _delay(known: Block) -> LabelDelay:
    import numpy as np

    if not len(known) or known.told_us is None:
        return LabelDelay(None, None, None)
    took = np.median(known.told_us - known.times_us) / 1e6
    newest, told = int(known.times_us[-1]), int(known.told_us.max())
    return LabelDelay(moment(newest * 1000), moment(told * 1000), max(float(took), 0.0))


_NO_ESTIMATES = Estimator(None, {}, {})


def _check_column(version: Version, name: str) -> None:
    known = version.signature.names if version.signature else (name,)
    if name not in known:
        raise RequestError(
            f"{version.model} v{version.number} is not given a column '{name}'",
            hint=f"it takes {', '.join(list(known)[:8])}",
        )
