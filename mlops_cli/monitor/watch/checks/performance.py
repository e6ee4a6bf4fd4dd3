"""Whether a model still performs, by labels or as estimated; and whether its errors have risen."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from math import isfinite

from mlops_cli.core.config_monitor import ConceptRule, PerformanceRule
from mlops_cli.data.predictions import counted
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.errors import RequestError
from mlops_cli.monitor.performance.check import check as look
from mlops_cli.monitor.performance.report import Alarm, Part, PerformanceReport, Reading
from mlops_cli.monitor.watch.alerts import Finding, Sample, Verdict
from mlops_cli.monitor.watch.checks import about
from mlops_cli.monitor.watch.rules import Asked
from mlops_cli.monitor.watch.standing import when
from mlops_cli.registry.models import Version

_US = 1_000_000
_TOLD = 10
_OVERDUE = 0.9
"""Labels should have come when the first prediction is as old as so much of the window."""


def check(asked: Asked) -> Finding:
    """Return whether a metric keeps within its bounds, or has not dropped; see `Checker`."""
    rule = asked.rule.check
    if not isinstance(rule, PerformanceRule):
        raise about.unexpected(rule)
    version = about.version(asked)
    estimate = rule.labels != "realized"
    report = _report(asked, version, rule.window_s, estimate=estimate)
    if report is None:
        return _nothing(version, f"no predictions in {about.ago(rule.window_s)}")
    if not report.labelled and _may_come(asked, report, rule.window_s) and not _estimated(report):
        return _nothing(version, f"none of {report.predictions:,} predictions has a label yet")
    verdict, reason, value, limit = _judged(report, rule)
    return Finding(
        verdict,
        reason,
        value,
        limit,
        version=version.number,
        version_id=version.id,
        facts={"predictions": report.predictions, "labelled": report.labelled},
        samples=samples(version, report),
        notes=report.notes,
    )


def concept(asked: Asked) -> Finding:
    """Return whether detectors say that a version's errors have risen; see `Checker`."""
    rule = asked.rule.check
    if not isinstance(rule, ConceptRule):
        raise about.unexpected(rule)
    version = about.version(asked)
    report = _report(asked, version, rule.window_s, estimate=False)
    if report is None:
        return _nothing(version, f"no predictions in {about.ago(rule.window_s)}")
    if not report.labelled and _may_come(asked, report, rule.window_s):
        return _nothing(version, f"none of {report.predictions:,} predictions has a label yet")
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
    asked: Asked, version: Version, window_s: float, *, estimate: bool
) -> PerformanceReport | None:
    """Return how a version performs, None where it was asked nothing."""
    start = asked.now - timedelta(seconds=window_s)
    moments = (round(start.timestamp() * _US), round(asked.now.timestamp() * _US))
    if not counted.within(asked.repo, version.model, [moments], Tally())[0]:
        return None
    span = about.span(asked, window_s)
    return look(asked.repo, about.reference(version), span=span, estimate=estimate)


def _nothing(version: Version, said: str) -> Finding:
    return Finding("no verdict", said, version=version.number, version_id=version.id)


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
        raise RequestError(
            f"there is no metric '{rule.metric}' of {report.model}",
            hint="there are " + ", ".join(dict.fromkeys(known)),
        )
    if not report.labelled:
        raise _no_labels(report)
    return "", None


def _readings(report: PerformanceReport, rule: PerformanceRule) -> Iterator[Reading]:
    whole = report.whole or Part("", "", 0, 0)
    for kind, readings in (("realized", whole.realized), ("estimated", whole.estimated)):
        if rule.labels in (kind, "either"):
            yield from readings


def _must_be_numbers(readings: Iterable[Reading], report: PerformanceReport) -> None:
    """Refuse to judge by what is no finite number, or whose interval is none."""
    for one in readings:
        for number in (one.value, one.low, one.high):
            if number is not None and not isfinite(number):
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
