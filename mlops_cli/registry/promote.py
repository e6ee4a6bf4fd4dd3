"""Moving stages: forward through gates, and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from mlops_cli.core.config_models import Stage
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.errors import Conflict, RequestError
from mlops_cli.registry import events, models
from mlops_cli.registry.gates.asked import Asked, Drifted, GateResult
from mlops_cli.registry.gates.check import check
from mlops_cli.registry.models import Model

DEFAULT_STAGES = ("staging", "production")
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a request to move a stage.

    Attributes:
        before: the version that stood there; None when there was none.
        gates: each rule of the stage, passed or not.
        moved: whether the stage moved; it does not when a gate refuses, when it stands there
            already, or when only asked.
        refused: whether a gate refused.
    """

    model: str
    stage: str
    number: int
    before: int | None
    moved: bool
    refused: bool = False
    gates: tuple[GateResult, ...] = field(default_factory=tuple)


def promote(
    repo: Repository,
    reference: str,
    stage: str,
    *,
    reason: str | None = None,
    dry_run: bool = False,
    cause: Mapping[str, Any] | None = None,
    drifted: Drifted | None = None,
) -> Moved:
    """Move `stage` to the version that `reference` means, if it passes the stage's gates.

    The gates are asked without the repository's lock, since they may take long, and asked again
    if by then a stage has moved or somebody has approved or taken that back.

    Args:
        repo: where.
        reference: the version.
        stage: where it is to stand.
        reason: why, for the record.
        dry_run: only ask the gates; nothing moves.
        cause: what did this where no person did: plain JSON values, kept on record.
        drifted: compares two tables, for gates on drift.

    Raises:
        RequestError: there is no such version, or the project declares stages and not this one.
        Conflict: whenever the gates had been asked, others had moved stages.
    """
    _check_free_name(stage, "a stage")
    for _ in range(_TRIES):
        version = models.resolve(repo, reference)
        model = models.model(repo, version.model)
        rules = rules_of(repo, model.name, stage)
        results = check(Asked(repo, model, version, stage, drifted), rules)
        before = model.stages.get(stage)
        moved = Moved(model.name, stage, version.number, before, moved=False, gates=results)
        refused = not all(result.passed for result in results)
        if before == version.number or refused or dry_run:
            return replace(moved, refused=refused and (dry_run or before != version.number))
        with repo.lock("promote"):
            if judged(models.model(repo, model.name)) != judged(model):
                continue
            detail = {
                "stage": stage,
                "previous": before,
                "reason": reason,
                "gates": [kept(one) for one in results],
            }
            events.append(repo, model.name, "promote", version.number, _caused(detail, cause))
        return replace(moved, moved=True)
    raise Conflict(f"stages of {reference} moved all the time", hint="try again")


def judged(model: Model) -> list[ObjectId]:
    """Return the events that gates were judged by, evaluations aside."""
    kinds = (*events.MOVES, "approve", "revoke", "register")
    return [event.oid for event in model.events if event.kind in kinds]


def kept(result: GateResult) -> dict[str, Any]:
    """Return a gate's result as events keep it."""
    held = {"gate": result.gate, "passed": result.passed, "why": result.why}
    return {**held, "evidence": list(result.evidence)} if result.evidence else held


def rollback(
    repo: Repository,
    name: str,
    stage: str,
    *,
    reason: str | None = None,
    cause: Mapping[str, Any] | None = None,
    standing: int | None = None,
) -> Moved:
    """Move `stage` back to the version that stood there before; again goes further back.

    Args:
        repo: where.
        name: the model.
        stage: which stage.
        reason: why, for the record.
        cause: what did this where no person did, such as a server that saw errors: plain JSON
            values, kept on record.
        standing: the version that the caller judged; when another stands there by now, nothing
            moves.

    Raises:
        Conflict: another version than `standing` stands there.
        RequestError: nothing stood there before.
    """
    with repo.lock("rollback"):
        model = models.model(repo, name)
        there = model.stages.get(stage)
        if there is None:
            near = ", ".join(sorted(model.stages)) or "none"
            raise RequestError(
                f"nothing of {name} is in '{stage}' (stages in use: {near})",
                hint=f"mlo promote {name} {stage}",
            )
        if standing not in (None, there):
            raise Conflict(f"v{there} is in {stage} of {name} by now, not v{standing}")
        earlier = _earlier(model, stage)
        if not earlier:
            raise RequestError(
                f"{name} had no other version in '{stage}' before v{there}",
                hint=f"mlo promote {name}@VERSION {stage}",
            )
        detail = {"stage": stage, "previous": there, "reason": reason}
        events.append(repo, name, "rollback", earlier[-1], _caused(detail, cause))
    return Moved(name, stage, earlier[-1], there, moved=True)


