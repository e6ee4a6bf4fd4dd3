"""Whether versions may answer in a deployment: as the stage asks of what answers there.

A manifest moves no stage and is no event, but whoever applies it has its versions answer clients.
So each has to pass what `mlo promote` and `mlo canary` ask, unless it has passed already.
"""

from mlops_cli.core.config_gates import SignatureGate, title
from mlops_cli.core.repository import Repository
from mlops_cli.registry import models, promote, routes
from mlops_cli.registry.gates import signature
from mlops_cli.registry.gates.asked import Drifted, GateResult
from mlops_cli.registry.models import Model, Version
from mlops_cli.registry.promote import Moved


def stage_of(repo: Repository, reference: str, version: Version, asked: str | None) -> str | None:
    """Return the stage whose rules hold: the one asked for, or referred to, or production.

    None where the project declares stages for the model and production is none of them.

    Raises:
        RequestError: there is no stage of the name that was asked for.
    """
    if asked is not None:
        promote.rules_of(repo, version.model, asked)
        return asked
    name = reference.partition("@")[2]
    if name in models.model(repo, version.model).stages:
        return name
    return models.LIVE_STAGE if promote.is_stage(repo, version.model, models.LIVE_STAGE) else None


def refusal(
    repo: Repository,
    version: Version,
    canary: Version | None,
    *,
    share: float,
    stage: str | None,
    drifted: Drifted | None = None,
) -> Moved | None:
    """Return what refuses that a version answers, or that a canary does beside it; None: nothing.

    A version that stands or stood in the stage is asked nothing, as by a rollback; nor is a canary
    that has as large a share of the stage's requests.
    """
    if stage is None:
        return None
    model = models.model(repo, version.model)
    if not _stood(model, version, stage):
        told = _asked(repo, version, stage, drifted)
        if told.refused:
            return told
    if canary is None:
        return None
    told = _beside(model, version, canary, stage)
    if told.refused or _has(model, canary, share, stage):
        return told if told.refused else None
    asked = _asked(repo, canary, stage, drifted)
    return asked if asked.refused else None


def _asked(repo: Repository, version: Version, stage: str, drifted: Drifted | None) -> Moved:
    reference = f"{version.model}@v{version.number}"
    return promote.promote(repo, reference, stage, dry_run=True, drifted=drifted)


def _stood(model: Model, version: Version, stage: str) -> bool:
    return any(
        event.kind in ("promote", "rollback")
        and event.number == version.number
        and event.detail["stage"] == stage
        for event in model.events
    )


def _has(model: Model, version: Version, share: float, stage: str) -> bool:
    """Return whether a version answers as many requests of a stage already."""
    if model.stages.get(stage) == version.number:
        return True
    return any(
        arm.version == version.number and arm.role != "shadow" and arm.share >= share
        for arm in routes.arms(model, stage)
    )


def _beside(model: Model, version: Version, canary: Version, stage: str) -> Moved:
    """Return whether a canary takes every request that the version beside it takes."""
    found: tuple[GateResult, ...] = ()
    if version.signature is not None and canary.signature is not None:
        name = title(SignatureGate(f"v{version.number}"))
        found = (signature.compare(name, version, canary),)
    refused = any(not one.passed for one in found)
    before = model.stages.get(stage)
    return Moved(
        model.name, stage, canary.number, before, moved=False, refused=refused, gates=found
    )
