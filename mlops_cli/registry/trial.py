"""Whether a version may answer clients beside a stage: as the stage asks of what stands in it.

A canary and an arm of an experiment answer people, so they pass the stage's rules first, and take
every request that the version there takes. A shadow answers nobody, and is asked nothing.
"""

from collections.abc import Mapping
from typing import Any

from mlops_cli.core.config_gates import SignatureGate, title
from mlops_cli.core.config_models import Stage
from mlops_cli.core.repository import Repository
from mlops_cli.errors import Conflict
from mlops_cli.registry import models, promote, routes
from mlops_cli.registry.gates import signature
from mlops_cli.registry.gates.asked import Asked, Drifted, GateResult
from mlops_cli.registry.gates.check import check
from mlops_cli.registry.models import Model, Version
from mlops_cli.registry.promote import Moved
from mlops_cli.registry.routes import Role, Wanted

_TRIES = 20


def begin(
    repo: Repository,
    reference: str,
    role: Role,
    *,
    share: float = 1.0,
    by: str | None = None,
    stage: str = models.LIVE_STAGE,
    reason: str | None = None,
    drifted: Drifted | None = None,
    cause: Mapping[str, Any] | None = None,
) -> Moved:
    """Let a version take a share of the requests to `stage`, if it passes the stage's gates.

    A version that has the role already and gets no more than it has is asked nothing. What a
    refusal says is what a refused promotion says. `drifted` is for gates on drift, `cause` for
    the record.

    Raises:
        RequestError: there is no such version, or it cannot be beside what else stands there.
        Conflict: whenever the gates had been asked, others had moved stages.
    """
    for _ in range(_TRIES):
        wanted = routes.want(repo, reference, role, share=share, by=by, stage=stage)
        model, version = wanted.model, wanted.version
        results = _asked(repo, wanted, role, stage, drifted)
        refused = not all(result.passed for result in results)
        before = routes.means(model, stage)
        told = Moved(
            model.name, stage, version.number, before, moved=False, refused=refused, gates=results
        )
        if refused:
            return told
        with repo.lock("route"):
            if promote.judged(models.model(repo, model.name)) != promote.judged(model):
                continue
            kept = [promote.kept(one) for one in results]
            named = f"{model.name}@v{version.number}"
            routes.begin(
                repo,
                named,
                role,
                share=share,
                by=by,
                stage=stage,
                reason=reason,
                gates=kept,
                cause=cause,
            )
        return told
    raise Conflict(f"stages of {reference} moved all the time", hint="try again")


def takes(model: Model, version: Version, stage: str) -> GateResult | None:
    """Return whether a version takes every request that the one in a stage takes.

    None where that is not known.
    """
    number = routes.means(model, stage)
    standing = None if number is None else model.version(number)
    if standing is None or standing.signature is None or version.signature is None:
        return None
    return signature.compare(title(SignatureGate(stage)), standing, version)


def _asked(
    repo: Repository, wanted: Wanted, role: Role, stage: str, drifted: Drifted | None
) -> tuple[GateResult, ...]:
    """Return what the stage and its requests ask of a version that is to have more of them."""
    if role == "shadow" or not wanted.grows:
        return ()
    model, version = wanted.model, wanted.version
    results = check(Asked(repo, model, version, stage, drifted), _rules(repo, model, stage))
    fits = takes(model, version, stage)
    if fits is None or any(one.gate == fits.gate for one in results):
        return results
    return (*results, fits)


def _rules(repo: Repository, model: Model, stage: str) -> Stage:
    """Return what a stage asks; what is no stage, such as `v3` or an alias, asks nothing."""
    return promote.rules_of(repo, model.name, stage) if stage in model.stages else Stage()
