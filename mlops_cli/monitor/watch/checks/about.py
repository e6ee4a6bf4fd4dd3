"""The version that a rule is about, and which of its predictions count."""

from dataclasses import replace
from datetime import timedelta

from mlops_cli.data.predictions import counted
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.errors import RequestError
from mlops_cli.monitor.live import Span
from mlops_cli.monitor.watch.alerts import Finding
from mlops_cli.monitor.watch.rules import Asked
from mlops_cli.monitor.watch.standing import stamp
from mlops_cli.registry import meant, models
from mlops_cli.registry.models import Version

_US = 1_000_000
MOST_VERSIONS = 10
"""So many are named in an alert on a model as a whole."""


def version(asked: Asked) -> Version:
    """Return the version that is in use: of a bare name what is in production, else the newest.

    Raises:
        RequestError: there is none.
    """
    about = asked.rule.about
    if "@" not in about:
        about, _ = meant.live(asked.repo, about)
    return models.resolve(asked.repo, about)


def reference(found: Version) -> str:
    """Return the reference that means this version whatever moves."""
    return f"{found.model}@v{found.number}"


def span(asked: Asked, window_s: float, *, last: int | None = None) -> Span:
    """Return the predictions of so long until now."""
    since = asked.now - timedelta(seconds=window_s)
    return Span(since=stamp(since), until=stamp(asked.now), last=last)


def naming(asked: Asked, window_s: float, finding: Finding) -> Finding:
    """Return a finding about a model, where it is broken with the versions that clients had
    answers of in the window: `answered`, of which each has an id, a number and a count.
    """
    if finding.verdict != "broken":
        return finding
    end = round(asked.now.timestamp() * _US)
    found = counted.answered_by(
        asked.repo, asked.rule.model, end - round(window_s * _US), end, Tally()
    )
    if not found:
        return finding
    answered = [
        {"version": oid, "number": number, "predictions": count}
        for (number, oid), count in found.most_common(MOST_VERSIONS)
    ]
    return replace(finding, facts={**finding.facts, "answered": answered})


def told(tally: Tally) -> tuple[str, ...]:
    """Return what was damaged, if anything was."""
    return (str(tally),) if tally.blocks else ()


def is_damage(note: str) -> bool:
    """Return whether a note tells of damage, as `told` does: then too few rows may be its doing."""
    return note.startswith("the prediction log has ")


def ago(seconds: float) -> str:
    """Return a time for people, in the largest unit that it has two of, or a whole one.

    >>> [ago(seconds) for seconds in (0.02, 59, 150, 3600, 7200, 90_000, 172_800)]
    ['20 ms', '59 s', '2.5 min', '1 h', '2 h', '25 h', '2 d']
    """
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size or seconds == size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def unexpected(rule: object) -> RequestError:
    """Return the error for a rule that was given to the wrong check: a bug."""
    return RequestError(f"{type(rule).__name__} is not checked here")
