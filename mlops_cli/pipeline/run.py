"""Running a pipeline: only what is stale, each step recorded, outputs from the store if it can.

What a run with nothing to do needs is here; the rest is loaded when something is stale.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.core import lockfile
from mlops_cli.core.config_steps import Step
from mlops_cli.core.lock import hold
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.pipeline import stale
from mlops_cli.pipeline.choice import choose
from mlops_cli.pipeline.graph import Graph
from mlops_cli.pipeline.required import require

if TYPE_CHECKING:
    from mlops_cli.pipeline.plan import Resolve
    from mlops_cli.pipeline.run_cache import Bring
    from mlops_cli.pipeline.watcher import Watcher
    from mlops_cli.runs import code
    from mlops_cli.runs.record import Run

_NOTHING: Mapping[str, Sequence[str]] = {}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running the pipeline has come to.

    Attributes:
        run: the record; None when nothing was stale, so that nothing was done.
        made_by: names of the runs that made what is there, when nothing was done.
        steps: names of the steps that were asked for, with those that they need.
    """

    run: "Run | None"
    made_by: tuple[str, ...]
    steps: tuple[str, ...]


def run(
    repo: Repository,
    names: Sequence[str],
    *,
    watcher: "Watcher",
    environ: Mapping[str, str],
    assignments: Sequence[str] = (),
    force: bool = False,
    downstream: bool = False,
    jobs: int = 1,
    bring: "Bring | None" = None,
    resolve: "Resolve | None" = None,
    name: str | None = None,
    parent: str | None = None,
    tags: Sequence[str] = (),
    note: str | None = None,
    engine: str | None = None,
    state: "code.State | None" = None,
    sought: Mapping[str, Sequence[str]] = _NOTHING,
) -> Outcome:
    """Run what is stale among the named steps and all that they need; no names mean all steps.

    The record says what failed; only a request that cannot be started raises.

    Args:
        repo: the project, or a work tree of it aside.
        names: steps, or groups of them.
        watcher: who is told how it goes.
        environ: the environment of the steps.
        assignments: `name=value` for parameters, for this run only.
        force: whether steps that are not stale run too.
        downstream: run the named steps and those after them instead, not those before.
        jobs: how many steps may run at once, >= 1.
        bring: gets outputs of earlier runs that are not in this store.
        resolve: looks up the models that steps refer to.
        name: as of `begin.begin`; so are the others.
        parent: the run that this one is part of.
        tags: words to find it by.
        note: what it is for.
        engine: what runs it, where that is not this process alone.
        state: its code, where that is known.
        sought: metrics by step that must not be infinite or no number: the step fails then.

    Raises:
        RequestError: the graph is wrong, or something that a step needs is not there; nothing ran.
        MloError: what is at an output's place can neither be kept nor be moved out of the way.
    """
    chosen = choose(
        repo, names, assignments, downstream=downstream, environ=environ, resolve=resolve
    )
    graph = chosen.graph
    require(repo, graph, chosen.plans, bring)
    alone = hold(repo.layout.pipeline_lock, purpose="mlo run", on_wait=repo.on_wait)
    with alone, repo.stat_cache.saved_once():
        _reap(repo)
        locked = lockfile.read(repo.layout.lockfile)
        if not locked.keys() <= repo.settings.steps.keys():
            _drop_gone(repo, locked, watcher)
        states = stale.check(repo, graph, chosen.plans, locked)
        doing = [graph.steps[one.name] for one in states if force or one.stale]
        if not doing:
            return Outcome(None, _makers(repo, graph, locked), tuple(graph.steps))
        asked = _asked(repo, doing, state)  # git answers while the rest is loaded
        from mlops_cli.pipeline.doing import do

        done = do(
            repo,
            chosen,
            doing,
            _command(names, assignments, downstream=downstream),
            locked=locked,
            watcher=watcher,
            environ=environ,
            force=force,
            jobs=jobs,
            bring=bring,
            name=name,
            parent=parent,
            tags=tags,
            note=note,
            engine=engine,
            asked=asked,
            sought=sought,
        )
        return Outcome(done, (), tuple(graph.steps))


def _asked(
    repo: Repository, doing: Sequence[Step], state: "code.State | None"
) -> "Callable[[], code.State]":
    """Return what gives the state of the code, once git ignores what the steps write."""
    if state is not None:
        return lambda: state
    from mlops_cli.data import ignore
    from mlops_cli.runs import code

    outs = [out.path for step in doing for out in step.files if out.cache]
    if ignore.are_ignored(repo.root, outs):
        return code.ask(repo)
    return lambda: code.ask(repo)()


def _drop_gone(
    repo: Repository, locked: dict[str, lockfile.LockedStep], watcher: "Watcher"
) -> None:
    """Take steps out of `mlo.lock` that are gone from the settings, and tell what they left."""
    from mlops_cli.core.files import write_whole
    from mlops_cli.pipeline.gone import gone, left_behind

    for text in left_behind(repo, locked):
        watcher.warns(text)
    for name in gone(repo, locked):
        del locked[name]
    write_whole(repo.layout.lockfile, lockfile.encode(locked), aside=repo.layout.tmp)


def _reap(repo: Repository) -> None:
    """Record runs that were killed, if there is anything at all that has not ended."""
    if any(_holds_something(one) for one in (repo.layout.open_runs, repo.layout.worktrees)):
        from mlops_cli.runs.finish import reap

        reap(repo)


def _holds_something(folder: Path) -> bool:
    try:
        return bool(os.listdir(folder))
    except FileNotFoundError:
        return False


def _command(names: Sequence[str], assignments: Sequence[str], *, downstream: bool) -> str:
    words = ["mlo run", *(["--downstream"] if downstream else []), *names]
    return " ".join([*words, *(f"--set {one}" for one in assignments)])


def _makers(repo: Repository, graph: Graph, locked: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the runs that made what is there, each once."""
    from mlops_cli.runs.names import names_of

    keys = [locked[step].run for step in graph.steps if step in locked]
    return tuple(names_of(repo, [key for key in dict.fromkeys(keys) if key != lockfile.NO_RUN]))
