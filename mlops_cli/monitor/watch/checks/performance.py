"""Whether a model still performs, by labels or as estimated; and whether its errors have risen."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from mlops_cli.core.config_monitor import ConceptRule, PerformanceRule
from mlops_cli.core.records import replace
from mlops_cli.data import prediction_log
from mlops_cli.data.predictions import counted
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.errors import RequestError
from mlops_cli.monitor.performance.check import check as look
from mlops_cli.monitor.performance.report import Alarm, Part, PerformanceReport, Reading
from mlops_cli.monitor.report.grounds import grounds
from mlops_cli.monitor.watch.alerts import Finding, Sample, Verdict
from mlops_cli.monitor.watch.checks import about
from mlops_cli.monitor.watch.rules import Asked
from mlops_cli.monitor.watch.standing import stamp, when
from mlops_cli.registry.models import Version

_US = 1_000_000
_METRICS = {
    "classification": ("accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier"),
    "regression": ("mae", "rmse", "bias", "r2"),
}
"""What performance is measured by, by what a model is for."""
_TOLD = 10
_HUGE = 1e100
"""No number that a model predicts is so large: a label or an answer is wrong."""
_DAY_S = 86400.0
_LOOKED_BACK = 10
"""So many windows back, or a day, labels are looked for that should have come."""
_OVERDUE = 0.9
"""Labels should have come when the first prediction is as old as so much of the window."""


def check(asked: Asked) -> Finding:
    """Return whether a metric keeps within its bounds, or has not dropped; see `Checker`."""
    rule = asked.rule.check
    if not isinstance(rule, PerformanceRule):
        raise about.unexpected(rule)
    version = about.version(asked)
    _must_have(rule.metric, version)
    estimate = rule.labels != "realized"
    tally = Tally()
    realized = rule.labels != "estimated"
    report = _report(asked, version, rule.window_s, tally, estimate=estimate, realized=realized)
    if report is None:
        if rule.labels == "realized":
            _must_not_be_overdue(asked, version, rule.window_s)
        return _nothing(version, f"no predictions in {about.ago(rule.window_s)}", tally)
    if not report.labelled and _may_come(asked, report, rule.window_s) and not _estimated(report):
        return _no_labels_yet(asked, version, report, rule.window_s)
    verdict, reason, value, limit = _judged(report, rule)
    return Finding(
        verdict,
        reason,
        value,
        limit,
        version=version.number,
        version_id=version.id,
        facts=_facts(report),
        samples=samples(version, report),
        notes=(*report.notes, *grounds(report)),
    )


def concept(asked: Asked) -> Finding:
    """Return whether detectors say that a version's errors have risen; see `Checker`."""
    rule = asked.rule.check
    if not isinstance(rule, ConceptRule):
        raise about.unexpected(rule)
    version = about.version(asked)
    tally = Tally()
    report = _report(asked, version, rule.window_s, tally, estimate=False)
    if report is None:
        _must_not_be_overdue(asked, version, rule.window_s)
        return _nothing(version, f"no predictions in {about.ago(rule.window_s)}", tally)
    if not report.labelled and _may_come(asked, report, rule.window_s):
        return _no_labels_yet(asked, version, report, rule.window_s)
    if not report.labelled:
        raise _no_labels(report)
    risen = [one for one in report.alarms if one.direction == "rise"]
    last = report.concept
    reason = f"no two detectors say that its errors rose, on {report.labelled:,} labels"
    if last is not None:
        reason = (
            f"{', '.join(dict.fromkeys(one.detector for one in risen))}: its errors rose from"
            f" {last.before:.3g} to {last.after:.3g} at {last.time[:16].replace('T', ' ')}"
        )
    return Finding(
        "holds" if last is None else "broken",
        reason,
        None if last is None else last.after,
        None if last is None else last.before,
        version=version.number,
        version_id=version.id,
        facts={"labelled": report.labelled, "alarms": [_alarm(one) for one in risen[-_TOLD:]]},
        samples=samples(version, report),
        notes=report.notes,
    )


