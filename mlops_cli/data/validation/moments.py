"""Moments as seconds since 1970: one number that bounds, rules and freshness compare."""

from datetime import UTC, datetime


def seconds(text: str) -> float | None:
    """Return the moment that a text in ISO 8601 is, in UTC unless it says otherwise, or None.

    >>> seconds("1970-01-02"), seconds("1970-01-01T01:00:00+01:00"), seconds("soon")
    (86400.0, 0.0, None)
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def text(moment: float) -> str:
    """Return a moment as people read it, in UTC.

    >>> text(86400.0), text(90061.0)
    ('1970-01-02', '1970-01-02 01:01:01')
    """
    try:
        found = datetime.fromtimestamp(moment, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return f"{moment:g} s after 1970"
    return f"{found:%Y-%m-%d}" if moment % 86400 == 0 else f"{found:%Y-%m-%d %H:%M:%S}"


def age(seconds_: float) -> str:
    """Return a time in its largest fitting unit.

    >>> age(172800), age(5400), age(90)
    ('2 days', '1.5 hours', '1.5 minutes')
    """
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds_ >= size:
            count = round(seconds_ / size, 1)
            return f"{count:g} {unit}{'' if count == 1 else 's'}"
    return f"{seconds_:.0f} seconds"
