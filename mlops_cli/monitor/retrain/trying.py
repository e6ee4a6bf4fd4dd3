"""The second half of a retraining: is the new version better, and does it hold among requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import replace
from mlops_cli.data.prediction_log import microseconds
from mlops_cli.errors import MloError, RequestError
from mlops_cli.monitor.retrain import live, ready
from mlops_cli.monitor.retrain.fresh import off
from mlops_cli.monitor.retrain.ground import Work
from mlops_cli.monitor.retrain.record import Attempt, Table, Told, Watch
from mlops_cli.monitor.retrain.standing import from_now_on
from mlops_cli.monitor.retrain.window import base_of
from mlops_cli.registry import promote, routes, trial
from mlops_cli.registry.evaluation.answers import Labelled
from mlops_cli.registry.evaluation.evaluate import evaluate
from mlops_cli.registry.gates.metric import smaller_is_better
from mlops_cli.registry.promote import Moved

if TYPE_CHECKING:
    from mlops_cli.registry.evaluation.answers import Answers

_APPROVAL = "approved by "
"""How the gate begins that a person has to open."""


def compare(work: Work) -> Told | None:
    """Evaluate both versions on the newest rows; None when the new one is better."""
    one = work.attempt
    held_out = one.held_out
    if held_out is None or not work.repo.objects.has(ObjectId(held_out.oid)):
        work.begin_anew()
        return None
    standing = work.standing()
    if standing is not None and standing.number == one.version:
        return _by_hand(work)
    try:
        gain = _gain(work, held_out)
    except MloError as error:
        return work.end("failed", f"the versions cannot be compared: {error.message}", error.hint)
    work.keep(step="trial", gain=gain, champion=None if standing is None else standing.number)
    if gain["better"]:
        work.note("compare", _said(gain), gain=gain)
        return None
    work.steps.append(_said(gain))
    _end_canary(work, _said(gain))
    return work.end("not better", _said(gain))


def _is_compared(work: Work) -> bool:
    """Return whether it was compared with what stands in the stage now, as is asked now.

    Else it goes back to be compared. What stands there may be itself, by hand.
    """
    gain, said, standing = work.attempt.gain, work.said, work.standing()
    number = None if standing is None else standing.number
    if gain is None or number not in (gain.get("against"), work.attempt.version):
        work.keep(step="compare")
        return False
    asked = (said.metric or gain["metric"], said.confidence)
    if asked != (gain["metric"], gain.get("confidence", said.confidence)):
        work.keep(step="compare")
        return False
    return True


def _by_hand(work: Work) -> Told:
    return work.end("promoted", f"v{work.attempt.version} was put into {work.stage} by hand")


def _gain(work: Work, held_out: Table) -> dict[str, Any]:
    """Return what both versions come to, and whether the new one is better for sure enough."""
    from mlops_cli.registry.evaluation import paired
    from mlops_cli.registry.gates import evaluated

    said, model, one = work.said, work.model, work.attempt
    name = f"{held_out.path}@{held_out.oid}"
    standing = work.standing()
    target = said.target or model.version(_number(one)).target
    new = evaluate(work.repo, model.version(_number(one)), name, target=target)
    metric = said.metric or ("accuracy" if new.labels is not None else "rmse")
    now = evaluated.value(new, metric, None)
    told: dict[str, Any] = {"metric": metric, "new": now, "rows": new.rows, "better": True}
    told["confidence"] = said.confidence
    if standing is None:
        return told
    old = evaluate(work.repo, standing, name, target=target)
    first, second = evaluated.pair(work.repo, new, old, None)
    higher = not smaller_is_better(metric)
    test = paired.compare(first, second, metric, higher=higher, confidence=said.confidence)
    better = test.gain > 0 and test.p < 1 - said.confidence
    told |= {"old": evaluated.value(old, metric, None), "against": standing.number}
    told |= {"test": test.test, "p": test.p, "better": better}
    if not better and one.back is None:
        _watch_anew(work, standing.number, second)
    return told


def _number(one: Attempt) -> int:
    return one.version or 0


def _watch_anew(work: Work, number: int, answers: Answers) -> None:
    """From now on take the errors of the version that stays as they were on the newest rows.

    Where two in a row were not better there is no third for the same change: what they made is
    compared again as rows come in, which costs nothing.
    """
    labels = isinstance(answers, Labelled)
    far = off(answers.predicted.tolist(), answers.truth.tolist(), is_labels=labels)
    base, cut = base_of(far, is_labels=labels, known_spread=work.state.spread)
    since = work.using.now_ns() // 1000
    kept = Watch(number, since, base.wrong, base.rows, base.spread, cut)
    again = work.state.again
    work.put(replace(work.state, watch=kept, again=again and again.left()))


def _said(gain: dict[str, Any]) -> str:
    rows = f"on the newest {gain['rows']:,} rows"
    if "old" not in gain:
        return f"{gain['metric']} {gain['new']:.4g} {rows}; nothing stands in the stage"
    by = f"{gain['metric']} {gain['new']:.4g} against {gain['old']:.4g} of v{gain['against']}"
    return f"{by} {rows} (p = {gain['p']:.2g})"


def begin_trial(work: Work) -> Told | None:
    """Let the new version answer a share of the requests, if one is to be tried first."""
    one, said = work.attempt, work.said
    if not _is_compared(work):
        return None
    refusing = ready.walk(work)
    if refusing is not None:
        return _refused(work, refusing)
    if said.canary is None or work.standing() is None:
        work.keep(step="promote", waits=None)
        return None
    try:
        moved = trial.begin(
            work.repo,
            f"{work.name}@v{one.version}",
            "canary",
            share=said.canary.share,
            stage=work.stage,
            reason=one.reason,
            drifted=work.drifted,
            cause=work.cause(),
        )
    except RequestError as error:
        return work.end("refused", error.message, error.hint)
    if moved.refused:
        return _refused(work, moved)
    work.keep(step="canary", canary_since=work.now, waits=None)
    work.note(
        "canary", f"v{one.version} answers {100 * said.canary.share:.4g}% of the requests, as a try"
    )
    return None


def watch_canary(work: Work) -> Told | None:
    """Say how the try goes; None when it went well, and the version can take all requests."""
    one, said = work.attempt, work.said
    number, model = _number(one), work.model
    if model.stages.get(work.stage) == number:
        return _by_hand(work)
    ended = routes.ended(model, "canary", number, work.stage)
    if ended is not None:
        why = ended.detail.get("cause") or ended.detail.get("reason") or "by hand"
        return work.end("sent back", f"the try of v{number} was ended: {_in_words(why)}")
    if not _is_compared(work):
        return None
    since = one.canary_since or one.began
    canary = said.canary
    seconds = work.using.now_ns() / 1e9 - microseconds(since) / 1e6
    if canary is not None and seconds < canary.for_s:
        left = canary.for_s - seconds
        return work.told(
            "canary",
            f"v{number} is tried for {_span(left)} more",
            f"then: mlo retrain {work.name}, or mlo monitor does it",
        )
    found = live.answers(work.repo, work.name, since)
    mine = found.get(number, live.Answered())
    least = 0 if canary is None else canary.min_requests
    if mine.rows < least:
        _stop(work, f"it answered {mine.rows} rows, {least} are asked for")
        return work.end(
            "no traffic",
            f"v{number} answered {mine.rows} rows as a try, {least} are asked for",
            f"is `mlo serve {work.name}` running? by hand: mlo promote {work.name}@v{number}"
            f" {work.stage}",
        )
    worse = live.worse(mine, found.get(one.champion or 0, live.Answered()))
    if worse is not None:
        _stop(work, worse)
        return work.end("sent back", f"v{number} was worse among requests: {worse}")
    work.keep(step="promote")
    work.note("canary", f"v{number} held in {mine.rows:,} answers, {mine.labelled:,} with labels")
    return None


def _end_canary(work: Work, why: str) -> None:
    """End the try if it is one."""
    number = work.attempt.version
    arms = routes.arms(work.model, work.stage)
    if any(arm.role == "canary" and arm.version == number for arm in arms):
        _stop(work, why)


def _stop(work: Work, why: str) -> None:
    one = work.attempt
    cause = {**work.cause(), "saw": why}
    routes.end(
        work.repo,
        work.name,
        "canary",
        how="aborted",
        stage=work.stage,
        version=_number(one),
        reason=one.reason,
        cause=cause,
    )


def move_stage(work: Work) -> Told | None:
    """Put the new version into the stage, through its gates; the end of the retraining."""
    one = work.attempt
    if not _is_compared(work):
        return None
    moved = promote.promote(
        work.repo,
        f"{work.name}@v{one.version}",
        work.stage,
        reason=one.reason,
        cause=work.cause(),
        drifted=work.drifted,
    )
    if moved.refused:
        return _refused(work, moved)
    before = "" if moved.before is None else f", after v{moved.before}"
    back = one.back is not None
    watch = from_now_on(work, work.model.version(_number(one))) if back else None
    again = work.state.again
    if again is not None and not back:
        again = replace(again, refused=0)
    work.put(replace(work.state, watch=watch, again=again))
    now = "again" if back else "now"
    return work.end("promoted", f"v{one.version} is in {work.stage} {now}{before}")


def _refused(work: Work, moved: Moved) -> Told:
    """Wait for a person where only that is missing; else end."""
    failed = [one for one in moved.gates if not one.passed]
    why = "; ".join(f"{one.gate}: {one.why}" for one in failed)
    hint = next((one.hint for one in failed if one.hint), None)
    if all(one.gate.startswith(_APPROVAL) for one in failed):
        if work.attempt.waits != why:
            work.note("waits", f"v{moved.number} waits for approval")
            work.keep(waits=why)
        return work.told("needs approval", why, hint)
    _end_canary(work, why)
    return work.end("refused", f"v{moved.number} was refused for {moved.stage}: {why}", hint)


def _in_words(why: Any) -> str:
    if isinstance(why, dict):
        return ", ".join(f"{key} {value}" for key, value in why.items())
    return str(why)


def _span(seconds: float) -> str:
    """Return a time as people say it.

    >>> _span(45), _span(600), _span(7300)
    ('45 s', '10 min', '2 h')
    """
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"
