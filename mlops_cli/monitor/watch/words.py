"""An alert in the words and the form that people and programs get it in."""

import math
from collections.abc import Mapping
from typing import Any

from mlops_cli.core.records import replace
from mlops_cli.monitor.watch.alerts import Alert

_MOST_FACTS = 20


def headline(alert: Alert) -> str:
    """Return a few words that fit a subject line.

    An alert that still is so after its cool-down says that.
    """
    state = f"still {alert.state}" if alert.again else alert.state
    return f"{state}: {alert.title} ({alert.severity})"


def body(alert: Alert) -> str:
    """Return all that people need, in a few lines."""
    lines = [alert.reason, "", f"since    {alert.since}", f"rule     {alert.rule} ({alert.kind})"]
    if alert.version is not None:
        lines.append(f"model    {alert.model} v{alert.version}")
    lines += [f"alert    {alert.id}", "", f"look at it: {look(alert)}"]
    return "\n".join(lines) + "\n"


def look(alert: Alert) -> str:
    """Return the command that shows more."""
    model = alert.model if alert.version is None else f"{alert.model}@v{alert.version}"
    match alert.kind:
        case "drift":
            return f"mlo drift {model}"
        case "performance" | "concept":
            return f"mlo performance {model}"
        case _:
            return "mlo monitor status"


def record(alert: Alert) -> dict[str, Any]:
    """Return an alert as JSON has it, for programs and for the audit record."""
    held = {
        "alert": alert.id,
        "state": alert.state,
        "rule": alert.rule,
        "kind": alert.kind,
        "severity": alert.severity,
        "model": alert.model,
        "number": alert.version,
        "version": alert.version_id,
        "reason": alert.reason,
        "since": alert.since,
        "time": alert.time,
        "value": alert.value,
        "limit": alert.limit,
        "facts": alert.facts,
    }
    return {key: plain(value) for key, value in held.items() if value is not None}


def plain(value: Any) -> Any:
    """Return a value as canonical JSON has it: no number that is none, and no other types.

    >>> plain({"rows": (1, float("nan")), 3: None})
    {'rows': [1, 'nan'], '3': None}
    """
    if hasattr(value, "tolist"):  # of NumPy
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return str(value)


def trial(alert: Alert) -> Alert:
    """Return an alert that says it is only tried out."""
    return replace(alert, reason=f"this is a test, nothing is wrong: {alert.reason}")
