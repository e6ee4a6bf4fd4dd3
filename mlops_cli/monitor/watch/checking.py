"""Which check is for which kind of rule; each is loaded when a project has such a rule."""

import math
from collections.abc import Callable, Mapping

from mlops_cli.errors import IntegrityError, MloError, RequestError
from mlops_cli.monitor.watch.alerts import Finding
from mlops_cli.monitor.watch.checks import about
from mlops_cli.monitor.watch.rules import Asked, Checker


def check(asked: Asked) -> Finding:
    """Return what is so of one rule.

    Raises:
        MloError: that cannot be known.
    """
    found = _CHECKERS[asked.rule.kind]()(asked)
    if found.verdict == "holds" and found.value is not None and not math.isfinite(found.value):
        raise RequestError(f"it cannot be told, where {found.reason}")
    if found.verdict == "no verdict":
        for note in filter(about.is_damage, found.notes):
            raise IntegrityError(note, hint="mlo fsck")
    return found


def problem(error: Exception) -> str:
    """Return one line on why a rule cannot be checked."""
    if isinstance(error, MloError):
        return error.message
    if isinstance(error, OSError):
        where = f" '{error.filename}'" if error.filename else ""
        return f"the system refused{where}: {(error.strerror or type(error).__name__).lower()}"
    return f"a bug in mlo or a library: {type(error).__name__}: {error}"[:300]


def _drift() -> Checker:
    from mlops_cli.monitor.watch.checks.drift import check as found

    return found


def _performance() -> Checker:
    from mlops_cli.monitor.watch.checks.performance import check as found

    return found


def _concept() -> Checker:
    from mlops_cli.monitor.watch.checks.performance import concept

    return concept


def _latency() -> Checker:
    from mlops_cli.monitor.watch.checks.served import latency

    return latency


def _errors() -> Checker:
    from mlops_cli.monitor.watch.checks.served import errors

    return errors


def _quality() -> Checker:
    from mlops_cli.monitor.watch.checks.quality import check as found

    return found


def _staleness() -> Checker:
    from mlops_cli.monitor.watch.checks.staleness import check as found

    return found


def _volume() -> Checker:
    from mlops_cli.monitor.watch.checks.volume import check as found

    return found


_CHECKERS: Mapping[str, Callable[[], Checker]] = {
    "drift": _drift,
    "performance": _performance,
    "concept": _concept,
    "latency": _latency,
    "errors": _errors,
    "quality": _quality,
    "staleness": _staleness,
    "volume": _volume,
}
