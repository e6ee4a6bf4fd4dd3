"""Which predictions count: a span of time, or the last ones."""

import re
from datetime import datetime, timedelta

from mlops_cli.core.records import dataclass
from mlops_cli.errors import RequestError

_AGO = re.compile(r"(\d{1,6})\s*(m|h|d|w)")
_MINUTES = {"m": 1, "h": 60, "d": 60 * 24, "w": 60 * 24 * 7}


@dataclass(frozen=True, slots=True)
class Span:
    """Which predictions count: from `since` on, before `until`, and of these the `last` ones.

    The moments are ISO 8601, UTC unless they say otherwise.
    """

    since: str | None = None
    until: str | None = None
    last: int | None = None

    @classmethod
    def told(
        cls, since: str | None, until: str | None, last: int | None, *, now: datetime
    ) -> "Span":
        """Return the span that people mean who type moments or how long ago they were.

        Raises:
            RequestError: as `moment`.
        """
        return cls(
            since=None if since is None else moment(since, now=now),
            until=None if until is None else moment(until, now=now),
            last=last,
        )


def moment(text: str, *, now: datetime) -> str:
    """Return a moment as ISO 8601: `text` itself, or so long before `now`.

    Raises:
        RequestError: it is neither.

    >>> moment("36h", now=datetime.fromisoformat("2026-01-31T12:00:00Z"))
    '2026-01-30T00:00:00+00:00'
    """
    ago = _AGO.fullmatch(text.strip())
    if not ago:
        try:
            datetime.fromisoformat(text)
        except ValueError as error:
            raise RequestError(
                f"'{text[:80]}' is not a moment",
                hint="write it as 24h, 7d or 2026-01-31T12:00:00Z",
            ) from error
        return text
    try:
        return (now - timedelta(minutes=int(ago[1]) * _MINUTES[ago[2]])).isoformat()
    except OverflowError as error:
        raise RequestError(f"'{text}' is too long ago") from error
