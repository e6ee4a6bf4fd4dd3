"""Round numbers and moments along an axis, and where on it a value lies."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

_STEPS_S = (1, 5, 15, 30, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
_DAY_S = 86_400
_STEPS_DAYS = (1, 2, 7, 14, 30.4375, 91.3125, 182.625, 365.25)


class Span(NamedTuple):
    """The ends of an axis; `low` is below `high`."""

    low: float
    high: float


def span(values: Sequence[float], *, zero: bool = False) -> Span:
    """Return the ends of an axis that shows all the values, shape (n,), finite; with `zero` also 0.

    >>> span([2.0, 2.0]), span([])
    (Span(low=1.8, high=2.2), Span(low=0.0, high=1.0))
    """
    if not values:
        return Span(0.0, 1.0)
    low, high = min(values), max(values)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if low / 2 == high / 2:
        room = abs(low) / 10 or 1.0
        return Span(low - room, high + room)
    return Span(low, high)


def at(value: float, ends: Span, start: float, end: float) -> float:
    """Return where a value lies on an axis drawn from `start` to `end`, to a tenth."""
    share = (value / 2 - ends.low / 2) / (ends.high / 2 - ends.low / 2)
    return round(start + share * (end - start), 1)


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Return round numbers within a span, about `count` of them.

    >>> ticks(0.0, 0.93)
    [0.0, 0.2, 0.4, 0.6, 0.8]
    """
    rough = (high / count) - (low / count)
    if not math.isfinite(rough) or rough <= 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(rough))
    least = rough * count / (count + 1)
    step = next((power * one for one in (1, 2, 5, 10) if power * one >= least), rough)
    first = math.ceil(low / step)
    found = [(first + number) * step for number in range(2 * count + 2)]
    return [float(f"{value:.12g}") for value in found if value <= high + step * 1e-9]


def short(value: float) -> str:
    """Return a number as it stands beside a tick, in four digits; thousands and millions as such.

    >>> short(0.25), short(9000.0), short(12_000.0), short(2.5e6), short(3e12)
    ('0.25', '9000', '12k', '2.5M', '3e+12')
    """
    if 1e4 <= abs(value) < 1e6:
        return f"{value / 1e3:.4g}k"
    if 1e6 <= abs(value) < 1e9:
        return f"{value / 1e6:.4g}M"
    return f"{value:.4g}"


def moments(ends: Span, count: int = 4) -> list[tuple[float, str]]:
    """Return moments along an axis of seconds since 1970, each with its words, in UTC.

    >>> moments(Span(0.0, 3600.0), 2)
    [(0.0, '00:00'), (1800.0, '00:30'), (3600.0, '01:00')]
    """
    rough = (ends.high - ends.low) / (count + 1)
    steps = [*map(float, _STEPS_S), *(days * _DAY_S for days in _STEPS_DAYS)]
    step = next((one for one in steps if one >= rough), None)
    if step is None:
        step = math.ceil(rough / _STEPS_DAYS[-1] / _DAY_S) * _STEPS_DAYS[-1] * _DAY_S
    first = math.ceil(ends.low / step)
    places = [(first + number) * step for number in range(2 * count + 2)]
    form = _form(step, ends.high - ends.low)
    return [(place, moment(place, form)) for place in places if place <= ends.high]


def moment(seconds: float, form: str = "%Y-%m-%d %H:%M") -> str:
    """Return a moment, given in seconds since 1970, in words; a number where no calendar has it."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime(form)
    except (OverflowError, ValueError, OSError):
        return f"{seconds:.4g}"


def _form(step_s: float, whole_s: float) -> str:
    if step_s < 60:
        return "%H:%M:%S"
    if step_s < _DAY_S:
        return "%H:%M" if whole_s < _DAY_S else "%m-%d %H:%M"
    if whole_s < 300 * _DAY_S:
        return "%m-%d"
    return "%Y-%m" if step_s < 300 * _DAY_S else "%Y"
