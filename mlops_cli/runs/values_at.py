"""Parameters and metrics as of a git revision or of the work tree, and how two of them differ."""

import math
from collections.abc import Mapping
from typing import Any

from mlops_cli.core import git, lockfile, yaml_nodes
from mlops_cli.core.config import Settings
from mlops_cli.core.config import read as read_settings
from mlops_cli.core.files import inside, read_regular
from mlops_cli.core.layout import LOCKFILE, SETTINGS
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.errors import ExternalError
from mlops_cli.runs import metrics as metric_values
from mlops_cli.runs import param_files
from mlops_cli.runs.find import direction
from mlops_cli.runs.params import flatten

WORK_TREE = "work tree"


@dataclass(frozen=True, slots=True)
class Change:
    """One value on both sides; None where a side does not have it.

    `better` says of a metric whether the new value is the better one; None where neither is.
    """

    name: str
    before: Any
    after: Any
    difference: float | None = None
    better: bool | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """How values differ between two sides, named by revision or `WORK_TREE`."""

    old: str
    new: str
    rows: tuple[Change, ...]


def params(repo: Repository, rev: str | None) -> dict[str, Any]:
    """Return the parameters of a revision, or of the work tree, by dotted name.

    Those that steps read from files go by `FILE:NAME`.

    Raises:
        RequestError: there is no such revision, or the settings of it have a mistake.
    """
    data = _file(repo, rev, SETTINGS)
    if data is None:
        return {}
    document = yaml_nodes.parse(data, where=SETTINGS).plain()
    written = document.get("params") if isinstance(document, dict) else None
    if isinstance(written, str):
        named = _file(repo, rev, written)
        written = {} if named is None else param_files.parse(written, named)
    found = flatten(written) if isinstance(written, dict) else {}
    for path in _files(repo.settings if rev is None else read_settings(data, where=SETTINGS)):
        held = _file(repo, rev, path)
        if held is not None:
            values = flatten(param_files.parse(path, held))
            found.update((f"{path}:{name}", value) for name, value in values.items())
    return found


def metrics(repo: Repository, rev: str | None) -> dict[str, Any]:
    """Return what `mlo.lock` of a revision, or of the work tree, says of metrics.

    Raises:
        RequestError: there is no such revision, or its `mlo.lock` cannot be read.
    """
    data = _file(repo, rev, LOCKFILE)
    steps = {} if data is None else lockfile.decode(data, where=LOCKFILE)
    return dict(metric_values.merge({name: step.metrics for name, step in steps.items()}))


def changes(
    old: Mapping[str, Any], new: Mapping[str, Any], *, names: tuple[str, str], everything: bool
) -> Changes:
    """Return the values that differ, or all of them."""
    rows = [
        Change(name, old.get(name), new.get(name), _difference(old.get(name), new.get(name)))
        for name in sorted({*old, *new})
        if everything or _differ(old.get(name), new.get(name))
    ]
    return Changes(*names, tuple(rows))


def judged(repo: Repository, found: Changes) -> Changes:
    """Return changes of metrics with what is better."""
    rows = [
        Change(one.name, one.before, one.after, one.difference, _better(repo, one))
        for one in found.rows
    ]
    return Changes(found.old, found.new, tuple(rows))


def _better(repo: Repository, one: Change) -> bool | None:
    if one.difference is None or one.difference == 0 or math.isnan(one.difference):
        return None
    return (one.difference > 0) is direction(repo, one.name).higher


def _differ(one: Any, other: Any) -> bool:
    return bool(one != other) or isinstance(one, bool) is not isinstance(other, bool)


def _difference(one: Any, other: Any) -> float | None:
    for value in (one, other):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
    return float(other - one)


def _files(settings: Settings) -> list[str]:
    return sorted({path for step in settings.steps.values() for path in step.param_files})


def _file(repo: Repository, rev: str | None, path: str) -> bytes | None:
    if rev is not None:
        return git.show(repo.root, rev, path)
    try:
        return read_regular(inside(repo.root, path))
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExternalError(f"cannot read '{path}': {reason}") from error
