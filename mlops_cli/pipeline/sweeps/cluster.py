"""Trials on machines that share no disk with this one: code, data and results go by the remote.

What a worker needs is pushed before the first trial: the commit with the code, and the versioned
data, by their ids. It answers with the id of a run whose record, log and outputs it has pushed.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlops_cli import __version__
from mlops_cli.audit import chain
from mlops_cli.core import git, git_shallow, lockfile
from mlops_cli.core.config import RemoteSettings
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.pipeline.engines import kinds
from mlops_cli.pipeline.sweeps import away
from mlops_cli.pipeline.sweeps.conduct import Answer, Order
from mlops_cli.pipeline.sweeps.ground import Ground
from mlops_cli.pipeline.sweeps.trial import Trial
from mlops_cli.remotes import fetch
from mlops_cli.remotes.push import push
from mlops_cli.remotes.remote import Remote, connect
from mlops_cli.runs import record, said
from mlops_cli.runs.code import State
from mlops_cli.runs.head import Head
from mlops_cli.runs.record import Run


class Cluster:
    """The driver's side."""

    def __init__(
        self,
        repo: Repository,
        room: Repository,
        state: State,
        url: str,
        ground: Ground,
        data: Sequence[ObjectId],
        *,
        jobs: int | None,
        remote: Remote,
        run: Head,
    ) -> None:
        self._repo = repo
        self._remote = remote
        self._key, self._name = run.key, run.name
        self.engine = kinds.open_engine(url, away.there, jobs=jobs)
        with repo.writing():
            code = repo.objects.put(git_shallow.pack(room.root, str(state.snapshot)))
            push(repo, remote, only=[code, *data, *_made(room, ground)])
        held = repo.settings.remotes[self._remote.name]
        reached = RemoteSettings(self._remote.transport.url, held.encryption)
        self._told: dict[str, Any] = {
            "mlo": __version__,
            "remote": reached,
            "code": code,
            "commit": str(state.snapshot),
            "prefix": _prefix(room),
            "data": list(data),
            "lock": _lock(room),
            "who": dict(run.who),
            "sweep": run.key,
        }

    def payload(self, order: Order) -> Mapping[str, Any]:
        """Return what a worker is told."""
        return {**self._told, "order": order.plain()}

    def land(self, answer: Answer) -> None:
        """Bring the record of a trial's run, and what it says of itself; outputs stay there."""
        if answer.oid is None:
            return
        oid = ObjectId(answer.oid)
        away.look(self._remote)
        fetch.content(self._repo, self._remote, [oid])
        run = Run.read(self._repo, oid)
        fetch.content(self._repo, self._remote, away.said_by(run))
        detail = {"run": run.id, "status": run.status, "commit": run.code.commit}
        chain.record(self._repo, "run", run.key, detail)

    def settle(self, kept: Sequence[Trial], best: Sequence[Trial]) -> None:
        """Bring the outputs of the best trials, and hide runs that came twice.

        A worker that was taken for dead may have done a trial that another did too.
        """
        from mlops_cli.runs.index import open_index

        bring_runs(self._repo, self._remote)
        counted = {f"{self._name}-{trial.number}": trial.run for trial in kept}
        with open_index(self._repo) as index:
            oids = index.ids("parent = ?", [self._key])
        runs = [Run.read(self._repo, oid) for oid in oids]
        winners = {trial.run for trial in best}
        outputs = [out.oid for run in runs if run.key in winners for out in run.outputs]
        fetch.content(self._repo, self._remote, outputs)
        strays = [run for run in runs if counted.get(run.name, run.key) != run.key]
        if strays:
            said.remove(self._repo, strays, removed=True)


def bring_runs(repo: Repository, remote: Remote) -> None:
    """Bring the records of all runs that the remote has."""
    away.look(remote)
    there = remote.catalogue.each(Kind.RUN)
    fetch.content(repo, remote, [oid for oid in there if not repo.objects.has(oid)])


def connected(repo: Repository, name: str | None) -> Remote:
    """Return the remote that a cluster works by.

    Raises:
        RequestError: there is none.
    """
    if not repo.settings.remotes:
        raise RequestError(
            "workers of a cluster get code and data from a remote, and there is none",
            hint="mlo remote add origin URL, a place that all of them reach",
        )
    remote = connect(repo, name)
    remote.readers = {Kind.RUN: lambda _, data: record.decode(data)}
    return remote


def _made(room: Repository, ground: Ground) -> Iterator[ObjectId]:
    """Yield the outputs of the steps that come out the same in every trial."""
    locked = lockfile.read(room.layout.lockfile)
    for name in ground.before:
        for out in locked[name].outs.values() if name in locked else ():
            if room.objects.has(out.oid):
                yield out.oid


def _lock(room: Repository) -> str:
    path = room.layout.lockfile
    return path.read_text() if path.exists() else ""


def _prefix(room: Repository) -> str:
    """Return where in git's work tree the project is."""
    top = git.toplevel(room.root)
    return "." if top is None else room.root.resolve().relative_to(top.resolve()).as_posix()
