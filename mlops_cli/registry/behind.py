"""Models with a version that no stage holds yet. On the way of `mlo status`, so light to import."""

from dataclasses import dataclass

from mlops_cli.core.repository import Repository
from mlops_cli.registry import events


@dataclass(frozen=True, slots=True)
class Behind:
    """A model whose newest version is in no stage, and the versions that its stages hold."""

    model: str
    newest: int
    stages: dict[str, int]


def behind(repo: Repository) -> tuple[Behind, ...]:
    """Return the models whose newest version is in no stage, by name.

    Raises:
        MissingObject, IntegrityError: as of `events.back`.
    """
    heads = repo.refs.all(events.PREFIX)
    found = (_standing(repo, name.removeprefix(events.PREFIX)) for name in sorted(heads))
    return tuple(one for one in found if one.newest not in one.stages.values())


def _standing(repo: Repository, name: str) -> Behind:
    newest = 0
    stages: dict[str, int] = {}
    for event in events.back(repo, events.head(repo, name)):
        if event.kind == "register":
            newest = max(newest, event.number)
        elif event.kind in events.MOVES:
            stages.setdefault(str(event.detail["stage"]), event.number)
    return Behind(name, newest, stages)
