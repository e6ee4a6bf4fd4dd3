"""Retraining a model: from fresh rows to a stage that moves, step by step, each on record.

A call begins a retraining, or goes on with the one under way: what is done is on disk after each
step, so one that was killed, or waits for a person or for requests, is taken up where it stood. The
version in the stage stays there until another takes its place.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mlops_cli.core.records import replace
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.monitor.retrain import making, need, possible, ready, record, trying
from mlops_cli.monitor.retrain.ground import Using, Work
from mlops_cli.monitor.retrain.record import Attempt, Step, Told
from mlops_cli.monitor.retrain.window import Taken
from mlops_cli.registry import routes

_STEPS: Mapping[Step, Callable[[Work], Told | None]] = {
    "data": making.take_data,
    "run": making.run_pipeline,
    "register": making.register,
    "compare": trying.compare,
    "trial": trying.begin_trial,
    "canary": trying.watch_canary,
    "promote": trying.move_stage,
}
_MOST_STEPS = 20
"""More than any retraining has, even one of which data were lost half way."""


def retrain(
    repo: Repository,
    name: str,
    *,
    cause: Mapping[str, Any] | None = None,
    reason: str | None = None,
    if_needed: bool = False,
    force: bool = False,
    dry_run: bool = False,
    using: Using | None = None,
) -> Told:
    """Retrain a model, or go on with the retraining under way, as far as it goes now.

    Args:
        repo: where.
        name: the model.
        cause: what brought it about where no person did, such as an alert.
        reason: why, for the record.
        if_needed: only if its errors have risen, or more rows have come since they did.
        force: whatever the limit on a day and the time between two say; never on bad data.
        dry_run: say what would be done, and do nothing.
        using: what the caller lends.

    Raises:
        RequestError: there is no such model, the settings do not say how it is retrained, or they
            cannot hold, see `possible`.
        Locked: another process is at it.
        MloError: git, the store or the disk refuses; the next call goes on from there.
    """
    with record.alone(repo, name):
        work = Work(repo, name, using or Using())
        possible.check(work)
        if work.state.attempt is None:
            begun = _begin(work, cause, reason, if_needed=if_needed, force=force, dry_run=dry_run)
            if begun is not None:
                return begun
        elif dry_run:
            step = work.attempt.step
            return work.told("would retrain", f"one is under way, and goes on with: {step}")
        elif work.stage != work.said.stage:
            work.using.say(f"it began for {work.stage}; {work.said.stage} is for the next one")
        return _go_on(work)


def stop(repo: Repository, name: str, *, using: Using | None = None) -> Told:
    """Give up the retraining under way; the version in the stage stays.

    Raises:
        RequestError: none is under way.
        Locked: another process is at it.
    """
    with record.alone(repo, name):
        work = Work(repo, name, using or Using())
        one = work.attempt
        arms = [arm.version for arm in routes.arms(work.model, one.stage) if arm.role == "canary"]
        if one.version in arms:
            routes.end(repo, name, "canary", how="aborted", stage=one.stage, version=one.version)
        return work.end("stopped", f"given up before: {one.step}")


def _begin(
    work: Work,
    cause: Mapping[str, Any] | None,
    reason: str | None,
    *,
    if_needed: bool,
    force: bool,
    dry_run: bool,
) -> Told | None:
    """Begin a retraining; or return why not, or what would be done."""
    back: int | None = None
    if if_needed:
        found = need.needed(work)
        if found.cause is None:
            return work.told("not needed", found.why)
        cause, reason, back = found.cause, reason or found.why, found.back
    wait = None if force else _too_soon(work, trains=back is None)
    if wait is not None and not dry_run:
        return _wait(work, wait)
    looked = making.look(work) if back is None else making.look_back(work, back)
    if isinstance(looked, Told):
        return looked
    if wait is not None:
        return _wait(work, wait)
    if dry_run:
        return _would(work, looked, back, reason)
    work.found = looked
    said = dict(cause) if cause is not None else {"by": "mlo retrain", "kind": "asked"}
    standing = work.standing()
    attempt = Attempt(
        id=os.urandom(8).hex(),
        step="data",
        began=work.now,
        cause=said,
        reason=reason or str(said.get("reason") or "asked for"),
        stage=work.stage,
        champion=None if standing is None else standing.number,
        back=back,
    )
    work.put(replace(work.state, attempt=attempt))
    begun = f"began to retrain {work.name}" if back is None else f"began to bring back v{back}"
    work.note("begin", f"{begun}: {attempt.reason}")
    return None


def _wait(work: Work, why: str) -> Told:
    return work.told("too soon", why, "all the same: --force")


def _too_soon(work: Work, *, trains: bool) -> str | None:
    """Return why no retraining may begin now; the limit on a day is one on trainings."""
    now = datetime.fromtimestamp(work.using.now_ns() / 1e9, UTC)
    state, said = work.state, work.said
    day = (now - timedelta(days=1)).isoformat()
    today = [one for one in state.began if one >= day]
    if trains and len(today) >= said.max_per_day:
        return f"{len(today)} retrainings began within a day, {said.max_per_day} may"
    if state.ended is not None:
        over = datetime.fromisoformat(state.ended) + timedelta(seconds=said.cooldown_s)
        if over > now:
            return f"one ended at {state.ended[:19]}; the next may begin at {over.isoformat()[:19]}"
    return None


def _would(work: Work, found: Taken, back: int | None, reason: str | None) -> Told:
    chosen, said = found.chosen, work.said
    stages = [*ready.before(work), work.stage]
    then = f"then {' and '.join(stages)}, through {'their' if len(stages) > 1 else 'its'} gates"
    if said.canary is not None:
        then = f"then a try on {100 * said.canary.share:.4g}% of the requests, {then}"
    if back is None:
        why = f"train on {found.training.text}, {chosen.why}"
        changed = making.not_committed(work)
        steps = ["run the pipeline as it is committed" + (f"; {changed}" if changed else "")]
    else:
        why, steps = f"bring back v{back}: nothing is trained", []
    work.steps += [reason] if reason else []
    work.steps += [why, *steps, f"compare on the newest {chosen.held_out:,} rows", then]
    return work.told("would retrain", why)


def _go_on(work: Work) -> Told:
    """Do what is next until it ends or waits."""
    for _ in range(_MOST_STEPS):
        told = _STEPS[work.attempt.step](work)
        if told is not None:
            return told
    raise RequestError(
        f"the retraining of {work.name} goes round in circles at {work.attempt.step}"
    )
