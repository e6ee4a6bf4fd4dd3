"""Recording runs that have ended: a record and what it names appear together or not at all."""

import time
from collections.abc import Sequence
from pathlib import Path

from mlops_cli.audit import chain
from mlops_cli.audit.chain import Deed
from mlops_cli.core import worktrees
from mlops_cli.core.pack_writer import PackWriter
from mlops_cli.core.records import replace
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, snapshot
from mlops_cli.errors import MloError
from mlops_cli.runs.collect import Collector, Noted
from mlops_cli.runs.head import End
from mlops_cli.runs.open_run import CHILDREN, OpenRun, orphans
from mlops_cli.runs.record import Run, Status

_AT_ONCE = 200
"""How many runs are recorded together: each keeps what it put in memory until all are written."""


def finish(
    repo: Repository,
    run: OpenRun,
    *,
    status: Status,
    exit_code: int | None,
    error: str | None = None,
) -> Run:
    """Record a run that ends now, and remove what was kept of it until then.

    What it logged that cannot be stored is left out, and the record's `error` says so. How it
    ended is on disk first: when storing fails, the next command records it just the same.
    """
    note_end(run, End(status, exit_code, error))
    return record_all(repo, [run])[0]


def finish_with(
    repo: Repository, run: OpenRun, end: End, writer: PackWriter, unnoted: Sequence[Noted]
) -> Run:
    """Record a run that ends now, and what `writer` has of its last steps: they appear together.

    These steps are `unnoted`: a kill before that leaves a run that was killed, without them. The
    open run stays, for the caller to close.
    """
    known = replace(end, ended_ns=time.time_ns(), taken=run.stop_sampling())
    run.note_recording()
    record = Collector(repo, writer).put(run, known, unnoted)
    chain.record_all(repo, [_deed(record)], writer)
    return record


def is_recorded(repo: Repository, run: OpenRun) -> bool:
    """Return whether the record of a run is in the store."""
    return _recorded(repo, run.head.key) is not None


def note_end(run: OpenRun, end: End) -> End:
    """Note how a run ends now, for whoever records it; return it with when and what it took.

    Raises:
        ExternalError: the disk refuses.
    """
    known = replace(end, ended_ns=time.time_ns(), taken=run.stop_sampling())
    run.note_end(known)
    return known


def record_all(repo: Repository, runs: Sequence[OpenRun]) -> list[Run]:
    """Record runs of which it is known how they ended, and remove what was kept of them.

    This process leads them. Their records appear together: one pack has all that they name, and
    one move of refs the audit entries.
    """
    records = []
    for start in range(0, len(runs), _AT_ONCE):
        records += _record(repo, runs[start : start + _AT_ONCE])
    return records


def _record(repo: Repository, runs: Sequence[OpenRun]) -> list[Run]:
    with repo.writing(), repo.objects.writer() as writer:
        collector = Collector(repo, writer)
        records = []
        for run in runs:
            run.note_recording()
            records.append(collector.put(run, _end(run)))
        chain.record_all(repo, [_deed(record) for record in records], writer)
    for run in runs:
        run.close()
    return records


def _end(run: OpenRun) -> End:
    """Return how a run ended; one of which nobody noted it was killed, when it last wrote."""
    end = run.end()
    if end is not None:
        return end
    written = [Path(run.journal.path), *(run.folder.iterdir() if run.folder.exists() else ())]
    return End("killed", None, None, max(file.stat().st_mtime_ns for file in written))


def reap(repo: Repository) -> list[Run]:
    """Record the runs whose process was killed, or left them to be recorded, and return them.

    What such a run left running is stopped first: it must not write to the work tree beside
    whatever comes next. Work trees that mlo made and nobody works in any more are removed.
    """
    found = []
    for room in worktrees.orphans(repo.layout):
        found += reap(Repository(room.layout))
        room.close()
    some: list[OpenRun] = []
    for run in orphans(repo):
        if _is_left(repo, run):
            some.append(run)
        if len(some) == _AT_ONCE:
            found += _each_recorded(repo, some)
            some = []
    return found + _each_recorded(repo, some)


def _is_left(repo: Repository, run: OpenRun) -> bool:
    """Return whether a run that nobody leads is to be recorded, after stopping what it left."""
    recorded = _recorded(repo, run.head.key) if run.note_recording() else None
    if recorded is not None:
        chain.record(repo, *_deed(recorded))
        run.close()
        return False
    if run.end() is None:
        run.stop_orphans()
        try:
            _store_leftovers(repo, run)
        except _MALFORMED:
            run.release()
            return False
    return True


def _each_recorded(repo: Repository, runs: Sequence[OpenRun]) -> list[Run]:
    """Record runs together, or one by one where one of them cannot be.

    That one stays as it is. What is no fault of its own, such as a full disk, is raised.
    """
    found: list[Run] = []
    problem: MloError | OSError | None = None
    try:
        return record_all(repo, runs)
    except (MloError, OSError, *_MALFORMED):
        for run in runs:
            try:
                found += record_all(repo, [run])
            except _MALFORMED:
                continue
            except (MloError, OSError) as error:
                problem = error
    finally:
        for run in runs:
            run.release()
    if problem is not None:
        raise problem
    return found


_MALFORMED = (AttributeError, KeyError, TypeError, ValueError)
"""What reading journals raises that hold something else than mlo writes."""


def _store_leftovers(repo: Repository, run: OpenRun) -> None:
    """Store what a killed step left at its outputs, so that it is never in the way of the next."""
    noted = {path for step, _ in run.steps() for path in step.outs}
    for line in run.lines(CHILDREN):
        for path in line["outs"]:
            target = paths.locate(repo, path)
            if path not in noted and target.exists():
                with repo.objects.writer() as writer:
                    snapshot.take(repo, target, writer=writer)


def _recorded(repo: Repository, key: str) -> Run | None:
    """Return the run with this key if its record was already stored."""
    from mlops_cli.runs.index import open_index

    with open_index(repo) as index:
        oid = index.with_key(key)
    return None if oid is None else Run.read(repo, oid)


def _deed(run: Run) -> Deed:
    return Deed("run", run.key, {"run": run.id, "status": run.status, "commit": run.code.commit})
