"""Moments that were written as text, as CSV and JSON have them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")


def looks_like_one(text: str) -> bool:
    """Return whether a text has the form of a date or a moment in ISO 8601.

    >>> [looks_like_one(text) for text in ("2026-01-31", "2026-01-31T12:00Z", "20260131")]
    [True, True, False]
    """
    return _ISO.fullmatch(text) is not None


def seconds(value: Any) -> float:
    """Return a moment in seconds since 1970, UTC unless it names a zone; NaN for what is none.

    >>> seconds("1970-01-02"), seconds("soon")
    (86400.0, nan)
    """
    try:
        found = datetime.fromisoformat(str(value))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return float("nan")


def counted(
    counts: Mapping[str, int],
) -> tuple[NDArray[np.float64], NDArray[np.int64]] | None:
    """Return texts as rising moments, and how often each is there; None if one of them is none."""
    import numpy as np

    if not all(map(looks_like_one, counts)):
        return None
    found = np.array([seconds(text) for text in counts])
    if np.isnan(found).any():
        return None
    values, place = np.unique(found, return_inverse=True)
    rows = np.fromiter(counts.values(), np.int64, len(counts))
    return values, np.bincount(place, rows).astype(np.int64)