def _facts(report: PerformanceReport) -> dict[str, object]:
    """Return what is recorded of a finding, and of what an estimate goes by."""
    found: dict[str, object] = {"predictions": report.predictions, "labelled": report.labelled}
    if report.grounds is not None:
        found["estimated_by"] = report.grounds.by
        found["estimated_by_rows"] = report.grounds.rows
    return found


def samples(version: Version, report: PerformanceReport) -> tuple[Sample, ...]:
    """Return what Prometheus is shown of a report."""
    labels = {"model": version.model, "version": str(version.number)}
    found = [
        Sample("model_predictions", labels, float(report.predictions)),
        Sample("model_labels", labels, float(report.labelled)),
    ]
    whole = report.whole
    for kind, readings in (
        () if whole is None else (("realized", whole.realized), ("estimated", whole.estimated))
    ):
        found += [
            Sample("model_performance", {**labels, "metric": one.metric, "kind": kind}, one.value)
            for one in readings
            if one.value is not None
        ]
    return tuple(found)


def _report(
    asked: Asked,
    version: Version,
    window_s: float,
    tally: Tally,
    *,
    estimate: bool,
    realized: bool = True,
) -> PerformanceReport | None:
    """Return how a version performs, None where it was asked nothing."""
    start = asked.now - timedelta(seconds=window_s)
    moments = (round(start.timestamp() * _US), round(asked.now.timestamp() * _US))
    if not counted.within(asked.repo, version.model, [moments], tally)[0]:
        return None
    span = about.span(asked, window_s)
    named = about.reference(version)
    return look(asked.repo, named, span=span, estimate=estimate, realized=realized)


def _must_have(metric: str | None, version: Version) -> None:
    """Refuse a metric that such a model has not, before it is asked anything."""
    known = _METRICS.get(version.task, ())
    if metric is not None and known and metric not in known:
        raise _no_metric(metric, version.model, known)


def _no_metric(metric: str, model: str, known: Iterable[str]) -> RequestError:
    return RequestError(f"there is no metric '{metric}' of {model}; there are {', '.join(known)}")


def _nothing(version: Version, said: str, tally: Tally) -> Finding:
    notes = about.told(tally)
    return Finding("no verdict", said, version=version.number, version_id=version.id, notes=notes)


def _no_labels_yet(
    asked: Asked, version: Version, report: PerformanceReport, window_s: float
) -> Finding:
    _must_not_be_overdue(asked, version, window_s)
    said = f"none of {report.predictions:,} predictions has a label yet"
    found = Finding("no verdict", said, version=version.number, version_id=version.id)
    return replace(found, notes=report.notes)


def _must_not_be_overdue(asked: Asked, version: Version, window_s: float) -> None:
    """Refuse to wait for labels where none came of any prediction from before the window."""
    since = asked.now - timedelta(seconds=max(_LOOKED_BACK * window_s, _DAY_S))
    until = asked.now - timedelta(seconds=_OVERDUE * window_s)
    rows = 0
    for part in prediction_log.batches(
        asked.repo,
        version.model,
        version_ids={version.id, *version.formerly},
        since=stamp(since),
        until=stamp(until),
        labelled=True,
    ):
        rows += len(part)
        gaps = None if part.labels is None else part.labels.gaps
        if part.labels is not None and (gaps is None or not gaps.all()):
            return
    if rows:
        raise RequestError(
            f"none of {rows:,} predictions has a label, the newest of which is"
            f" {about.ago(_OVERDUE * window_s)} old or more",
            hint=f"mlo feedback {version.model} FILE",
        )


def _may_come(asked: Asked, report: PerformanceReport, window_s: float) -> bool:
    """Return whether labels are not overdue: the version has not answered for a window yet."""
    if report.whole is None:
        return True
    waited = (asked.now - when(report.whole.start)).total_seconds()
    return waited < _OVERDUE * window_s


