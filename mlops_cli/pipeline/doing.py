"""Doing what is stale: making way, opening the run, and leading its steps to the record."""

from collections.abc import Mapping, Sequence

from mlops_cli.core.config_steps import Step
from mlops_cli.core.lockfile import LockedStep
from mlops_cli.core.repository import Repository
from mlops_cli.pipeline import notebook, outputs
from mlops_cli.pipeline.attempt import Steps
from mlops_cli.pipeline.choice import Chosen
from mlops_cli.pipeline.outputs import Saved
from mlops_cli.pipeline.run_cache import Bring, open_cache
from mlops_cli.pipeline.unshared import unshared
from mlops_cli.pipeline.watcher import Watcher
from mlops_cli.pipeline.work import Work
from mlops_cli.runs import code
from mlops_cli.runs.begin import begin
from mlops_cli.runs.environment import search_path
from mlops_cli.runs.record import Run


def do(
    repo: Repository,
    chosen: Chosen,
    doing: Sequence[Step],
    command: str,
    *,
    locked: dict[str, LockedStep],
    watcher: Watcher,
    environ: Mapping[str, str],
    force: bool,
    jobs: int,
    bring: Bring | None,
    name: str | None,
    parent: str | None,
    tags: Sequence[str],
    note: str | None,
    engine: str | None,
    asked: code.Asked,
    sought: Mapping[str, Sequence[str]],
) -> Run:
    """Bring chosen steps up to date, of which those `doing` are stale, and return the record.

    `command` is what the record says was typed, and `asked` waits for the state of the code; all
    else is as of `run.run`.

    Raises:
        MloError: what is at an output's place can neither be kept nor be moved out of the way.
    """
    graph = chosen.graph
    outputs.check_places(repo, graph.steps.values())
    environ = {**environ, "PATH": search_path(environ)}
    notebook.require(graph.steps.values(), environ["PATH"])
    with open_cache(repo, bring) as cache:
        for text in unshared(repo, graph, {one.name: chosen.plans[one.name] for one in doing}):
            watcher.warns(text)
        saved = _save(repo, doing, locked, watcher)
        outputs.ignore(repo, doing)
        opened = begin(
            repo,
            command,
            params=chosen.params,
            environ=environ,
            name=name,
            parent=parent,
            tags=tags,
            note=note,
            engine=engine,
            state=asked(),
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
            sought=sought,
        )
        return Work(repo, graph, steps, opened, watcher, jobs=jobs).go()


def _save(
    repo: Repository, doing: Sequence[Step], locked: Mapping[str, LockedStep], watcher: Watcher
) -> list[Saved]:
    """Put into the store what is at the outputs of these steps and in no store, and tell it."""
    saved = []
    for step in doing:
        made = locked[step.name].written if step.name in locked else {}
        for one in outputs.save_all(repo, step, made):
            watcher.saved(one)
            saved.append(one)
    return saved
