"""Gates on metrics: bounds, and comparisons with the version in a stage."""

import re
from collections.abc import Callable
from difflib import get_close_matches

from mlops_cli.core.config_gates import MetricGate
from mlops_cli.errors import MloError
from mlops_cli.registry.evaluation.record import Evaluation
from mlops_cli.registry.gates import evaluated
from mlops_cli.registry.gates.asked import Asked, GateResult, opponent
from mlops_cli.registry.models import Version

_ROUNDING = 1e-12
"""What a difference of two numbers may be off by, relative to them: 0.9 - 0.89 is not 0.01."""
_SMALLER_IS_BETTER = frozenset(
    ["loss", "error", "errors", "rmse", "mse", "mae", "mape", "ae", "brier", "perplexity", "wer"]
)


def check(asked: Asked, gate: MetricGate) -> list[GateResult]:
    """Return a result for each bound of a gate; a metric that is not there fails them all."""
    if gate.data is None and gate.slice is None and gate.better_than is None:
        return _of_run(asked, gate)
    try:
        return _of_evaluation(asked, gate)
    except MloError as error:
        name = evaluated.called(asked, gate.metric, gate.data, gate.slice)
        return _refused(name, gate, error.message, error.hint)


def smaller_is_better(metric: str) -> bool:
    """Return whether a metric is known by its name to be better when it is smaller.

    >>> smaller_is_better("val_loss"), smaller_is_better("rmse"), smaller_is_better("auc")
    (True, True, False)
    """
    return not _SMALLER_IS_BETTER.isdisjoint(re.split(r"[^a-z0-9]+", metric.lower()))


def _higher(gate: MetricGate) -> bool:
    if gate.higher_is_better is not None:
        return gate.higher_is_better
    return not smaller_is_better(gate.metric)


def _bounds(name: str, gate: MetricGate, value: float) -> list[GateResult]:
    results = []
    for sign, bound in evaluated.bounds(gate.min, gate.max):
        holds = value >= bound if sign == ">=" else value <= bound
        results.append(GateResult(f"{name} {sign} {bound:g}", holds, f"it is {value:.6g}"))
    return results


def _titles(name: str, gate: MetricGate) -> list[str]:
    """Return what each bound of a gate is called."""
    titles = [f"{name} {sign} {bound:g}" for sign, bound in evaluated.bounds(gate.min, gate.max)]
    if gate.not_worse_than is not None:
        titles.append(_not_worse(name, gate))
    if gate.better_than is not None:
        titles.append(f"{name} better than {gate.better_than}")
    return titles


def _refused(name: str, gate: MetricGate, why: str, hint: str | None) -> list[GateResult]:
    """Return a refusal for each bound of a gate that cannot be computed."""
    return [GateResult(one, passed=False, why=why, hint=hint) for one in _titles(name, gate)]


def _not_worse(name: str, gate: MetricGate) -> str:
    more = f" by more than {gate.tolerance:g}" if gate.tolerance else ""
    return f"{name} not worse than {gate.not_worse_than}{more}"


def _of_run(asked: Asked, gate: MetricGate) -> list[GateResult]:
    value = _number(asked.version, gate.metric)
    if value is None:
        why = _unknown(asked.version, gate.metric)
        return _refused(gate.metric, gate, why, _elsewhere(asked, gate.metric))
    results = _bounds(gate.metric, gate, value)
    if gate.not_worse_than is not None:
        results.append(_against(asked, gate, gate.not_worse_than, value))
    return results


def _against(asked: Asked, gate: MetricGate, stage: str, value: float) -> GateResult:
    name = _not_worse(gate.metric, gate)
    standing = opponent(asked, name, stage)
    if isinstance(standing, GateResult):
        return standing
    held = _number(standing, gate.metric)
    if held is None:
        return GateResult(name, passed=False, why=_unknown(standing, gate.metric))
    loss = held - value if _higher(gate) else value - held
    slack = _ROUNDING * max(abs(held), abs(value))
    why = f"it is {value:.6g}, v{standing.number} in {stage} has {held:.6g}{_apart(value - held)}"
    passed = loss <= gate.tolerance + slack
    return GateResult(name, passed, why, None if passed else _same_rows(asked))


def _same_rows(asked: Asked) -> str | None:
    """Return what to do where the two runs logged a metric on data of different worlds."""
    from mlops_cli.registry.evaluation import own

    if not own.is_retrained(asked.repo, asked.version):
        return None
    return "each run logged it on its own test data; on the same rows: data: evaluation"


