"""Which sweep a command line means: a new one, or one to go on with."""

from mlops_cli.core import lockfile
from mlops_cli.core.config_sweeps import Direction
from mlops_cli.core.records import replace
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError, StateError
from mlops_cli.pipeline.sweeps import trial as trials
from mlops_cli.pipeline.sweeps.definition import Asked, Definition, decide
from mlops_cli.pipeline.sweeps.trial import Past, Trial
from mlops_cli.runs import open_run
from mlops_cli.runs.find import direction, resolve
from mlops_cli.runs.finish import reap
from mlops_cli.runs.names import means
from mlops_cli.runs.record import Run


def new(repo: Repository, asked: Asked, *, seed: int) -> Definition:
    """Return the sweep of a step, or the one of that name in the settings.

    Without a metric it is searched by the only one that the step reported when it last ran.

    Raises:
        RequestError: as of `definition.decide`.
    """
    settings = repo.settings.sweeps.get(asked.step)
    if not asked.metrics and not (settings and settings.metrics):
        asked = replace(
            asked, metrics=_only_metric(repo, settings.step if settings else asked.step)
        )
    guesses: dict[str, Direction] = {
        name: "max" if direction(repo, name).higher else "min" for name in asked.metrics
    }
    return decide(replace(asked, guesses=guesses), settings, seed=seed)


def go_on(repo: Repository, text: str, asked: Asked) -> tuple[Definition, Past]:
    """Return a sweep that did not come to its end, with the trials it has.

    `asked` may give it another number of trials or another timeout. Of a sweep whose trials all
    failed, these are done again.

    Raises:
        RequestError: the run is no sweep, or has all its trials.
        StateError: it is still at work.
    """
    if asked.step or asked.assignments or asked.metrics or asked.sampler or asked.pruner:
        raise RequestError(
            "--resume goes on with a sweep as it was begun",
            hint="with it go --trials, --timeout, --jobs, --engine and --remote",
        )
    reap(repo)
    for run in open_run.each(repo):
        if means(text, run.head.key, run.head.name):
            raise StateError(
                f"the sweep {run.head.name} is still at work (process {run.head.pid})",
                hint="wait until it has ended, or stop it",
            )
    found = resolve(repo, text)
    past = trials.read(repo, found.key)
    if past is None:
        raise RequestError(
            f"run {found.name} is no sweep that was begun here", hint="mlo runs list --tag sweep"
        )
    past = _to_do_again(past)
    _refuse_complete(past, asked.trials)
    definition = past.definition
    if asked.trials is not None:
        definition = replace(definition, trials=asked.trials)
    if asked.timeout_s is not None:
        definition = replace(definition, timeout_s=asked.timeout_s)
    return definition, past


def _to_do_again(past: Past) -> Past:
    """Return a sweep of which nothing came with no trial ended: what failed is tried again."""
    if any(trial.state in ("done", "pruned") for trial in past.trials):
        return past
    again = (
        replace(trial, state="interrupted") if trial.state == "failed" else trial
        for trial in past.trials
    )
    return replace(past, trials=tuple(again))


def _refuse_complete(past: Past, asked: int | None) -> None:
    """Raise RequestError when there is no trial left to do."""
    done = sum(1 for trial in past.trials if trial.ended)
    begun_for = past.definition.trials
    if asked is not None and asked <= done:
        left = begun_for is None or begun_for > done
        raise RequestError(
            f"the sweep {past.name} has {done} trials already, and --trials {asked} is how many "
            "there are to be in all",
            hint=f"mlo sweep --resume {past.name}{'' if left else f' --trials {done * 2}'}",
        )
    if asked is None and begun_for is not None and done >= begun_for:
        raise RequestError(
            f"the sweep {past.name} has all its {done} trials", hint=f"--trials {done * 2}"
        )


def _only_metric(repo: Repository, step: str) -> tuple[str, ...]:
    locked = lockfile.read(repo.layout.lockfile).get(step)
    known = sorted(locked.metrics) if locked else []
    if len(known) == 1:
        return tuple(known)
    hint = f"one of: --metric {', --metric '.join(known[:6])}" if known else "--metric auc"
    raise RequestError("nothing says what is good", hint=hint)


def with_recorded(repo: Repository, past: Past) -> Past:
    """Take in trials that were done and recorded, though nobody was left to note it."""
    from mlops_cli.runs.index import open_index

    waiting = {f"{past.name}-{one.number}": one for one in past.trials if not one.ended}
    if not waiting:
        return past
    with open_index(repo) as index:
        oids = index.ids("parent = ? AND status = 'done'", [past.key])
    runs = {run.name: run for run in (Run.read(repo, oid) for oid in oids)}
    kept = (
        _as_recorded(one, past.definition, runs.get(f"{past.name}-{one.number}"))
        for one in past.trials
    )
    return replace(past, trials=tuple(kept))


def _as_recorded(trial: Trial, definition: Definition, run: Run | None) -> Trial:
    """Return a trial with what its run says, if that tells the end of it."""
    if trial.ended or run is None:
        return trial
    own = next((step.metrics for step in run.steps if step.name == definition.step), {})
    metrics = {**run.metrics, **own}
    values = [metrics.get(name) for name in definition.metrics]
    if not all(isinstance(value, int | float) for value in values):
        return trial
    return replace(
        trial,
        state="done",
        values=tuple(float(value) for value in values if value is not None),
        run=run.key,
        seconds=run.seconds,
    )
