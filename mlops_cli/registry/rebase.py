"""Putting local events after those that a remote has got in the meantime."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlops_cli.audit import chain
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.registry import events, models
from mlops_cli.registry.events import Event


@dataclass(frozen=True, slots=True)
class Rebased:
    """What was put after the remote's events, and how versions made here are numbered now."""

    model: str
    events: int
    renumbered: tuple[tuple[int, int], ...]


def rebase(repo: Repository, name: str, there: ObjectId) -> Rebased:
    """Make a model's chain the remote's, which ends at `there`, and then what was done here.

    A version registered here gets the next free number; a stage that both sides moved ends
    where it was moved here. Every event keeps when and by whom it was done.

    Raises:
        MissingObject: the remote's events were not fetched.
    """
    with repo.lock("rebase"):
        here = events.head(repo, name)
        theirs = {event.oid for event in events.back(repo, there)}
        ours: list[Event] = []
        for event in events.back(repo, here):
            if event.oid in theirs:
                break
            ours.append(event)
        ours.reverse()
        chain.record(
            repo,
            "rebase",
            name,
            {"events": len(ours), "onto": there},
            moves={events.PREFIX + name: (here, there)},
        )
        numbers: dict[int, int] = {}
        for event in ours:
            _replay(repo, name, event, numbers)
    return Rebased(name, len(ours), tuple(sorted(numbers.items())))


def _replay(repo: Repository, name: str, event: Event, numbers: dict[int, int]) -> None:
    model = models.model(repo, name)
    number = numbers.get(event.number, event.number)
    detail: Mapping[str, Any] = event.detail
    if event.kind == "register":
        number = numbers[event.number] = model.newest.number + 1
        detail = {**detail, "formerly": [*detail.get("formerly", ()), event.oid]}
    else:
        standing = (model.aliases if event.kind == "alias" else model.stages).get(
            str(detail.get("alias", detail.get("stage")))
        )
        detail = {**detail, "previous": standing}
    events.write(
        repo, name, event.kind, number, detail, when=event.time, who=event.who, action="rebase"
    )
