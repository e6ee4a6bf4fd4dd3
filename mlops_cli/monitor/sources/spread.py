"""A table that a cluster sums: its workers take files from the remote, a part of one each.

What comes back of each part are sketches, which merge: little travels, whatever the size of the
table. A worker that dies costs the part that it had, which another one takes up.
"""

from __future__ import annotations

import atexit
import pickle
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli import __version__
from mlops_cli.core.config import RemoteSettings
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository, create
from mlops_cli.data.parts import check_names
from mlops_cli.data.table import suffix_of
from mlops_cli.errors import ExternalError, RequestError
from mlops_cli.monitor.sources import opened, sketches
from mlops_cli.monitor.sources.blocks import Blocks
from mlops_cli.monitor.sources.parquet import Parquet
from mlops_cli.monitor.sources.sketches import SketchSum

if TYPE_CHECKING:
    from mlops_cli.pipeline.engines.engine import Engine
    from mlops_cli.remotes.remote import Remote

_GROUPS = 8
"""Row groups of a Parquet file that are one task, so many at most; the file gives each worker
several tasks if it can."""
_ROWS = 65_536


def of_version(repo: Repository, files: Sequence[tuple[str, ObjectId]], *, engine: str) -> Blocks:
    """Return the table that some objects hold, each with the name of its file, summed at `engine`.

    The row groups of Parquet files are spread over the workers; any other file is one task.

    Raises:
        MissingObject, IntegrityError: as of the object store.
        RequestError: it is no table; or there is no such engine, or no remote.
        ExternalError: the cluster fails, or a part killed its workers again and again.
    """
    from mlops_cli.pipeline.engines import kinds
    from mlops_cli.pipeline.sweeps.cluster import connected
    from mlops_cli.remotes.push import push

    sketches.library()
    remote = connected(repo, None)
    outlines = [_outline(repo, oid, name) for name, oid in files]
    with repo.writing():
        push(repo, remote, only=[oid for _, oid in files])
    made = kinds.open_engine(engine, work, jobs=None)
    try:
        width = made.width()
        parts = [
            {**_told(repo, remote, oid, name), "span": span}
            for (name, oid), groups in zip(files, outlines, strict=True)
            for span in _spans(groups, -(-width // len(files)))
        ]
        return _merged(_answers(made, parts))
    finally:
        made.close()


def _merged(answers: Iterator[tuple[str, int, Blocks]]) -> Blocks:
    """Return the parts as one table; a file counts its rows once."""
    first: tuple[str, Blocks] | None = None
    rows = 0
    for name, count, answer in answers:
        rows += count
        if first is None:
            first = name, answer
            continue
        check_names((first[0], first[1].names), (name, answer.names))
        for one, kept in answer.sums.items():
            held = first[1].sums[one]
            assert isinstance(held, SketchSum)
            assert isinstance(kept, SketchSum)
            held.merge(kept)
    assert first is not None
    return Blocks(first[1].names, rows, first[1].sums)


def _outline(repo: Repository, oid: ObjectId, name: str) -> int | None:
    """Return the row groups of a Parquet file; None of other files."""
    if suffix_of(name) not in (".parquet", ".pq"):
        return None
    whole = opened.of_version(repo, [(name, oid)])
    assert isinstance(whole, Parquet)
    return whole.groups


def _spans(groups: int | None, width: int) -> list[tuple[int, int] | None]:
    """Return which row groups each task takes; None stands for the whole file.

    >>> _spans(5, 1), _spans(None, 4), _spans(0, 4)
    ([(0, 2), (2, 4), (4, 5)], [None], [(0, 0)])
    """
    if groups is None:
        return [None]
    step = min(_GROUPS, max(1, groups // (2 * max(1, width))))
    return [(at, min(at + step, groups)) for at in range(0, groups, step)] or [(0, 0)]


def _told(repo: Repository, remote: Remote, oid: ObjectId, name: str) -> dict[str, Any]:
    held = repo.settings.remotes[remote.name]
    return {
        "mlo": __version__,
        "remote": RemoteSettings(remote.transport.url, held.encryption),
        "oid": oid,
        "name": name,
    }


def _answers(
    engine: Engine, parts: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, int, Blocks]]:
    """Yield the file, the rows and the sums of each part, as they come."""
    from mlops_cli.pipeline.engines.engine import Task, each

    tasks = (Task(str(number), part) for number, part in enumerate(parts))
    for event in each(engine, tasks):
        name = parts[int(event.key)]["name"]
        if event.kind == "done":
            found = pickle.loads(event.value)
            yield name, found.rows, found
        elif event.final:
            raise ExternalError(
                f"'{name}' was not summed by the cluster: {event.value}",
                hint="workers need mlo with mlo[sketches,parquet]; their logs may say more",
            )


def work(payload: Mapping[str, Any], _place: int, _line: object) -> bytes:
    """Sum one part, on a worker.

    Raises:
        RequestError: this is another mlo, or the file is no table.
        MloError: the file cannot be had from the remote.
    """
    if payload["mlo"] != __version__:
        raise RequestError(f"a worker has mlo {__version__}, and the check needs {payload['mlo']}")
    path, name = _fetched(payload["remote"], payload["oid"]), payload["name"]
    if payload["span"] is None:
        found = opened.of_file(path, name, approx=True)
        assert isinstance(found, Blocks)
        return pickle.dumps(found)
    whole = Parquet(path, name)
    groups = range(*payload["span"])
    sums = {one: SketchSum() for one in whole.names}
    for one, kept in sums.items():
        whole.into(one, kept, rows=_ROWS, groups=groups)
    return pickle.dumps(Blocks(whole.names, whole.rows_of(groups), sums))


_here: dict[str, Path] = {}
_taking = threading.Lock()


def _fetched(settings: RemoteSettings, oid: ObjectId) -> Path:
    """Return a file with the bytes of an object, which a worker fetches once."""
    from mlops_cli.remotes import fetch
    from mlops_cli.remotes.remote import remote_at

    with _taking:
        if oid not in _here:
            folder = Path(tempfile.mkdtemp(prefix="mlo-drift-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            repo = create(folder)
            remote = remote_at(repo, "drift", settings)
            remote.catalogue.refresh(remote.transport, remote.read().state.packs)
            fetch.content(repo, remote, [oid])
            path = folder / "table"
            with path.open("wb") as file:
                repo.objects.write_to(file.fileno(), oid)
            _here[oid] = path
        return _here[oid]
