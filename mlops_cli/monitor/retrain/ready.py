"""Getting a new version ready for a stage: through those that it requires, evaluated as gates ask.

A person would put it into staging, and evaluate it on what a gate names, before asking for more.
No gate is passed by that: each is asked as ever.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_cli.core.config_gates import FairnessGate, Gate, MetricGate
from mlops_cli.core.records import dataclass
from mlops_cli.errors import MloError
from mlops_cli.monitor.retrain.ground import Work
from mlops_cli.registry import events, promote
from mlops_cli.registry.evaluation.evaluate import evaluate
from mlops_cli.registry.evaluation.record import Data, Evaluation, of_version
from mlops_cli.registry.gates import evaluated
from mlops_cli.registry.gates.asked import Asked
from mlops_cli.registry.models import Version
from mlops_cli.registry.promote import Moved


@dataclass(frozen=True, slots=True)
class _Needed:
    """What a gate needs to know of a version: an evaluation on a table, by some columns."""

    version: Version
    data: Data
    slices: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()

    def met_by(self, found: Evaluation) -> bool:
        """Return whether an evaluation says it."""
        sliced = {one.column for one in found.slices}
        treated = {one.column for one in found.fairness}
        same = found.data.oid == self.data.oid
        return same and sliced.issuperset(self.slices) and treated.issuperset(self.sensitive)


def before(work: Work) -> list[str]:
    """Return the stages that the new version has to be in before, and was not yet, in order."""
    found: list[str] = []
    stage = promote.rules_of(work.repo, work.name, work.stage).requires
    while stage is not None and not _was_in(work, stage):
        found.insert(0, stage)
        stage = promote.rules_of(work.repo, work.name, stage).requires
    return found


def walk(work: Work) -> Moved | None:
    """Put the new version through the stages before; return what refuses it, None if nothing does.

    By then it is evaluated on what the gates of its own stage name, too.
    """
    one = work.attempt
    for stage in before(work):
        _evaluate(work, stage)
        moved = promote.promote(
            work.repo,
            f"{work.name}@v{one.version}",
            stage,
            reason=one.reason,
            cause=work.cause(),
            drifted=work.drifted,
        )
        if moved.refused:
            return moved
        work.note("stage", f"v{one.version} is in {stage}, which {work.stage} requires")
    _evaluate(work, work.stage)
    return None


def _was_in(work: Work, stage: str) -> bool:
    one = work.state.attempt
    number = None if one is None else one.version
    moves = (event for event in work.model.events if event.kind in events.MOVES)
    return any(event.number == number and event.detail.get("stage") == stage for event in moves)


def _evaluate(work: Work, stage: str) -> None:
    """Evaluate what the gates of a stage want to see evaluated, and is not yet.

    Where that cannot be done the gate refuses, and says what it lacks.
    """
    model = work.model
    asked = Asked(work.repo, model, model.version(work.attempt.version or 0), stage, work.drifted)
    for gate in promote.rules_of(work.repo, work.name, stage).gates:
        for one in _needed(asked, gate):
            if any(map(one.met_by, of_version(work.model, one.version))):
                continue
            try:
                _evaluated(work, one)
            except MloError as error:
                work.using.say(f"v{one.version.number} cannot be evaluated: {error.message}")


def _needed(asked: Asked, gate: Gate) -> Iterator[_Needed]:
    """Yield what a gate needs to know of the new version, and of those that it is held against."""
    against: tuple[str | None, ...] = ()
    slices: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    if isinstance(gate, MetricGate):
        if gate.data is None and gate.slice is None and gate.better_than is None:
            return
        against = (gate.not_worse_than, gate.better_than)
        slices = () if gate.slice is None else (gate.slice.partition("=")[0],)
    elif isinstance(gate, FairnessGate):
        sensitive = (gate.of,)
    else:
        return
    try:
        data = evaluated.meant(asked, gate.data)
    except MloError:
        return
    others = [asked.standing(stage) for stage in against if stage is not None]
    for version in dict.fromkeys([asked.version.number, *(one.number for one in others if one)]):
        yield _Needed(asked.model.version(version), data, slices, sensitive)


def _evaluated(work: Work, one: _Needed) -> None:
    held = work.repo.settings.models.get(work.name)
    slices = () if held is None else held.evaluate.slices
    sensitive = () if held is None else held.evaluate.sensitive
    kept, version = work.repo.objects.has(one.data.oid), one.version
    evaluate(
        work.repo,
        version,
        f"{one.data.path}@{one.data.oid}" if kept else one.data.path,
        target=work.said.target,
        slices=tuple(dict.fromkeys((*slices, *one.slices))),
        sensitive=tuple(dict.fromkeys((*sensitive, *one.sensitive))),
    )
    text = f"evaluated v{version.number} on {one.data.path}, as a gate asks"
    work.note("evaluate", text, data=one.data.oid)
