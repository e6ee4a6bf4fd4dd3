"""The first half of a retraining: fresh rows, a run of the pipeline, and a version of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_cli.core import git
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.layout import LOCKFILE
from mlops_cli.core.records import replace
from mlops_cli.core.repository import Repository
from mlops_cli.errors import ExternalError, MloError, RequestError
from mlops_cli.monitor.retrain import earlier, reading, tables
from mlops_cli.monitor.retrain.fresh import Fresh, gather
from mlops_cli.monitor.retrain.ground import Work
from mlops_cli.monitor.retrain.record import Again, State, Table, Told
from mlops_cli.monitor.retrain.standing import watched
from mlops_cli.monitor.retrain.valid import problems
from mlops_cli.monitor.retrain.window import Chosen, Taken, choose
from mlops_cli.registry.evaluation.own import TAG, held_out_path, is_retrained

if TYPE_CHECKING:
    from mlops_cli.runs.record import Run


_NAMED = 3
_MOST_AGAIN = 3
"""So often a model is trained again as rows come in after one change."""


def look(work: Work) -> Taken | Told:
    """Return the fresh rows and which of them to take; or why none are trained on."""
    said, version = work.said, work.standing() or work.model.newest
    fresh = gather(work.repo, version, said)
    for one in fresh.notes:
        work.using.say(one)
    if not len(fresh):
        why = f"there is no row with a truth in {fresh.where}"
        return work.told("too few rows", why, _labels_come_by(work))
    chosen = choose(fresh, watched(work, version), said, change=_known_change(work, fresh))
    rows = chosen.end - chosen.first
    if rows < said.min_rows:
        why = f"there are {rows} fresh rows, {said.min_rows} are asked for"
        return work.told("too few rows", why, _labels_come_by(work))
    training = tables.trained(work.repo, version, fresh, chosen, said.into)
    return _invalid(work, Taken(fresh, chosen, training))


def look_back(work: Work, back: int) -> Taken | Told:
    """Return the fresh rows that an earlier version is compared on, none to train on; or why not.

    They have to be as valid as rows that are trained on.
    """
    said, model = work.said, work.model
    standing, other = work.standing() or model.newest, model.version(back)
    fresh = gather(work.repo, standing, said)
    first = earlier.first_of(fresh, standing, other)
    rows = len(fresh) - first
    if rows < earlier.LEAST_ROWS:
        return work.told("too few rows", f"{rows} rows came since v{standing.number} was made")
    why = "the newest rows"
    chosen = Chosen(first, first, len(fresh), old=0, rise=None, change=None, why=why)
    training = tables.Training(fresh.rows.iloc[:0], why, "no rows")
    return _invalid(work, Taken(fresh, chosen, training))


def _invalid(work: Work, taken: Taken) -> Taken | Told:
    """Return rows if they are valid."""
    wrong = problems(work.repo, taken.fresh, taken.chosen, work.said, taken.training.rows)
    if wrong is None:
        return taken
    where = f"monitor.retrain.{work.name}"
    hint = f"nothing is trained on rows that fail; others: {where}.source"
    if wrong.schema is not None:
        hint += f", another schema: {where}.schema"
    return replace(work.told("invalid", str(wrong), hint), problems=wrong.problems)


def _labels_come_by(work: Work) -> str | None:
    if not work.said.source.predictions:
        return None
    return "what turned out to be true comes by `mlo feedback`, or POST /feedback"


def _known_change(work: Work, fresh: Fresh) -> int | None:
    """Return the row of a change that is known from before, where rows are trained on again."""
    import numpy as np

    again = work.state.again
    if again is None or fresh.times_us is None:
        return None
    return int(np.searchsorted(fresh.times_us, again.change_us))


def take_data(work: Work) -> Told | None:
    """Gather, validate and keep fresh rows; None when the next step can begin."""
    back = work.attempt.back
    found = work.found or (look(work) if back is None else look_back(work, back))
    work.found = None
    if isinstance(found, Told):
        ended = work.end(found.status, found.why, found.hint)
        return replace(ended, problems=found.problems)
    if back is not None:
        _take_back(work, found, back)
        return None
    with work.repo.writing():
        trained, held_out = _tables(work, found)
        if work.state.seen == trained.oid + held_out.oid:
            where = found.fresh.where
            why = f"the rows of {where} are those of last time"
            return work.end("nothing new", why, _made_of_them(work))
        work.put(_with_data(work, found, trained, held_out))
    text = f"took {found.training.text}; and {held_out.rows:,} to compare on"
    work.note("data", text, trained=trained.oid, held_out=held_out.oid, why=trained.why)
    return None


def _made_of_them(work: Work) -> str | None:
    """Return how what was made of the rows last time comes to the stage, should it pass by now."""
    newest = work.model.newest
    if newest == work.standing() or not is_retrained(work.repo, newest):
        return None
    return (
        f"v{newest.number} was made of them: mlo promote {work.name}@v{newest.number} {work.stage}"
    )


def _take_back(work: Work, found: Taken, back: int) -> None:
    """Keep the rows that an earlier version is compared on; no pipeline runs."""
    with work.repo.writing():
        held_out = _held_out(work, found)
        work.keep(step="compare", version=back, held_out=held_out)
    text = f"took the newest {held_out.rows:,} rows to compare on"
    work.note("data", text, held_out=held_out.oid)


def _held_out(work: Work, found: Taken) -> Table:
    """Keep the rows to compare on."""
    newest = found.fresh.rows.iloc[found.chosen.split : found.chosen.end]
    return tables.keep(work.repo, newest, held_out_path(work.said.into), "the newest rows")


def _tables(work: Work, found: Taken) -> tuple[Table, Table]:
    """Keep the rows to train on, and those to compare on."""
    held_out, training = _held_out(work, found), found.training
    return tables.keep(work.repo, training.rows, work.said.into, training.why), held_out


def _with_data(work: Work, found: Taken, trained: Table, held_out: Table) -> State:
    """Return the state in which the pipeline is next; it is kept in one go."""
    fresh, chosen = found.fresh, found.chosen
    times, change = fresh.times_us, chosen.change
    change = None if times is None else change
    attempt = replace(
        work.attempt,
        step="run",
        trained=trained,
        held_out=held_out,
        commit=work.attempt.commit or git.resolve(work.repo.root, "HEAD"),
        change_us=None if change is None or times is None else int(times[change]),
    )
    return replace(
        work.state,
        attempt=attempt,
        began=tuple(dict.fromkeys((*work.state.began, attempt.began))),
        seen=trained.oid + held_out.oid,
        again=_again(work, fresh, change),
        spread=chosen.rise.spread if chosen.rise else work.state.spread,
    )


def _again(work: Work, fresh: Fresh, change: int | None) -> Again | None:
    """Return what to train again on: so many times as many rows since the change."""
    if change is None or fresh.times_us is None or not work.said.again:
        return None
    at = int(fresh.times_us[change])
    before = work.state.again
    if before is None or before.change_us != at:
        return Again(at, len(fresh) - change, 0)
    times = before.times + 1
    return None if times >= _MOST_AGAIN else Again(at, len(fresh) - change, times, before.refused)


def run_pipeline(work: Work) -> Told | None:
    """Run the pipeline on the fresh rows, in a work tree of its own; None when that was done."""
    from mlops_cli.runs import guard
    from mlops_cli.runs.worktree import aside

    one = work.attempt
    if one.trained is None or not work.repo.objects.has(ObjectId(one.trained.oid)):
        work.begin_anew()
        return None
    changed = not_committed(work)
    if changed is not None:
        work.using.say(f"the pipeline runs as it is committed; {changed}")
    try:
        with guard.reaped(work.repo.root), aside(work.repo, one.commit) as (where, _):
            reading.check(where, work.name, replace(work.said, into=one.trained.path))
            tables.place_in(where, one.trained, work.repo)
            run = _run(work, where)
    except (RequestError, ExternalError) as error:
        return work.end("failed", f"the pipeline cannot be run: {error.message}", error.hint)
    if run is None:
        return work.end("failed", "the pipeline has nothing to do: no step reads the fresh rows")
    if run.status == "interrupted":
        told = work.told("interrupted", f"run {run.name} was stopped", f"mlo retrain {work.name}")
        return replace(told, exit_code=run.exit_code)
    work.keep(step="register", run=run.id)
    if run.status != "done":
        return work.end(
            "failed",
            f"run {run.name} {run.status}: {_why(run)}",
            f"mlo runs show {run.name} --log",
        )
    work.note("run", f"ran the pipeline: run {run.name}", name=run.name)
    return None


def _why(run: Run) -> str:
    """Return why a run failed, without the command for a table that is there, and not here."""
    return (run.error or "no reason").partition("; all of it: mlo validate ")[0]


def not_committed(work: Work) -> str | None:
    """Return what is changed in the work tree, which the pipeline does not run with."""
    done = git.run(work.repo.root, "diff", "--name-only", "-z", "HEAD", ok=(0, 1))
    names = [name for name in done.stdout.decode("utf-8", "surrogateescape").split("\0") if name]
    changed = [name for name in names if name != LOCKFILE]
    if not changed:
        return None
    more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
    return f"uncommitted changes do not count: {', '.join(changed[:_NAMED])}{more}"


def _run(work: Work, where: Repository) -> Run | None:
    from mlops_cli.pipeline.run import run
    from mlops_cli.runs import code

    one = work.attempt
    done = run(
        where,
        work.said.steps,
        watcher=work.using.watcher,
        environ=work.using.environ,
        resolve=work.resolve(where),
        tags=(TAG, work.name),
        note=f"retraining {one.id} of {work.name}: {one.reason}",
        state=code.state(where),
    )
    return done.run


def register(work: Work) -> Told | None:
    """Make a version of what the run made; None when that was done."""
    from mlops_cli.registry.register import register as make
    from mlops_cli.runs.record import Run

    one = work.attempt
    run = Run.read(work.repo, ObjectId(str(one.run)))
    try:
        made = make(work.repo, work.name, run=run, trust=work.said.trust)
    except MloError as error:
        hint = error.hint
        if "trust" in error.message or "trust" in (hint or ""):
            hint = f"if its code may run: monitor.retrain.{work.name}.trust: true"
        return work.end("failed", f"no version can be made: {error.message}", hint)
    if made.version.number == one.champion:
        again = work.state.again
        work.put(replace(work.state, again=again and again.left()))
        return work.end("not better", f"the pipeline made v{one.champion} again, byte for byte")
    work.keep(step="compare", version=made.version.number)
    work.note("register", f"registered v{made.version.number}", number=made.version.number)
    return None
