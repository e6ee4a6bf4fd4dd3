"""Putting local events after those that a remote has got in the meantime."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mlops_cli.audit import chain
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.registry import events, models, routes
from mlops_cli.registry.events import Event
from mlops_cli.registry.gates.asked import Asked
from mlops_cli.registry.gates.check import compared, people
from mlops_cli.registry.models import Model
from mlops_cli.registry.promote import rules_of

if TYPE_CHECKING:
    from mlops_cli.core.pack_writer import PackWriter


@dataclass(frozen=True, slots=True)
class StageMove:
    """A stage, or alias, that is elsewhere now than on the remote; None for nowhere."""

    stage: str
    there: int | None
    now: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A move made here that does not hold after what the remote has got, and why.

    `hint` is what to type to try again.
    """

    stage: str
    number: int
    why: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Rebased:
    """What was put after the remote's events.

    Attributes:
        events: how many.
        renumbered: number before and now of each version that was registered here.
        moved: where this leaves stages elsewhere than the remote has them.
        refused: moves that were left out; the stage is as the remote has it.
    """

    model: str
    events: int
    renumbered: tuple[tuple[int, int], ...]
    moved: tuple[StageMove, ...] = ()
    refused: tuple[Refusal, ...] = ()


def rebase(repo: Repository, name: str, there: ObjectId) -> Rebased:
    """Make a model's chain the remote's, which ends at `there`, and then what was done here.

    A version registered here gets the next free number. A promotion is repeated only if nobody
    else has moved its stage, or one that its gates compared with: they were asked against what
    stood there. A rollback and a route are, if nobody else has touched the stage. What is repeated
    keeps when and by whom it was done. All of it comes to be at once.

    Raises:
        MissingObject: the remote's events were not fetched.
    """
    with repo.lock("rebase"):
        here = events.head(repo, name)
        theirs = tuple(events.back(repo, there))[::-1]
        known = {event.oid for event in theirs}
        ours: list[Event] = []
        for event in events.back(repo, here):
            if event.oid in known:
                break
            ours.append(event)
        met = ours[-1].prev if ours else here
        before = models.fold(name, _before(theirs, met))
        then = models.fold(name, theirs[len(before.events) :], before)
        with repo.writing(), repo.objects.writer() as writer:
            replay = _Replay(repo, writer, before, then)
            for event in reversed(ours):
                replay.add(event)
            told = {"onto": there, "made": replay.made, "replaced": replay.replaced}
            moves = {events.PREFIX + name: (here, replay.head)}
            chain.record_all(repo, [chain.Deed("rebase", name, told)], writer, moves=moves)
    return Rebased(
        name,
        len(replay.made),
        tuple(sorted(replay.numbers.items())),
        _moves(then, replay.model),
        tuple(replay.refused),
    )


def _before(history: tuple[Event, ...], met: ObjectId | None) -> tuple[Event, ...]:
    """Return the events until the last one that both sides know."""
    for place, event in enumerate(history):
        if event.oid == met:
            return history[: place + 1]
    return ()


def _moves(there: Model, now: Model) -> tuple[StageMove, ...]:
    return tuple(
        StageMove(stage, theirs.get(stage), number)
        for theirs, ours in ((there.stages, now.stages), (there.aliases, now.aliases))
        for stage, number in sorted(ours.items())
        if theirs.get(stage) != number
    )


@dataclass(slots=True)
class _Replay:
    """Events that are stored one after the other, before any chain moves."""

    repo: Repository
    writer: "PackWriter"
    met: Model
    """What the events that both sides know add up to."""
    model: Model
    """What the chain will be, as far as it is made; at first what the remote has."""
    made: list[ObjectId] = field(default_factory=list)
    replaced: dict[ObjectId, ObjectId | None] = field(default_factory=dict)
    """What was made of each event; None for one that was left out."""
    numbers: dict[int, int] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)

    @property
    def head(self) -> ObjectId:
        """The newest event."""
        return self.model.events[-1].oid

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.model.name

    def add(self, event: Event) -> None:
        """Repeat an event after the others, or note why it does not hold any more."""
        number = self.numbers.get(event.number, event.number)
        detail: Mapping[str, Any] = event.detail
        if event.kind == "register":
            number = self.numbers[event.number] = self.model.newest.number + 1
            detail = {**detail, "formerly": [*detail.get("formerly", ()), event.oid]}
        elif event.kind in (*events.MOVES, "alias", "route"):
            place = str(detail.get("alias", detail.get("stage")))
            why = self._objection(event, number, place)
            if why is not None:
                again = f"mlo promote {self.name}@v{number} {place}"
                hint = again if event.kind == "promote" else None
                self.refused.append(Refusal(place, number, why, hint))
                self.replaced[event.oid] = None
                return
        if event.kind in (*events.MOVES, "alias"):
            standing = self.model.aliases if event.kind == "alias" else self.model.stages
            detail = {**detail, "previous": standing.get(place)}
        repeated = replace(event, prev=self.head, number=number, detail=detail)
        repeated = replace(repeated, oid=events.keep(self.writer, repeated))
        self.made.append(repeated.oid)
        self.replaced[event.oid] = repeated.oid
        self.model = models.fold(self.name, (repeated,), self.model)

    def _objection(self, event: Event, number: int, stage: str) -> str | None:
        """Return why a move does not hold after what the remote has got; None if it does."""
        if event.kind == "alias":
            return None
        if event.kind != "promote":
            before = self.met.stages.get(stage)
            touched = self._touched(stage, (*events.MOVES, "route"))
            if touched is not None or (before is None and event.kind == "rollback"):
                return touched or "nothing stood there when the two sides last met"
            if not self._answers_more(event, number, stage) or stage not in self.model.stages:
                return None
        try:
            rules = rules_of(self.repo, self.name, stage)
        except RequestError as error:
            return error.message
        for other in (stage, *compared(rules)):
            touched = self._touched(other, events.MOVES)
            if touched is not None:
                return f"{touched}, and the gates were asked before"
        asked = Asked(self.repo, self.model, self.model.version(number), stage)
        failed = [one for one in people(asked, rules) if not one.passed]
        return "; ".join(f"{one.gate}: {one.why}" for one in failed) or None

    def _answers_more(self, event: Event, number: int, stage: str) -> bool:
        """Return whether a version gets requests of clients by an event that it had not before."""
        detail = event.detail
        if event.kind != "route" or detail.get("ended") or detail["role"] == "shadow":
            return False
        standing = routes.arms(self.model, stage)
        own = [one for one in standing if (one.role, one.version) == (detail["role"], number)]
        return not own or own[0].share < detail["share"] or own[0].by != detail["by"]

    def _touched(self, stage: str, kinds: Collection[str]) -> str | None:
        """Return who moved a stage on the remote after both sides last met; None for nobody."""
        known, history = len(self.met.events), self.model.events
        since = history[known : len(history) - len(self.made)]
        for event in reversed(since):
            if event.kind in kinds and event.detail.get("stage") == stage:
                name = event.who.get("name", "somebody")
                return f"{name} moved {stage} to v{event.number} in the meantime"
        return None
