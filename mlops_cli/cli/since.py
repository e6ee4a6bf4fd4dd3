"""Moments as people type them, `2d` ago, a day, or a time, and as they read them."""

import re
from datetime import UTC, datetime, timedelta

from mlops_cli.errors import RequestError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime, *, where: str = "--since") -> str:
    """Return the moment that `text` means, as records have it; a time without a zone is UTC.

    Raises:
        RequestError: it is neither an age nor a date.

    >>> noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    >>> moment("2d", noon), moment("2026-01-30", noon)
    ('2026-01-29T12:00:00.000000Z', '2026-01-30T00:00:00.000000Z')
    """
    age = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)([smhdw])", text.strip())
    try:
        if age is not None:
            at = now - timedelta(**{_UNITS[age[2]]: float(age[1])})
        else:
            at = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise RequestError(
            f"{where}: '{text}' is no age and no date", hint=f"{where} 2d, or {where} 2026-01-31"
        ) from error
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond:06d}Z"


def minute(recorded: str) -> str:
    """Return the moment of a record to the minute, in UTC as it is there.

    >>> minute("2026-01-30T09:15:59.123456Z")
    '2026-01-30 09:15'
    """
    return recorded[:16].replace("T", " ")
