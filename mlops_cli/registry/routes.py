"""Which versions stand beside the one that answers: canaries, arms of an experiment, shadows.

They are events in the model's chain, so that every server of the repository follows them, they
travel with `push`, and who began and ended what is on record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError, RequestError
from mlops_cli.registry import events, models
from mlops_cli.registry.events import Event
from mlops_cli.registry.models import Model, Version

Role = Literal["canary", "ab", "shadow"]
Ended = Literal["promoted", "aborted", "stopped"]
HEADER = "header:"
"""Before the name of a header, where the key of a user is in one."""
_WORDS: Mapping[str, str] = {"canary": "canary", "ab": "experiment", "shadow": "shadow"}
_ENDING: Mapping[str, str] = {
    "canary": "mlo canary MODEL --abort",
    "ab": "mlo ab stop MODEL",
    "shadow": "mlo shadow MODEL --stop",
}


@dataclass(frozen=True, slots=True)
class Arm:
    """A version beside the one that a stage answers with.

    Attributes:
        stage: whose requests it shares: a stage, or another reference such as `v3`.
        share: of the requests, in 0..1; of a shadow, of those that it sees.
        by: the field of a request, or `header:NAME`, whose value decides which version answers;
            None where chance does.
        salt: what the hash of that value begins with, so that experiments divide users anew.
        since: when it got this role.
    """

    role: Role
    stage: str
    version: int
    share: float
    by: str | None
    salt: str
    since: str


def arms(model: Model, stage: str = models.LIVE_STAGE) -> tuple[Arm, ...]:
    """Return what stands beside the version that `stage` of a model means, oldest first.

    A version that the stage was moved to stands beside it no more.
    """
    found: dict[tuple[str, int], Arm] = {}
    for event in model.events:
        if event.detail.get("stage") != stage:
            continue
        if event.kind in events.MOVES:
            found = {key: arm for key, arm in found.items() if arm.version != event.number}
        elif event.kind == "route":
            key = (str(event.detail["role"]), event.number)
            if event.detail.get("ended"):
                found.pop(key, None)
            else:
                found[key] = _arm(event, found.get(key))
    return tuple(found.values())


def fields(model: Model) -> tuple[str, ...]:
    """Return the fields of requests by which users of a model have ever been told apart.

    Clients go on to send them when an experiment has ended.
    """
    told = {event.detail.get("by") for event in model.events if event.kind == "route"}
    return tuple(sorted(by for by in told if by is not None and not by.startswith(HEADER)))


def begin(
    repo: Repository,
    reference: str,
    role: Role,
    *,
    share: float = 1.0,
    by: str | None = None,
    stage: str = models.LIVE_STAGE,
    reason: str | None = None,
    gates: Sequence[Mapping[str, Any]] = (),
    cause: Mapping[str, Any] | None = None,
) -> Arm:
    """Let the version that `reference` means take a share of the requests to `stage`.

    A version that has the role already gets the new share. Whether it may is not asked here but
    by `trial`; `gates` are what was asked, and `cause` what did this where no person did, for the
    record.

    Raises:
        RequestError: there is no such version, it answers there already, or it cannot be beside
            what else stands there.
    """
    with repo.lock("route"):
        wanted = want(repo, reference, role, share=share, by=by, stage=stage)
        model, number = wanted.model, wanted.version.number
        if wanted.changes:
            detail = {"stage": stage, "role": role, "share": share, "by": wanted.by}
            detail |= {"reason": reason, "previous": means(model, stage)}
            detail["salt"] = _salt(arms(model, stage)) or f"{model.name}-{len(model.events)}"
            if gates:
                detail["gates"] = [dict(one) for one in gates]
            if cause is not None:
                detail["cause"] = dict(cause)
            events.append(repo, model.name, "route", number, detail)
            model = models.model(repo, model.name)
    return next(arm for arm in arms(model, stage) if (arm.role, arm.version) == (role, number))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A role that a version is to have, and may have as far as the others go.

    Attributes:
        by: what is to tell users apart: as was said, or as it is.
        own: the same role as the version has it by now.
    """

    model: Model
    version: Version
    share: float
    by: str | None
    own: Arm | None

    @property
    def changes(self) -> bool:
        """Whether it is not so already."""
        return self.own is None or (self.own.share, self.own.by) != (self.share, self.by)

    @property
    def grows(self) -> bool:
        """Whether the version is to have more of the requests than it has, or others."""
        own = self.own
        return own is None or own.by != self.by or own.share < self.share


def want(
    repo: Repository,
    reference: str,
    role: Role,
    *,
    share: float = 1.0,
    by: str | None = None,
    stage: str = models.LIVE_STAGE,
) -> Wanted:
    """Return what `begin` would do.

    Raises:
        RequestError: it could not.
    """
    if not 0 < share <= 1:
        raise RequestError(
            f"{share:.4g} is no share of requests", hint="write it as 10%, of more than 0%"
        )
    version = models.resolve(repo, reference)
    model = models.model(repo, version.model)
    standing = arms(model, stage)
    own = next((a for a in standing if (a.role, a.version) == (role, version.number)), None)
    by = by if by is not None or own is None else own.by
    _check(model, stage, version.number, role, share, by, standing)
    return Wanted(model, version, share, by, own)


