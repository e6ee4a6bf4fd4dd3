"""Numbers, shares and moments in words, and the tone of a verdict, as all reports have them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from mlops_cli.monitor.kinds import Kind
from mlops_cli.monitor.tested import counted
from mlops_cli.monitor.tested import percent as percent
from mlops_cli.page.axis import moment
from mlops_cli.page.html import Tone

KINDS: dict[Kind, str] = {
    "number": "number",
    "boolean": "true or false",
    "category": "text",
    "datetime": "moment",
    "empty": "nothing",
}
TONES: dict[str, Tone] = {
    "drift": "bad",
    "not comparable": "bad",
    "warn": "warn",
    "too few rows": "warn",
    "ok": "good",
    "not tested": "quiet",
}


def value(of: float | str | None, kind: Kind) -> str:
    """Return a value of a column in words.

    >>> value(1.0, "boolean"), value(12.3456, "number"), value(0.0, "datetime")
    ('true', '12.35', '1970-01-01 00:00')
    """
    if of is None or isinstance(of, str):
        return of or ""
    if kind == "boolean":
        return "true" if of == 1 else "false"
    if kind == "datetime":
        return moment(of)
    return f"{of:.4g}" if abs(of) < 1e4 or of % 1 else f"{of:.10g}"


def q(of: float | None) -> str:
    """Return a q; one too small for a float is not nothing.

    >>> q(0.0312), q(0.0), q(None)
    ('0.03', '<1e-300', '')
    """
    if of is None:
        return ""
    return f"{of:.1g}" if of > 1e-300 else "<1e-300"


def without_drift(verdicts: Sequence[str]) -> str:
    """Return how many columns do not drift; those that were not tested apart.

    >>> without_drift(["ok", "ok", "not tested"]), without_drift(["not tested"])
    ('2 columns without drift, 1 not tested', '1 column not tested')
    """
    told = {"too few rows": "with too few rows", "not tested": "not tested"}
    counts = {what: verdicts.count(verdict) for verdict, what in told.items()}
    counts = {"without drift": len(verdicts) - sum(counts.values()), **counts}
    first, *rest = [(what, count) for what, count in counts.items() if count]
    parts = [f"{counted(first[1], 'column')} {first[0]}"]
    return ", ".join(parts + [f"{count:,} {what}" for what, count in rest])


def minutes(when: datetime) -> str:
    """Return a moment to the minute, in UTC."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
