"""When in the day and in the week things happen: all of a column of moments that can be compared.

Moments move on by themselves, so that their distribution says nothing. What may stay is their
rhythm, if there is enough of it: whole days of at least a week, whole weeks of at least four. The
rest of a day or of a week that began is left out, since it would make its hours or days commoner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_cli.monitor import categories
from mlops_cli.monitor.distribution import Distribution
from mlops_cli.monitor.tested import Result, Tested

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Counts = NDArray[Any]

_HOUR_S = 3600.0
_DAY_S = 24 * _HOUR_S
_WEEK_S = 7 * _DAY_S
_LEAST_DAYS, _LEAST_WEEKS = 7, 4
_HOURS = [f"{hour}:00 to {hour + 1}:00 UTC" for hour in range(24)]
_DAYS = ["Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"]
_THURSDAY = 3
"""What day 0 of 1970 was."""
_MANY = 0.1
"""So many moments outside of the range of the reference are told."""
_TESTED = "of dates, only hours and weekdays are tested"


def compare(reference: Distribution, current: Distribution) -> Tested:
    """Return the tests of two columns of moments, each with a value at least."""
    results = []
    if not (reference.error or current.error):
        for test, names, count in (
            ("hour of the day", _HOURS, hours),
            ("day of the week", _DAYS, weekdays),
        ):
            first, second = count(reference), count(current)
            if first is not None and second is not None:
                results.append(_compared(test, names, first, second))
    note = "; ".join(filter(None, (_range(reference, current), _gaps(reference, current))))
    if results:
        return Tested("datetime", tuple(results), note="; ".join(filter(None, (note, _TESTED))))
    why = "dates move on by themselves, and these are too few weeks for their rhythm"
    return Tested("datetime", untestable=why, note=note)


def hours(one: Distribution) -> Counts | None:
    """Return how many moments are in each hour of the day, shape (24,), over whole days.

    None of less than seven days, and of days without a time.
    """
    import numpy as np

    values, counts = _whole(one, _DAY_S, _LEAST_DAYS)
    if not len(values) or not (values % _DAY_S).any():
        return None
    found: Counts = np.bincount((values % _DAY_S // _HOUR_S).astype(int), counts, minlength=24)
    return found


def weekdays(one: Distribution) -> Counts | None:
    """Return how many moments are on each day of the week from Monday on, shape (7,).

    Over whole weeks; None of fewer than four.
    """
    import numpy as np

    values, counts = _whole(one, _WEEK_S, _LEAST_WEEKS)
    if not len(values):
        return None
    days = ((values // _DAY_S).astype(int) + _THURSDAY) % 7
    found: Counts = np.bincount(days, counts, minlength=7)
    return found


def longest_gap_s(one: Distribution) -> float:
    """Return the longest time between one moment and the next, 0 of fewer than two."""
    import numpy as np

    return float(np.diff(one.values).max()) if len(one.values) > 1 else 0.0


def _whole(one: Distribution, period_s: float, least: int) -> tuple[NDArray[np.float64], Counts]:
    """Return the moments of the whole days or weeks from the first moment's on."""
    import numpy as np

    start = float(one.values[0])
    periods = int((float(one.values[-1]) - start) // period_s)
    if periods < least:
        return one.values[:0], one.counts[:0]
    end = int(np.searchsorted(one.values, start + periods * period_s))
    return one.values[:end], one.counts[:end]


def _compared(test: str, names: list[str], first: Counts, second: Counts) -> Result:
    import numpy as np

    order = np.argsort(-(first + second), kind="stable")
    order = order[(first + second)[order] > 0]
    found = categories.chi_square([names[i] for i in order], first[order], second[order])
    return Result(test, found.statistic, found.p, found.effect, found.change.replace("'", ""))


def _range(reference: Distribution, current: Distribution) -> str:
    """Return from when to when the moments are, where many lie outside of those of the reference.

    That is usual of what moves on, and decides nothing.
    """
    first, last = float(reference.values[0]), float(reference.values[-1])
    outside = (current.values < first) | (current.values > last)
    if current.counts[outside].sum() < _MANY * current.counts.sum():
        return ""
    return f"{_from_to(current)}, in the reference {_from_to(reference)}"


def _from_to(one: Distribution) -> str:
    first, last = _day(float(one.values[0])), _day(float(one.values[-1]))
    return first if first == last else f"{first} to {last}"


def _day(moment_s: float) -> str:
    """Return the day of a moment, in UTC.

    >>> _day(0), _day(-86400.0 * 365 * 100)
    ('1970-01-01', '1870-01-25')
    """
    import numpy as np

    return str(np.datetime64(int(moment_s // _DAY_S), "D"))


def _gaps(reference: Distribution, current: Distribution) -> str:
    """Return that the current moments have a gap which is long for the reference, as far as known.

    Of fewer than a hundred moments a long gap is no wonder.
    """
    usual, longest = longest_gap_s(reference), longest_gap_s(current)
    if min(len(reference.values), len(current.values)) < 100 or longest <= 3 * usual:
        return ""
    return f"a gap of {_time(longest)}, at most {_time(usual)} in the reference"


def _time(seconds: float) -> str:
    """Return a time for people.

    >>> _time(7200), _time(86400 * 3)
    ('2 h', '3 d')
    """
    for unit, size in (("d", _DAY_S), ("h", _HOUR_S), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds:.2g} s"