def _of_evaluation(asked: Asked, gate: MetricGate) -> list[GateResult]:
    name = evaluated.called(asked, gate.metric, gate.data, gate.slice)
    data = evaluated.meant(asked, gate.data)
    found = evaluated.find(asked.model, asked.version, data, having=_has(gate))
    value = evaluated.value(found, gate.metric, gate.slice)
    evidence = (found.id,)
    results = [
        GateResult(one.gate, one.passed, one.why, one.hint, evidence)
        for one in _bounds(name, gate, value)
    ]
    stages = ((gate.not_worse_than, False), (gate.better_than, True))
    for stage, better in stages:
        if stage is not None:
            results.append(_paired(asked, gate, stage, found, name, better=better))
    return results


def _paired(
    asked: Asked, gate: MetricGate, stage: str, found: Evaluation, name: str, *, better: bool
) -> GateResult:
    """Return what a paired test says of the version and the one in a stage, on the same rows."""
    from mlops_cli.registry.evaluation import paired

    title = f"{name} better than {stage}" if better else _not_worse(name, gate)
    standing = opponent(asked, title, stage)
    if isinstance(standing, GateResult):
        return standing
    other = evaluated.find(asked.model, standing, found.data, having=_has(gate))
    first, second = evaluated.pair(asked.repo, found, other, gate.slice)
    test = paired.compare(
        first, second, gate.metric, higher=_higher(gate), confidence=gate.confidence
    )
    now, before = (evaluated.value(one, gate.metric, gate.slice) for one in (found, other))
    passed = test.least >= -gate.tolerance - _ROUNDING * max(abs(now), abs(before))
    if better:
        passed = test.gain > 0 and test.p < 1 - gate.confidence
    rows = "1 row" if first.rows == 1 else f"{first.rows} rows"
    why = f"{now:.6g} against {before:.6g} of v{standing.number}{_apart(now - before)}"
    why += f" on the same {rows}: "
    if better:
        kind = "McNemar's test" if test.test == "mcnemar" else "a paired bootstrap"
        why += f"by chance with p = {test.p:.2g} ({kind})"
    else:
        why += f"{_at_least(test.least)} with {gate.confidence:.0%}"
    return GateResult(title, passed, why, evidence=(found.id, other.id))


def _apart(difference: float) -> str:
    """Return a difference in brackets; nothing where there is none.

    >>> _apart(0.9 - 0.89), _apart(0.0)
    (' (+0.01)', '')
    """
    return f" ({difference:+.4g})" if abs(difference) > _ROUNDING else ""


def _at_least(gain: float) -> str:
    """Return what the least gain comes to.

    >>> _at_least(0.01), _at_least(-0.324), _at_least(0.0)
    ('a gain of at least 0.01', 'the loss may be up to 0.324', 'no loss')
    """
    if gain != gain:
        return "the loss cannot be told"
    if not gain:
        return "no loss"
    return f"a gain of at least {gain:.3g}" if gain > 0 else f"the loss may be up to {-gain:.3g}"


def _has(gate: MetricGate) -> Callable[[Evaluation], bool]:
    return lambda found: gate.slice is None or found.slice(gate.slice) is not None


def _number(version: Version, metric: str) -> float | None:
    """Return a metric as a number; None when it is not there or not a number."""
    value = version.metrics.get(metric)
    if value is None:
        return None
    number = float(value)
    return None if number != number else number


def _unknown(version: Version, metric: str) -> str:
    if metric in version.metrics:
        return f"v{version.number} has no number for it: {version.metrics[metric]}"
    known = sorted(version.metrics)
    near = get_close_matches(metric, known, n=1)
    if near:
        return f"v{version.number} logged no '{metric}'; did you mean '{near[0]}'?"
    listed = ", ".join(known[:6]) or "none at all"
    return f"v{version.number} logged no '{metric}'; it has {listed}"


def _elsewhere(asked: Asked, metric: str) -> str | None:
    """Return a hint where an evaluation has the metric that the run lacks."""
    from mlops_cli.registry.evaluation.record import newest

    found = newest(asked.model, asked.version)
    if found is None or metric not in found.metrics or metric in asked.version.metrics:
        return None
    return f"an evaluation has it; say which in the gate: data: {found.data.path}"
