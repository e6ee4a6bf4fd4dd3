"""Sending a version back that is worse than the one it is to replace, and saying why on record.

A canary and the arms of an experiment are compared with the version beside which they stand,
over the same time; a version that was promoted with the one it replaced, which worked before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from mlops_cli.core.config_serving import AutoRollback
from mlops_cli.core.repository import Repository
from mlops_cli.data.servers import Counted, OnTrial
from mlops_cli.errors import MloError
from mlops_cli.registry import models, routes
from mlops_cli.serving.board import Board
from mlops_cli.serving.live import Live
from mlops_cli.serving.metrics import NOTHING, Outcomes, outcomes
from mlops_cli.serving.slot import Slot
from mlops_cli.serving.verdict import Looks, Rules, Worse

_Counts = Mapping[tuple[str, int, str], Outcomes]
_BY = "mlo serve"
_PROMOTED = "answer"


@dataclass(slots=True)
class _Trial:
    """A version on trial, against which, what both had done before, and the looks at it."""

    old: Live
    new: Live
    old_before: Outcomes
    new_before: Outcomes
    looks: Looks
    worse: Worse | None = None
    told: str = ""


class Rescue:
    """Judges what is on trial in a server; `look` is called now and then, by one thread."""

    def __init__(
        self,
        repo: Repository,
        slots: Sequence[Slot],
        board: Board,
        settings: AutoRollback,
        *,
        say: Callable[[str], None],
    ) -> None:
        """Judge what is in `slots` by what all processes counted on `board`."""
        self._repo = repo
        self._slots = slots
        self._board = board
        self._settings = settings
        self._say = say
        self._rules = Rules(settings.min_requests, settings.alpha, settings.latency_factor)
        self._trials: dict[tuple[str, str, int, int], _Trial] = {}
        self._mains = {slot.model: slot.live for slot in slots}

    def told(self) -> tuple[list[Counted], list[OnTrial]]:
        """Return what requests came to by version, and the trials with what both did since."""
        counts = outcomes(self._board)
        counted = [_counted(key, one) for key, one in sorted(counts.items())]
        return counted, [_on_trial(one, counts) for one in self._trials.values()]

    def look(self) -> None:
        """Send back what is worse by now."""
        if not any(slot.routing.beside or self._was_promoted(slot) for slot in self._slots):
            self._mains = {slot.model: slot.live for slot in self._slots}
            self._trials.clear()
            return
        counts = outcomes(self._board)
        trials = {}
        for slot in self._slots:
            for key, old, new in self._on_trial(slot):
                trials[key] = self._trials.get(key) or self._begun(counts, old, new)
        self._trials = trials
        for trial in trials.values():
            self._judge(trial, counts)

    def _was_promoted(self, slot: Slot) -> bool:
        """Return whether another version answers than when this server started, or last."""
        return (
            self._settings.promotion and slot.live.version_id != self._mains[slot.model].version_id
        )

    def _on_trial(self, slot: Slot) -> list[tuple[tuple[str, str, int, int], Live, Live]]:
        routing = slot.routing
        pairs = []
        if self._settings.canary:
            pairs += [(routing.rest, one.live) for one in routing.beside]
        if self._was_promoted(slot):
            pairs.append((self._mains[slot.model], routing.main))
        return [((new.model, new.role, old.version, new.version), old, new) for old, new in pairs]

    def _begun(self, counts: _Counts, old: Live, new: Live) -> _Trial:
        """Return a new trial; what a version did before it replaced another counts for that."""
        replaced = new.role == _PROMOTED
        before = NOTHING if replaced else counts.get(_key(old), NOTHING)
        return _Trial(old, new, before, counts.get(_key(new), NOTHING), Looks(self._rules))

    def _judge(self, trial: _Trial, counts: _Counts) -> None:
        old = counts.get(_key(trial.old), NOTHING).since(trial.old_before)
        new = counts.get(_key(trial.new), NOTHING).since(trial.new_before)
        trial.worse = trial.worse or trial.looks.judge(old, new)
        if trial.worse is None:
            return
        try:
            self._send_back(trial, trial.worse)
        except MloError as error:  # another server was quicker, or the store is locked
            if error.message != trial.told:
                trial.told = error.message
                self._say(f"{trial.new.model} v{trial.new.version} is not sent back: {trial.told}")

    def _send_back(self, trial: _Trial, worse: Worse) -> None:
        new, name = trial.new, trial.new.model
        cause = {"by": _BY, "against": f"v{trial.old.version}", **asdict(worse)}
        if new.role == _PROMOTED:
            from mlops_cli.registry.promote import rollback

            stage = new.reference.partition("@")[2]
            self._mains[name] = new
            model = models.model(self._repo, name)
            moves = [one for one in model.events if one.detail.get("stage") == stage]
            if stage not in model.stages or moves[-1].kind != "promote":
                return
            rollback(self._repo, name, stage, reason=str(worse), cause=cause, standing=new.version)
            self._say(f"{name} v{new.version} is rolled back: {worse}")
            return
        for stage in self._stages(new):
            routes.end(
                self._repo,
                name,
                "canary" if new.role == "canary" else "ab",
                how="aborted",
                stage=stage,
                version=new.version,
                reason=str(worse),
                cause=cause,
            )
            self._say(f"{name} v{new.version} gets no more requests: {worse}")

    def _stages(self, live: Live) -> list[str]:
        """Return where a version has its role, of the places that this server answers for."""
        model = models.model(self._repo, live.model)
        return [
            slot.stage
            for slot in self._slots
            if slot.model == live.model
            and any(
                (arm.role, arm.version) == (live.role, live.version)
                for arm in routes.arms(model, slot.stage)
            )
        ]


def _counted(key: tuple[str, int, str], found: Outcomes) -> Counted:
    return Counted(*key, found.requests, found.bad)


def _on_trial(trial: _Trial, counts: _Counts) -> OnTrial:
    old, new = (
        _counted(_key(live), counts.get(_key(live), NOTHING).since(before))
        for live, before in ((trial.old, trial.old_before), (trial.new, trial.new_before))
    )
    return OnTrial(new.model, new.role, old, new, trial.looks.next)


def _key(live: Live) -> tuple[str, int, str]:
    return live.model, live.version, live.role