def _caused(detail: dict[str, Any], cause: Mapping[str, Any] | None) -> dict[str, Any]:
    return detail if cause is None else {**detail, "cause": dict(cause)}


def _earlier(model: Model, stage: str) -> list[int]:
    """Return the versions that a stage can go back to, the last one next."""
    line: list[int] = []
    for event in model.events:
        if event.kind == "promote" and event.detail["stage"] == stage:
            line.append(event.number)
        elif event.kind == "rollback" and event.detail["stage"] == stage:
            while line and line[-1] != event.number:
                line.pop()
            line = line or [event.number]
    return line[:-1]


def alias(repo: Repository, reference: str, name: str, *, reason: str | None = None) -> Moved:
    """Give a version a free name, such as `champion`; it moves when given again.

    `reason` says why, for the record.
    """
    _check_free_name(name, "an alias")
    with repo.lock("alias"):
        version = models.resolve(repo, reference)
        model = models.model(repo, version.model)
        if name in model.stages or name in _declared(repo, model.name):
            raise RequestError(f"'{name}' is a stage", hint=f"mlo promote {reference} {name}")
        before = model.aliases.get(name)
        if before != version.number:
            detail = {"alias": name, "previous": before, "reason": reason}
            events.append(repo, model.name, "alias", version.number, detail)
    return Moved(model.name, name, version.number, before, moved=before != version.number)


def _check_free_name(name: str, what: str) -> None:
    events.check_name(name)
    if name[:1] == "v" and name[1:].isdigit():
        raise RequestError(f"'{name}' looks like a version, so it cannot be {what}")


def rules_of(repo: Repository, name: str, stage: str) -> Stage:
    """Return what a stage asks.

    A project that declares no stages has `staging` and `production`, which ask nothing.

    Raises:
        RequestError: there is no such stage.
    """
    declared = _all(repo, name)
    if stage in declared:
        return declared[stage]
    near = get_close_matches(stage, declared, n=1)
    known = ", ".join(declared)
    hint = (
        f"did you mean '{near[0]}'?" if near else f"one of: {known}; or declare it in .mlops.yaml"
    )
    raise RequestError(f"'{stage}' is not a stage of {name}", hint=hint)


def is_stage(repo: Repository, name: str, stage: str) -> bool:
    """Return whether a version of a model may stand in a stage of that name."""
    return stage in _all(repo, name)


def first_stage(repo: Repository, name: str) -> str:
    """Return where a new version goes first: to the first stage that requires no other."""
    declared = _all(repo, name)
    return next((stage for stage, rules in declared.items() if rules.requires is None), "STAGE")


def next_stage(repo: Repository, name: str, stage: str) -> str | None:
    """Return where a version goes from `stage`: to one that requires it, else to the next."""
    declared = _all(repo, name)
    for after, rules in declared.items():
        if rules.requires == stage:
            return after
    names = list(declared)
    later = names[names.index(stage) + 1 :] if stage in names else []
    return later[0] if later else None


def _all(repo: Repository, name: str) -> dict[str, Stage]:
    return _declared(repo, name) or dict.fromkeys(DEFAULT_STAGES, Stage())


def _declared(repo: Repository, name: str) -> dict[str, Stage]:
    held = repo.settings.models.get(name)
    return dict(held.stages) if held else {}
