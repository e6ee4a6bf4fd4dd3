"""What was found in tables before, by their content and schema: a cache that is safe to delete."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlops_cli.core import canonical
from mlops_cli.core.files import write_whole
from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.repository import Repository
from mlops_cli.data import table
from mlops_cli.data.validation.report import Example
from mlops_cli.data.validation.scan import Scan, Tally
from mlops_cli.errors import ExternalError

FORMAT = 1
"""Counts up whenever the same table and schema may give another verdict."""
MOST = 2_000
"""So many are kept, the newest."""


def look_up(repo: Repository, content: ObjectId, name: str, schema: ObjectId) -> Scan | None:
    """Return what was found in this content when it was checked against this schema, or None."""
    try:
        kept = json.loads(_file(repo, content, name, schema).read_bytes())
        return _scan(kept) if kept["mlo"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not there, or not ours: it is found again


def keep(repo: Repository, content: ObjectId, name: str, schema: ObjectId, found: Scan) -> None:
    """Keep what was found. A disk that refuses costs nothing but the next look."""
    path = _file(repo, content, name, schema)
    with suppress(OSError, ExternalError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, canonical.encode(_plain(found)), durable=False)
        _drop_old(path.parent)


def rows_of(repo: Repository, content: ObjectId, name: str) -> int | None:
    """Return how many rows a version is known to have, or None."""
    try:
        return int(_file(repo, content, name, None).read_bytes())
    except (OSError, ValueError):
        return None


def keep_rows(repo: Repository, content: ObjectId, name: str, rows: int) -> None:
    """Keep how many rows a version has."""
    path = _file(repo, content, name, None)
    with suppress(OSError, ExternalError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, str(rows).encode(), durable=False)


def _file(repo: Repository, content: ObjectId, name: str, schema: ObjectId | None) -> Path:
    """Return the file of a verdict; bytes are one table or another by the ending of their name."""
    kind = "".join(Path(name.lower()).suffixes[-2:]) if table.is_table(name) else ""
    of = object_id(canonical.encode([content, kind, schema]))
    return repo.layout.validated / (of if schema else f"{of}.rows")


def _drop_old(folder: Path) -> None:
    names = os.listdir(folder)
    if len(names) <= MOST:
        return
    by_age = sorted((folder / name for name in names), key=lambda one: one.stat().st_mtime)
    for one in by_age[: len(names) - MOST // 2]:
        one.unlink(missing_ok=True)


def _plain(found: Scan) -> dict[str, Any]:
    return {
        "mlo": FORMAT,
        "rows": found.rows,
        "names": list(found.names),
        "tallies": [
            [one.asked, one.failing, [_row(example) for example in one.examples]]
            for one in found.tallies
        ],
        "newest": [list(one) for one in found.newest.items()],
        "absent": _lists(found.absent),
        "extra": _lists(found.extra),
        "twice": _lists(found.twice),
        "disordered": list(found.disordered),
    }


def _row(one: Example) -> list[Any]:
    return [one.row, one.line, one.file, [list(cell) for cell in one.values.items()]]


def _lists(found: Mapping[str, tuple[str, ...]]) -> list[list[Any]]:
    """Return pairs, which stay in their order."""
    return [[name, list(files)] for name, files in found.items()]


def _scan(kept: Mapping[str, Any]) -> Scan:
    return Scan(
        kept["rows"],
        tuple(kept["names"]),
        tuple(
            Tally(asked, failing, tuple(map(_example, examples)))
            for asked, failing, examples in kept["tallies"]
        ),
        dict(kept["newest"]),
        _tuples(kept["absent"]),
        _tuples(kept["extra"]),
        _tuples(kept["twice"]),
        tuple(kept["disordered"]),
    )


def _example(kept: list[Any]) -> Example:
    row, line, file, values = kept
    return Example(row, line, file, dict(values))


def _tuples(found: list[list[Any]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(files) for name, files in found}