def _estimated(report: PerformanceReport) -> bool:
    return report.whole is not None and bool(report.whole.estimated)


def _judged(
    report: PerformanceReport, rule: PerformanceRule
) -> tuple[Verdict, str, float | None, float | None]:
    """Return verdict, reason, value and bound.

    Raises:
        RequestError: it cannot be told: there are no labels, or no such metric.
    """
    if rule.metric is None:
        if report.verdict == "unknown" and not report.labelled:
            raise _no_labels(report)
        if report.verdict != "dropped":
            _must_be_numbers(_readings(report, rule), report)
        verdicts: dict[str, Verdict] = {"dropped": "broken", "ok": "holds", "unknown": "no verdict"}
        return verdicts[report.verdict], report.reason, None, None
    kind, reading = _reading(report, rule)
    if reading is not None:
        told = [reading] if reading.value is not None else _readings(report, rule)
        _must_be_numbers(told, report)
    if reading is None or reading.value is None:
        return "no verdict", f"{report.labelled:,} labels, too few to tell", None, None
    bound = _crossed(reading, rule)
    said = f"{reading.metric} is {reading.value:.4g}{_interval(reading)}, {kind}"
    if bound is None:
        return "holds", said, reading.value, None
    below = rule.min is not None and bound == rule.min and reading.value < bound
    return (
        "broken",
        f"{said}: {'below' if below else 'above'} {bound:.4g}",
        reading.value,
        bound,
    )


def _reading(report: PerformanceReport, rule: PerformanceRule) -> tuple[str, Reading | None]:
    whole = report.whole or Part("", "", 0, 0)
    for kind, readings in (("realized", whole.realized), ("estimated", whole.estimated)):
        if rule.labels in (kind, "either"):
            for one in readings:
                if one.metric == rule.metric:
                    return kind, one
    known = [one.metric for one in (*whole.realized, *whole.estimated)]
    if known and rule.metric not in known:
        raise _no_metric(str(rule.metric), report.model, dict.fromkeys(known))
    if not report.labelled:
        raise _no_labels(report)
    return "", None


def _readings(report: PerformanceReport, rule: PerformanceRule) -> Iterator[Reading]:
    whole = report.whole or Part("", "", 0, 0)
    for kind, readings in (("realized", whole.realized), ("estimated", whole.estimated)):
        if rule.labels in (kind, "either"):
            yield from readings


def _must_be_numbers(readings: Iterable[Reading], report: PerformanceReport) -> None:
    """Refuse to judge by what is no number that can be, or whose interval is none."""
    for one in readings:
        for number in (one.value, one.low, one.high):
            if number is not None and not abs(number) < _HUGE:
                raise RequestError(
                    f"{one.metric} cannot be told, it is {one.value:.4g}{_interval(one)}:"
                    " a label or an answer is no number, or far beyond the others",
                    hint=f"mlo performance {report.model}",
                )


def _no_labels(report: PerformanceReport) -> RequestError:
    return RequestError(
        f"none of {report.predictions:,} predictions has a label, and nothing can be estimated",
        hint=report.hint or f"mlo feedback {report.model} FILE",
    )


def _crossed(reading: Reading, rule: PerformanceRule) -> float | None:
    """Return the bound that a metric is beyond by more than chance; None where it is within."""
    assert reading.value is not None
    best = reading.value if reading.high is None else reading.high
    least = reading.value if reading.low is None else reading.low
    if rule.min is not None and max(best, reading.value) < rule.min:
        return rule.min
    if rule.max is not None and min(least, reading.value) > rule.max:
        return rule.max
    return None


def _interval(reading: Reading) -> str:
    if reading.low is None or reading.high is None:
        return ""
    return f" ({reading.low:.4g} to {reading.high:.4g})"


def _alarm(one: Alarm) -> dict[str, object]:
    return {
        "detector": one.detector,
        "time": one.time,
        "prediction": one.prediction,
        "before": one.before,
        "after": one.after,
    }