def end(
    repo: Repository,
    name: str,
    role: Role,
    *,
    how: Ended,
    stage: str = models.LIVE_STAGE,
    version: int | None = None,
    reason: str | None = None,
    cause: Mapping[str, Any] | None = None,
) -> tuple[Arm, ...]:
    """Send the requests of a role's versions, or of one, back to what `stage` means.

    Raises:
        RequestError: there is nothing to end.
    """
    with repo.lock("route"):
        model = models.model(repo, name)
        ending = [arm for arm in arms(model, stage) if arm.role == role]
        ending = [arm for arm in ending if version in (None, arm.version)]
        if not ending:
            which = "" if version is None else f" v{version}"
            raise RequestError(
                f"{name}{which} has no {_WORDS[role]} beside '{stage}'",
                hint=f"mlo models show {name}",
            )
        for arm in ending:
            detail: dict[str, Any] = {"stage": stage, "role": role, "ended": how, "reason": reason}
            if cause is not None:
                detail["cause"] = dict(cause)
            events.append(repo, name, "route", arm.version, detail)
    return tuple(ending)


def only(repo: Repository, name: str, role: Role, stage: str = models.LIVE_STAGE) -> Arm:
    """Return the version that has a role alone.

    Raises:
        RequestError: there is none.
    """
    for arm in arms(models.model(repo, name), stage):
        if arm.role == role:
            return arm
    raise RequestError(
        f"{name} has no {_WORDS[role]} beside '{stage}'", hint=f"mlo models show {name}"
    )


def ended(model: Model, role: Role, version: int, stage: str) -> Event | None:
    """Return the event that ended a role of a version, None if it has not ended or never began."""
    told = [
        event
        for event in model.events
        if event.kind == "route"
        and event.number == version
        and (event.detail["role"], event.detail["stage"]) == (role, stage)
    ]
    return told[-1] if told and told[-1].detail.get("ended") else None


def _check(
    model: Model,
    stage: str,
    number: int,
    role: Role,
    share: float,
    by: str | None,
    standing: tuple[Arm, ...],
) -> None:
    """Raise RequestError unless a version may take this role beside `standing`."""
    name, meant = model.name, means(model, stage)
    if meant is None:
        raise RequestError(
            f"nothing of {name} is in '{stage}' for it to stand beside",
            hint=f"mlo promote {name}@VERSION {stage}",
        )
    if meant == number:
        raise RequestError(
            f"{name} v{number} is what '{stage}' answers with", hint=f"mlo models show {name}"
        )
    if role == "ab" and by is None:
        raise RequestError(
            "an experiment needs to know what tells users apart",
            hint="--by user_id for a field of the request, --by header:X-User for a header",
        )
    others = [arm for arm in standing if (arm.role, arm.version) != (role, number)]
    for arm in others:
        clash = role != "shadow" and arm.role != "shadow" and (role, arm.role) != ("ab", "ab")
        if clash or (role == arm.role == "shadow"):
            raise RequestError(
                f"v{arm.version} has {_part(arm)} of {name}@{stage} already",
                hint=f"end that first: {_ENDING[arm.role]}".replace("MODEL", name),
            )
        if role == arm.role == "ab" and arm.by != by:
            raise RequestError(
                f"the experiment on {name}@{stage} goes by '{arm.by}', not by '{by}'",
                hint=f"--by {arm.by}",
            )
    taken = sum(arm.share for arm in others if arm.role == role == "ab")
    if taken + share > 1 + 1e-9:
        raise RequestError(
            f"the versions in the experiment would have {taken + share:.0%} of the requests",
            hint=f"give v{number} at most {1 - taken:.0%}",
        )


def means(model: Model, stage: str) -> int | None:
    """Return the number of the version that `MODEL@stage` means, if that is plain to see."""
    if stage[:1] == "v" and stage[1:].isdigit():
        return int(stage[1:])
    return model.stages.get(stage) or model.aliases.get(stage)


def _part(arm: Arm) -> str:
    return "the part of a shadow" if arm.role == "shadow" else f"{arm.share:.4g} of the requests"


def _salt(standing: tuple[Arm, ...]) -> str | None:
    return next((arm.salt for arm in standing if arm.role == "ab"), None)


def _arm(event: Event, before: Arm | None) -> Arm:
    held = event.detail
    try:
        if held["role"] not in get_args(Role):
            raise ValueError(held["role"])
        return Arm(
            held["role"],
            held["stage"],
            event.number,
            float(held["share"]),
            held["by"],
            before.salt if before else str(held["salt"]),
            before.since if before else event.time,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"event {event.oid} of {event.model} routes nothing") from error


def share_of(text: str) -> float:
    """Return the share that `10%` or `0.1` means.

    >>> share_of("10%"), share_of("0.25")
    (0.1, 0.25)

    Raises:
        RequestError: it means none.
    """
    number, percent, rest = text.partition("%")
    try:
        value = float(number) / (100 if percent else 1)
    except ValueError:
        value = -1.0
    if rest or not 0 < value <= 1:
        raise RequestError(
            f"'{text}' is no share of the requests", hint="write 10% or 0.1, more than 0, at most 1"
        )
    return value
