"""Running a pipeline: only what is stale, each step recorded, outputs from the store if it can."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlops_cli.core import expand, lockfile
from mlops_cli.core.config_steps import Step
from mlops_cli.core.lock import hold
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.pipeline import graph as graphs
from mlops_cli.pipeline import notebook, outputs, stale
from mlops_cli.pipeline.attempt import Steps
from mlops_cli.pipeline.graph import Graph
from mlops_cli.pipeline.outputs import Saved
from mlops_cli.pipeline.plan import Plan, Resolve, plans
from mlops_cli.pipeline.required import require
from mlops_cli.pipeline.run_cache import Bring, open_cache
from mlops_cli.pipeline.watcher import Watcher
from mlops_cli.pipeline.work import Work
from mlops_cli.runs import code
from mlops_cli.runs import params as parameters
from mlops_cli.runs.environment import search_path
from mlops_cli.runs.finish import reap
from mlops_cli.runs.open_run import begin
from mlops_cli.runs.record import Run


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running the pipeline has come to.

    Attributes:
        run: the record; None when nothing was stale, so that nothing was done.
        made_by: names of the runs that made what is there, when nothing was done.
        steps: names of the steps that were asked for, with those that they need.
    """

    run: Run | None
    made_by: tuple[str, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The steps to bring up to date, and what each would run with.

    Attributes:
        params: nested, for this run.
    """

    params: Mapping[str, Any]
    graph: Graph
    plans: Mapping[str, Plan]


def run(
    repo: Repository,
    names: Sequence[str],
    *,
    watcher: Watcher,
    environ: Mapping[str, str],
    assignments: Sequence[str] = (),
    force: bool = False,
    downstream: bool = False,
    jobs: int = 1,
    bring: Bring | None = None,
    resolve: Resolve | None = None,
    name: str | None = None,
    parent: str | None = None,
    tags: Sequence[str] = (),
    note: str | None = None,
    engine: str | None = None,
    state: code.State | None = None,
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
        name: as of `open_run.begin`; so are the others.
        parent: the run that this one is part of.
        tags: words to find it by.
        note: what it is for.
        engine: what runs it, where that is not this process alone.
        state: its code, where that is known.

    Raises:
        RequestError: the graph is wrong, or something that a step needs is not there; nothing ran.
        MloError: what is at an output's place can neither be kept nor be moved out of the way.
    """
    chosen = choose(
        repo, names, assignments, downstream=downstream, environ=environ, resolve=resolve
    )
    graph = chosen.graph
    require(repo, graph, chosen.plans)
    alone = hold(repo.layout.pipeline_lock, purpose="mlo run", on_wait=repo.on_wait)
    with alone, repo.stat_cache.saved_once():
        reap(repo)
        locked = lockfile.read(repo.layout.lockfile)
        states = stale.check(repo, graph, chosen.plans, locked)
        if not force and not any(one.stale for one in states):
            return Outcome(None, _makers(repo, graph, locked), tuple(graph.steps))
        outputs.check_places(repo, graph.steps.values())
        environ = {**environ, "PATH": search_path(environ)}
        notebook.require(graph.steps.values(), environ["PATH"])
        with open_cache(repo, bring) as cache:
            doing = [graph.steps[one.name] for one in states if force or one.stale]
            saved = _save(repo, doing, locked, watcher)
            outputs.ignore(repo, doing)
            opened = begin(
                repo,
                _command(names, assignments, downstream=downstream),
                params=chosen.params,
                environ=environ,
                name=name,
                parent=parent,
                tags=tags,
                note=note,
                engine=engine,
                state=state,
            )
            opened.log.write_text("".join(f"{one.note}\n" for one in saved))
            steps = Steps(
                repo,
                graph,
                chosen.plans,
                locked,
                opened,
                cache,
                watcher,
                environ=environ,
                force=force,
            )
            work = Work(repo, graph, steps, opened, watcher, jobs=jobs)
            return Outcome(work.go(), (), tuple(graph.steps))


def _save(
    repo: Repository, doing: Sequence[Step], locked: lockfile.Lock, watcher: Watcher
) -> list[Saved]:
    """Put into the store what is at the outputs of these steps and in no store, and tell it."""
    saved = []
    for step in doing:
        made = locked[step.name].written if step.name in locked else {}
        for one in outputs.save_all(repo, step, made):
            watcher.saved(one)
            saved.append(one)
    return saved


def choose(
    repo: Repository,
    names: Sequence[str],
    assignments: Sequence[str] = (),
    *,
    downstream: bool = False,
    environ: Mapping[str, str] | None = None,
    resolve: Resolve | None = None,
) -> Chosen:
    """Return the named steps and those that they need, or with `downstream` those after them.

    Raises:
        RequestError: there are no steps, none of that name, or a parameter is unknown.
    """
    settings = repo.settings
    if not settings.steps:
        raise RequestError(
            "there are no steps in .mlops.yaml",
            hint="add some under steps:, or run a command: mlo run -- python train.py",
        )
    params = parameters.override(settings.params, assignments)
    steps = settings.steps
    if assignments:
        steps = expand.expand(settings.written_steps, params, max_steps=settings.max_steps)
    whole = graphs.build(steps, params)
    graph = whole.downstream(names) if downstream else whole.only(names)
    planned = plans(repo, graph, params, environ=environ, resolve=resolve)
    return Chosen(params, graph, planned)


def _command(names: Sequence[str], assignments: Sequence[str], *, downstream: bool) -> str:
    words = ["mlo run", *(["--downstream"] if downstream else []), *names]
    return " ".join([*words, *(f"--set {one}" for one in assignments)])


def _makers(repo: Repository, graph: Graph, locked: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the runs that made what is there, each once."""
    from mlops_cli.runs.index import open_index

    keys = [locked[step].run for step in graph.steps if step in locked]
    with open_index(repo) as index:
        return tuple(index.name_of(key) for key in dict.fromkeys(keys) if key != lockfile.NO_RUN)
