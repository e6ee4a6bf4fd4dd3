"""Starting a sweep: the code as it is now, work trees for its trials, and who does them."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any

from mlops_cli.core.files import read_regular
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import dataclass, replace
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MloError, RequestError, StateError, exit_code_of
from mlops_cli.pipeline.engines import kinds
from mlops_cli.pipeline.plan import Resolve
from mlops_cli.pipeline.sweeps import conduct, ground
from mlops_cli.pipeline.sweeps.conduct import Answer, Order
from mlops_cli.pipeline.sweeps.definition import Definition
from mlops_cli.pipeline.sweeps.resume import with_recorded
from mlops_cli.pipeline.sweeps.study import library
from mlops_cli.pipeline.sweeps.sweep import Site, Sweep, Swept, Watcher
from mlops_cli.pipeline.sweeps.trial import Past, SweepJournal, Trial
from mlops_cli.pipeline.watcher import Watcher as StepWatcher
from mlops_cli.runs import code
from mlops_cli.runs.begin import begin
from mlops_cli.runs.environment import search_path
from mlops_cli.runs.finish import finish, reap
from mlops_cli.runs.names import SHARED
from mlops_cli.runs.open_run import OpenRun
from mlops_cli.runs.worktree import worktree

MAX_NAME = 48
"""Letters in the name of a sweep: those of its trials are longer."""


@dataclass(frozen=True, slots=True)
class How:
    """How a sweep is done, which is no part of what it is.

    Attributes:
        command: as it was typed, for the record.
        resolve: looks up the models that steps refer to.
        engine: a URL; None for processes on this machine.
        jobs: how many trials at once at most; None for one here, and all that a cluster takes.
        remote: through which a cluster gets code and data; None for the project's own.
    """

    command: str
    environ: Mapping[str, str]
    watcher: Watcher
    steps: StepWatcher
    resolve: Resolve | None = None
    engine: str | None = None
    jobs: int | None = None
    remote: str | None = None
    name: str | None = None
    importances: bool = False


def sweep(repo: Repository, definition: Definition, how: How, *, past: Past | None = None) -> Swept:
    """Do a sweep, or go on with one that came to no end.

    Raises:
        RequestError: it cannot be begun: there is no such step or parameter, nothing reads one, or
            the project is in no git repository.
        StateError: a step that all trials need failed, or all of the first trials did.
        ExternalError: the engine is not there, or went away; what was done is kept.
    """
    if how.name is not None and len(how.name) > MAX_NAME:
        raise RequestError(f"the name is longer than {MAX_NAME} letters", hint="shorten --name")
    library()  # said before there is a run if it is missing
    reap(repo)
    if not kinds.is_local(how.engine):
        _look_ahead(repo, how)
    if past is not None:
        past = with_recorded(repo, past)
    state = code.state(repo) if past is None else _state_of(repo, past)
    if state.snapshot is None:
        raise RequestError(
            f"trials need the code as a git commit: {state.problem or 'there is none'}",
            hint="git init, and commit the code",
        )
    with ExitStack() as stack:
        room = stack.enter_context(worktree(repo, state.snapshot))
        with suppress(FileNotFoundError):
            room.layout.lockfile.write_bytes(read_regular(repo.layout.lockfile))
        found = ground.survey(room, definition, how.resolve)
        data = ground.inputs(room, found)
        how.watcher.introduces(past)
        opened = _open(repo, definition, how, state, found, past)
        try:
            journal = _journal(repo, opened, definition, state, past)
            name = opened.head.name + SHARED
            ground.prepare(
                room,
                found,
                definition,
                watcher=how.steps,
                parent=opened.head.key,
                name=name,
                state=state,
                resolve=how.resolve,
            )
            site = _site(repo, room, stack, how, state, found, data, opened)
            stack.callback(site.engine.close)
            work = Sweep(
                repo,
                definition,
                opened,
                site,
                how.watcher,
                journal=journal,
                code=vars_of(state),
                versions=found.versions,
                past=past,
            )
        except KeyboardInterrupt as stop:
            finish(repo, opened, status="interrupted", exit_code=exit_code_of(stop))
            how.watcher.says(f"go on: mlo sweep --resume {opened.head.name}")
            raise
        except BaseException as error:
            message = error.message if isinstance(error, MloError) else repr(error)
            finish(repo, opened, status="failed", exit_code=1, error=message)
            raise
        swept = work.go()
        return replace(swept, importances=work.importances()) if how.importances else swept


def _look_ahead(repo: Repository, how: How) -> None:
    """Refuse a cluster that cannot be used, and bring what workers recorded before."""
    from mlops_cli.pipeline.engines.dask_futures import address
    from mlops_cli.pipeline.sweeps.cluster import bring_runs, connected

    address(str(how.engine))
    bring_runs(repo, connected(repo, how.remote))


def vars_of(state: code.State) -> dict[str, Any]:
    """Return what `runs.code.State` was made of."""
    return {name: getattr(state, name) for name in state.__slots__}


def _open(
    repo: Repository,
    definition: Definition,
    how: How,
    state: code.State,
    found: ground.Ground,
    past: Past | None,
) -> OpenRun:
    params = _without(found.chosen.params, definition.ranges)
    return begin(
        repo,
        how.command,
        params=params,
        environ={**how.environ, "PATH": search_path(how.environ)},
        name=how.name,
        tags=["sweep"],
        note=f"goes on with the sweep {past.name} ({past.key})" if past else None,
        engine=None if kinds.is_local(how.engine) else how.engine,
        state=state,
    )


def _journal(
    repo: Repository,
    opened: OpenRun,
    definition: Definition,
    state: code.State,
    past: Past | None,
) -> SweepJournal:
    """Begin the journal of a sweep, by which it can be gone on with from now on."""
    journal = SweepJournal(repo, opened.head.key)
    bundle = repo.objects.put(state.bundle) if state.bundle else None
    kept = {**vars_of(state), "left_out": dict(state.left_out), "bundle": bundle}
    journal.begin(opened.head.key, opened.head.name, definition, kept)
    for trial in past.trials if past else ():
        if trial.ended:
            journal.ended(trial)
    return journal


def _without(
    params: Mapping[str, Any], names: Mapping[str, Any], above: str = ""
) -> dict[str, Any]:
    """Return nested parameters without those of these dotted names, and what is empty then.

    >>> _without({"train": {"alpha": 1}, "fit": {"alpha": 2, "beta": 3}}, {"train.alpha": 0})
    {'fit': {'alpha': 2, 'beta': 3}}
    """
    kept: dict[str, Any] = {}
    for key, value in params.items():
        name = f"{above}{key}"
        if name not in names:
            if isinstance(value, Mapping) and value:
                inner = _without(value, names, f"{name}.")
                kept.update({key: inner} if inner else {})
            else:
                kept[key] = value
    return kept


def _state_of(repo: Repository, past: Past) -> code.State:
    """Return the code of a sweep that is gone on with.

    Raises:
        StateError: git has lost it.
    """
    from mlops_cli.core import git_snapshot

    held = past.code["bundle"]
    try:
        bundle = repo.objects.get(ObjectId(held)) if held else b""
        state = code.State(**{**past.code, "bundle": bundle})
        if bundle and state.snapshot and not git_snapshot.has(repo.root, state.snapshot):
            git_snapshot.unbundle(repo.root, state.snapshot, bundle, aside=repo.layout.tmp)
    except MloError as error:
        raise StateError(
            f"the code of sweep {past.name} is gone: {error.message}", hint="begin it anew"
        ) from error
    return state


def _site(
    repo: Repository,
    room: Repository,
    stack: ExitStack,
    how: How,
    state: code.State,
    found: ground.Ground,
    data: Sequence[ObjectId],
    opened: OpenRun,
) -> Site:
    if kinds.is_local(how.engine):
        return _Here(repo, room, stack, state, how.jobs or 1)
    from mlops_cli.pipeline.sweeps.cluster import Cluster, connected

    remote = connected(repo, how.remote)
    url, head = str(how.engine), opened.head
    return Cluster(repo, room, state, url, found, data, jobs=how.jobs, remote=remote, run=head)


class _Here:
    """Trials on this machine: each process has a work tree, and all use the project's store."""

    def __init__(
        self, repo: Repository, room: Repository, stack: ExitStack, state: code.State, jobs: int
    ) -> None:
        rooms = [room]
        lock = room.layout.lockfile
        for _ in range(jobs - 1):
            rooms.append(stack.enter_context(worktree(repo, str(state.snapshot))))
            if lock.exists():
                rooms[-1].layout.lockfile.write_bytes(lock.read_bytes())
        self._roots = [str(one.root) for one in rooms]
        self.engine = kinds.open_engine(None, conduct.here, jobs=jobs, tmp=repo.layout.tmp)

    def payload(self, order: Order) -> Mapping[str, Any]:
        """Return what a process is told."""
        return {"roots": self._roots, "order": order.plain()}

    def land(self, answer: Answer) -> None:
        """Do nothing: the run is there."""

    def settle(self, kept: Sequence[Trial], best: Sequence[Trial]) -> None:
        """Do nothing."""
