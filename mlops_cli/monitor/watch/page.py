"""What a monitor shows Prometheus: a page of metrics, of what it found and of itself."""

from collections import defaultdict
from collections.abc import Iterator
from typing import get_args

from mlops_cli.core.config_monitor import Monitor
from mlops_cli.core.exposition import Labels, Page
from mlops_cli.monitor.watch import errands, rounds
from mlops_cli.monitor.watch.alerts import News
from mlops_cli.monitor.watch.memory import Memory
from mlops_cli.monitor.watch.rounds import Report
from mlops_cli.monitor.watch.standing import STATES, when

FAMILIES = {
    "model_drift": "Whether the inputs of a model have drifted: 1 if so",
    "model_drifted_features": "How many inputs of a model have drifted",
    "model_feature_drift": "How much an input of a model differs from its training data, in 0..1",
    "model_drift_rows": "How many predictions drift was looked for in",
    "model_performance": "A metric of a model's answers, realized by labels or estimated",
    "model_predictions": "Predictions that performance was looked at of",
    "model_labels": "How many of these have a label",
    "model_latency_seconds": "Time within which a share of the answers was given",
    "model_errors_ratio": "The share of requests that failed",
    "model_data_failures": "Checks of a schema that rows do not pass",
    "model_age_seconds": "Age of what is in use: a version, its training data, its last answer",
    "model_predictions_per_hour": "Predictions in an hour",
}
"""What rules find, as gauges. Each sample has the rule that found it among its labels."""


def page(settings: Monitor, memory: Memory, report: Report, troubles: int = 0) -> str:
    """Return the whole page of a monitor that leads; `troubles` are its own, not those of rules."""
    made = Page()
    _found(made, settings, memory)
    made.add(
        "monitor_rule_state",
        "gauge",
        "How a rule stands: 1 for the state that it is in",
        _states(report),
    )
    for name, meaning, samples in (
        (
            "monitor_last_check_timestamp_seconds",
            "When a rule was last checked",
            [
                ((("rule", one.rule),), when(one.checked).timestamp())
                for one in report.rules
                if one.checked is not None
            ],
        ),
        (
            "monitor_check_seconds",
            "How long the last check of a rule took",
            [
                ((("rule", name),), held.seconds)
                for name, held in memory.standings.items()
                if name in settings.rules
            ],
        ),
        (
            "monitor_check_notes",
            "What the last check of a rule could not look at, such as damaged places of a log",
            [((("rule", one.rule),), len(one.notes)) for one in report.rules],
        ),
        (
            "monitor_rule_silenced",
            "Whether nobody is told of a rule: 1 if so",
            [((("rule", one.rule),), int(one.silenced is not None)) for one in report.rules],
        ),
        (
            "monitor_troubles",
            "What keeps the monitor itself from its work: wrong settings, a full disk",
            [((), troubles + (report.unrecorded is not None))],
        ),
        (
            "monitor_recording",
            "Whether what the monitor finds can be recorded: 1 if so, 0 on a full disk",
            [((), int(report.unrecorded is None))],
        ),
        ("monitor_actions_waiting", "Actions still to be done", [((), len(memory.errands))]),
        ("monitor_leader", "Whether this monitor checks, and does not wait: 1 if so", [((), 1)]),
    ):
        made.add(name, "gauge", meaning, samples)
    _counts(made, settings, memory)
    return made.text()


def waiting() -> str:
    """Return the page of a monitor that waits for another to end."""
    made = Page()
    meaning = "Whether this monitor checks, and does not wait: 1 if so"
    made.add("monitor_leader", "gauge", meaning, [((), 0)])
    return made.text()


def _found(made: Page, settings: Monitor, memory: Memory) -> None:
    families: dict[str, list[tuple[Labels, float]]] = defaultdict(list)
    for name, held in memory.standings.items():
        if held.finding is None or name not in settings.rules:
            continue
        for one in held.finding.samples:
            labels = (*one.labels.items(), ("rule", name))
            families[one.family].append((labels, one.value))
    for family, meaning in FAMILIES.items():
        if family in families:
            made.add(family, "gauge", meaning, families[family])


def _states(report: Report) -> Iterator[tuple[Labels, float]]:
    for one in report.rules:
        of = (("rule", one.rule), ("model", one.model), ("kind", one.kind))
        for state in STATES:
            labels = (*of, ("severity", one.severity), ("state", state))
            yield labels, int(state == one.state)


def _counts(made: Page, settings: Monitor, memory: Memory) -> None:
    """Add what is counted; from 0 on, since Prometheus sees no increase in a count that begins."""
    ended = tuple(settings.actions), ("done", "failed")
    for family, what, how, (names, outcomes), meaning in (
        (
            errands.ALERTS,
            "rule",
            "state",
            (tuple(settings.rules), get_args(News)),
            "Alerts that were recorded, by rule and state",
        ),
        (errands.ACTIONS, "action", "outcome", ended, "Actions that ended, done or failed"),
        (
            rounds.CHECKS,
            "rule",
            "outcome",
            (tuple(settings.rules), ended[1]),
            "Checks of rules, done or failed",
        ),
    ):
        counts = {(name, outcome): 0.0 for name in names for outcome in outcomes}
        counts |= {key[1:]: n for key, n in memory.counts.items() if key[0] == family}
        samples = [
            (((what, name), (how, outcome)), n) for (name, outcome), n in sorted(counts.items())
        ]
        made.add(family, "counter", meaning, samples)
