"""Who shares the requests to a stage, and what each of them has answered since it does."""

from collections import Counter
from dataclasses import dataclass, replace

from mlops_cli.core.repository import Repository
from mlops_cli.data import prediction_log, servers
from mlops_cli.data.predictions.counted import counted
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.data.servers import Running
from mlops_cli.registry import models, routes
from mlops_cli.registry.models import Model
from mlops_cli.registry.routes import Arm


@dataclass(frozen=True, slots=True)
class Logged:
    """How many predictions of a version beside a stage the log of this clone has.

    Attributes:
        since: when it got its role.
        predictions: that it has made in that role since.
        beside: that clients had from the version in the stage since.
    """

    role: str
    version: int
    since: str
    predictions: int
    beside: int


@dataclass(frozen=True, slots=True)
class Ended:
    """How a role of a version ended, when, and why if that is known."""

    role: str
    version: int
    time: str
    how: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Routed:
    """Who shares the requests to a stage.

    Attributes:
        version: what the stage means; None when nothing stands there.
        arms: the versions beside it, oldest first.
        logged: what each of these has answered.
        skipped: what to say of damaged places in the log; None without any.
        servers: what servers that run here count of the model's requests.
        ended: what ended last beside the stage; None while something stands there.
    """

    model: str
    stage: str
    version: int | None
    arms: tuple[Arm, ...]
    logged: tuple[Logged, ...]
    skipped: str | None = None
    servers: tuple[Running, ...] = ()
    ended: Ended | None = None


def routed(repo: Repository, name: str, stage: str = models.LIVE_STAGE) -> Routed:
    """Return who shares the requests to a stage of a model."""
    model = models.model(repo, name)
    main, standing = routes.means(model, stage), routes.arms(model, stage)
    oldest = Tally()
    logged = tuple(
        [
            _logged(repo, model, main, arm, Tally() if place else oldest)
            for place, arm in enumerate(standing)
        ]
    )
    return Routed(
        name,
        stage,
        main,
        standing,
        logged,
        str(oldest) if oldest.blocks else None,
        _seen(repo, name, standing),
        None if standing else _ended(model, stage),
    )


def _seen(repo: Repository, name: str, standing: tuple[Arm, ...]) -> tuple[Running, ...]:
    """Return what servers counted; of trials those of what stands there, or was promoted."""
    roles = {*((arm.role, arm.version) for arm in standing)}
    told = [one.of(name) for one in servers.running(repo)]
    return tuple(
        replace(
            one,
            trials=tuple(
                trial
                for trial in one.trials
                if trial.role == "answer" or (trial.role, trial.new.version) in roles
            ),
        )
        for one in told
        if one.counted
    )


def _ended(model: Model, stage: str) -> Ended | None:
    for event in reversed(model.events):
        held = event.detail
        if event.kind == "route" and held["stage"] == stage and held.get("ended"):
            return Ended(
                str(held["role"]), event.number, event.time, str(held["ended"]), held.get("reason")
            )
    return None


def _logged(repo: Repository, model: Model, main: int | None, arm: Arm, tally: Tally) -> Logged:
    found = counted(repo, model.name, since=arm.since, tally=tally)
    own = _of(model, arm.version, found, (arm.role,))
    beside = 0 if main is None else _of(model, main, found, prediction_log.ANSWERED)
    return Logged(arm.role, arm.version, arm.since, own, beside)


def _of(model: Model, number: int, found: Counter[tuple[str, str]], roles: tuple[str, ...]) -> int:
    version = model.version(number)
    ids = (version.id, *version.formerly)
    return sum(found[oid, role] for oid in ids for role in roles)
