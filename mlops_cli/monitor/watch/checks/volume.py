"""Whether as many predictions are asked for as should be, or as usual."""

from collections.abc import Sequence
from datetime import timedelta
from statistics import median

from mlops_cli.core.config_monitor import VolumeRule
from mlops_cli.data.predictions import counted
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.monitor.watch.alerts import Finding, Sample
from mlops_cli.monitor.watch.checks import about
from mlops_cli.monitor.watch.rules import Asked

DAYS = 7
"""Usual is the median of so many days before, at the same time."""
ENOUGH = 3
"""With fewer of them in the log nobody knows what is usual."""
_DAY = timedelta(days=1)
_US = 1_000_000


def check(asked: Asked) -> Finding:
    """Return whether the number of predictions keeps within its bounds; see `Checker`.

    Of windows longer than a day, the ones before are one after the other.
    """
    rule = asked.rule.check
    if not isinstance(rule, VolumeRule):
        raise about.unexpected(rule)
    spans = _spans(asked, timedelta(seconds=rule.window_s))
    tally = Tally()
    counts = counted.within(asked.repo, asked.rule.model, spans, tally)
    known = counted.reach(asked.repo, asked.rule.model, Tally())
    before = [
        count
        for count, (first, _) in zip(counts[1:], spans[1:], strict=True)
        if known is not None and known[0] <= first
    ]
    usual = median(before) if len(before) >= ENOUGH else None
    found = _judged(asked, rule, counts[0], usual, len(before), about.told(tally))
    return about.naming(asked, rule.window_s, found)


def _spans(asked: Asked, window: timedelta) -> Sequence[tuple[int, int]]:
    step = max(window, _DAY)
    ends = [asked.now - step * days for days in range(DAYS + 1)]
    return [(round((end - window).timestamp() * _US), round(end.timestamp() * _US)) for end in ends]


def _judged(
    asked: Asked,
    rule: VolumeRule,
    count: int,
    usual: float | None,
    days: int,
    notes: tuple[str, ...],
) -> Finding:
    hours = rule.window_s / 3600
    rate = count / hours
    bounds = [] if rule.min is None else [("min", rule.min)]
    bounds += [] if rule.max is None else [("max", rule.max)]
    if usual is not None:
        bounds += [] if rule.drop is None else [("min", usual * (1 - rule.drop) / hours)]
        bounds += [] if rule.rise is None else [("max", usual * (1 + rule.rise) / hours)]
    broken = [
        (kind, bound) for kind, bound in bounds if (rate < bound if kind == "min" else rate > bound)
    ]
    said = f"{count:,} predictions in {about.ago(rule.window_s)}, {rate:.4g} an hour"
    if usual is not None:
        said += f", where {usual:,.6g} are usual"
    labels = {"model": asked.rule.model}
    samples = [Sample("model_predictions_per_hour", labels, rate)]
    facts = {"predictions": count, "usual": usual, "days": days}
    limit = None
    if broken:
        kind, limit = broken[0]
        said += f": {'fewer' if kind == 'min' else 'more'} than {limit:.4g} an hour"
    elif not bounds:
        said += f"; {days} of the {ENOUGH} days that tell what is usual are in the log"
    verdict = "broken" if broken else ("holds" if bounds else "no verdict")
    return Finding(verdict, said, rate, limit, facts=facts, samples=tuple(samples), notes=notes)  # type: ignore[arg-type]
