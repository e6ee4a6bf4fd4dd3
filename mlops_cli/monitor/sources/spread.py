"""A table that a cluster sums: its workers take the file from the remote, a part of it each.

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


def of_version(repo: Repository, oid: ObjectId, name: str, *, engine: str) -> Blocks:
    """Return the table that the object `oid` holds, a file called `name`, summed at `engine`.

    The row groups of a Parquet file are spread over the workers; any other file is one task.

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
    names, count, groups = _outline(repo, oid, name)
    with repo.writing():
        push(repo, remote, only=[oid])
    made = kinds.open_engine(engine, work, jobs=None)
    try:
        spans = _spans(groups, made.width())
        answers = list(_answers(made, _told(repo, remote, oid, name), spans))
    finally:
        made.close()
    if names is None:  # of text nobody has read the names here
        return answers[0]
    sums = {one: SketchSum() for one in names}
    for answer in answers:
        for one, kept in answer.sums.items():
            assert isinstance(kept, SketchSum)
            sums[one].merge(kept)
    return Blocks(names, count, sums)


def _outline(
    repo: Repository, oid: ObjectId, name: str
) -> tuple[tuple[str, ...] | None, int, int | None]:
    """Return the columns, rows and row groups of a Parquet file; none of other files."""
    if suffix_of(name) not in (".parquet", ".pq"):
        return None, 0, None
    whole = opened.of_version(repo, oid, name)
    assert isinstance(whole, Parquet)
    return whole.names, whole.rows, whole.groups


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
    engine: Engine, told: Mapping[str, Any], spans: Sequence[tuple[int, int] | None]
) -> Iterator[Blocks]:
    """Yield the sums of each part, as they come."""
    from mlops_cli.pipeline.engines.engine import Task, each

    tasks = (Task(str(number), {**told, "span": span}) for number, span in enumerate(spans))
    for event in each(engine, tasks):
        if event.kind == "done":
            yield pickle.loads(event.value)
        elif event.final:
            raise ExternalError(
                f"'{told['name']}' was not summed by the cluster: {event.value}",
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
    return pickle.dumps(Blocks(whole.names, whole.rows, sums))


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
