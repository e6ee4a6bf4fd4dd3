"""What a version makes of its columns, kept where it was found once: a cache, safe to delete."""

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from mlops_cli.core import canonical, files
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.errors import ExternalError, MloError
from mlops_cli.registry import models
from mlops_cli.registry.explaining.explanation import Explanation
from mlops_cli.registry.models import Version

VERSION = 1
_ROWS = 1000
_REPEATS = 3


@dataclass(frozen=True, slots=True)
class Importance:
    """How much each column matters, in the unit that `of` names."""

    of: str
    columns: Mapping[str, float]


def known(repo: Repository, version: Version) -> Importance | None:
    """Return what was kept of a version; None if nothing was, or it cannot be read."""
    try:
        held: Any = canonical.decode(_path(repo, version.id).read_bytes())
        if held["v"] != VERSION:
            return None
        columns = {str(name): float(value) for name, value in held["columns"].items()}
        return Importance(str(held["of"]), columns)
    except (OSError, MloError, AttributeError, KeyError, TypeError, ValueError):
        return None


def compute(repo: Repository, version: Version) -> Importance:
    """Find out by shuffling each column of some rows, and keep it.

    The rows are those that the version was evaluated on last, if it was.

    Raises:
        RequestError: there is no table to find it out on, or the model cannot be explained.
    """
    from mlops_cli.registry.evaluation import record
    from mlops_cli.registry.explaining.explain import explain

    past = next(iter(record.of_version(models.model(repo, version.model), version)), None)
    found = explain(
        repo,
        f"{version.model}@v{version.number}",
        data=None if past is None else f"{past.data.path}@{past.data.oid}",
        target=None if past is None else past.target,
        most=_ROWS,
        repeats=_REPEATS,
    )
    keep(repo, found)
    return of(found)


def of(found: Explanation) -> Importance:
    """Return the importance that an explanation of a model as a whole tells."""
    return Importance(
        f"{found.of}, over {found.rows:,} rows of {found.data.path}",
        {one.column: one.value for one in found.weights if isfinite(one.value)},
    )


def keep(repo: Repository, found: Explanation) -> None:
    """Keep what an explanation of a model as a whole tells; a full disk is no reason to fail."""
    told = of(found)
    data = canonical.encode({"v": VERSION, "of": told.of, "columns": dict(told.columns)})
    path = _path(repo, found.version)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_whole(path, data)
    except (OSError, ExternalError):
        return


def _path(repo: Repository, version_id: str) -> Path:
    return repo.layout.importance / f"{version_id}.json"
