"""Numbers, shares and moments in words, and the tone of a verdict, as all reports have them."""

from __future__ import annotations

from datetime import UTC, datetime

from mlops_cli.monitor.kinds import Kind
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


def minutes(when: datetime) -> str:
    """Return a moment to the minute, in UTC."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
