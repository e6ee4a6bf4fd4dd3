"""Whether what a model is asked is still like what it was trained on."""

from mlops_cli.core.config_monitor import DriftRule
from mlops_cli.monitor import live
from mlops_cli.monitor.drift import DriftReport
from mlops_cli.monitor.verdicts import ColumnDrift
from mlops_cli.monitor.watch.alerts import Finding, Sample, Verdict
from mlops_cli.monitor.watch.checks import about
from mlops_cli.monitor.watch.rules import Asked
from mlops_cli.registry.models import Version

MOST = 200
"""Of more columns than that, Prometheus is shown those that differ most."""
_TOLD = 20
_UNSURE = ("too few rows", "not tested")


def check(asked: Asked) -> Finding:
    """Return whether the inputs of a version have drifted; see `Checker`."""
    rule = asked.rule.check
    if not isinstance(rule, DriftRule):
        raise about.unexpected(rule)
    version = about.version(asked)
    span = about.span(asked, rule.window_s, last=rule.last)
    found = live.check(
        asked.repo,
        about.reference(version),
        span=span,
        predictions=rule.predictions,
        segment=rule.segment,
        multivariate=rule.multivariate,
    )
    report = found.report
    drifted = [one for one in report.columns if one.verdict in ("drift", "not comparable")]
    verdict: Verdict = "broken"
    if found.holds:
        verdict = "no verdict" if found.verdict in _UNSURE else "holds"
    return Finding(
        verdict,
        found.reason,
        max((one.effect for one in drifted if one.effect is not None), default=None),
        report.settings.effect,
        version=version.number,
        version_id=version.id,
        facts={
            "rows": report.current_rows,
            "columns": [_column(one) for one in drifted[:_TOLD]],
            "drifted": len(drifted),
        },
        samples=samples(version, report),
        notes=found.notes,
    )


def samples(version: Version, report: DriftReport) -> tuple[Sample, ...]:
    """Return what Prometheus is shown of a report: effects in 0..1, and whether it is drift."""
    labels = {"model": version.model, "version": str(version.number)}
    measured = [one for one in report.columns if one.effect is not None]
    measured.sort(key=lambda one: one.effect or 0.0, reverse=True)
    features = [
        Sample("model_feature_drift", {**labels, "feature": one.name}, float(one.effect or 0.0))
        for one in measured[:MOST]
    ]
    drifted = sum(one.verdict == "drift" for one in report.columns)
    return (
        Sample("model_drift", labels, 0.0 if report.holds else 1.0),
        Sample("model_drifted_features", labels, float(drifted)),
        Sample("model_drift_rows", labels, float(report.current_rows)),
        *features,
    )


def _column(one: ColumnDrift) -> dict[str, object]:
    why = {"change": one.change} if one.change else {"reason": one.reason}
    held = {"name": one.name, "verdict": one.verdict, "effect": one.effect, "q": one.q, **why}
    return {key: value for key, value in held.items() if value is not None}
