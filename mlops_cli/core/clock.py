"""The one clock: moments are UTC, written as ISO 8601 with microseconds and `Z`."""

import time


def now() -> str:
    """Return this moment, such as `2026-01-31T12:00:00.000000Z`."""
    return moment(time.time_ns())


def moment(time_ns: int) -> str:
    """Return `time_ns`, nanoseconds since 1970 in UTC, as text.

    >>> moment(1_700_000_000_123_456_789)
    '2023-11-14T22:13:20.123456Z'
    """
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1000:06d}Z"
