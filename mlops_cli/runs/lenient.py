"""What cannot be recorded is left out and said once: logging never ends the training.

Quick to import, as training code imports it.
"""

import math
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from mlops_cli.errors import RequestError
from mlops_cli.runs import sink

if TYPE_CHECKING:
    from datetime import datetime


class Lenient:
    """A `with` block that a RequestError only leaves, which is said once for each `about`."""

    def __init__(self, about: str) -> None:
        self._about = about

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if isinstance(error, RequestError):
            leave_out(self._about, error.message)
            return True
        return False


def leave_out(about: str, problem: str) -> None:
    """Warn that something is not recorded, once for each `about`."""
    sink.warn_once(f"mlo leaves out what cannot be recorded: {problem}", about=about)


def named(values: Any, what: str) -> Mapping[Any, Any]:
    """Return values by name; nothing, which is said, where they are none."""
    if type(values) is dict or isinstance(values, Mapping):
        return values
    leave_out(what, f"{what} are given by name, as in {{'depth': 3}}, not as {sink.kind(values)}")
    return {}


def whole(step: Any) -> int | None:
    """Return a step as a whole number; None, which is said, where it is none."""
    if step is None or type(step) is int:
        return step
    try:
        return int(step)
    except (TypeError, ValueError, OverflowError):
        leave_out("step", f"the step {_shown(step)} of a metric is no whole number")
        return None


def seconds(moment: "float | datetime") -> float | None:
    """Return a moment in seconds since 1970; None, which is said, where it is none."""
    try:
        found = float(moment) if isinstance(moment, int | float) else moment.timestamp()
    except (AttributeError, TypeError, ValueError, OverflowError):
        found = math.nan
    if math.isfinite(found):
        return found
    leave_out("timestamp", f"the timestamp {_shown(moment)} is neither seconds nor a datetime")
    return None


def plain(value: Any) -> Any:
    """Return a parameter as JSON holds it; numbers of numpy become Python's.

    Raises:
        RequestError: it is no text, number, truth value, list or mapping of these.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if hasattr(value, "item"):
        try:
            return plain(value.item())
        except (TypeError, ValueError, RuntimeError) as error:
            raise RequestError(f"{_shown(value)} is no single value: {error}") from error
    raise RequestError(f"{_shown(value)} is neither text, number, list nor mapping")


def _shown(value: Any) -> str:
    return f"'{value!s:.60}'" if isinstance(value, str) else sink.kind(value)
