"""What a retraining stands on: the project, the model, its settings, and who is told."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mlops_cli.audit import chain
from mlops_cli.core.clock import moment
from mlops_cli.core.config_retrain import Retrain
from mlops_cli.core.records import dataclass, field, replace
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.monitor.retrain import record
from mlops_cli.monitor.retrain.record import Attempt, State, Status, Told
from mlops_cli.monitor.retrain.window import Taken
from mlops_cli.pipeline.watcher import Silent, Watcher
from mlops_cli.registry import models
from mlops_cli.registry.models import Model, Version

if TYPE_CHECKING:
    from mlops_cli.core.config_steps import Reference
    from mlops_cli.core.ids import ObjectId
    from mlops_cli.pipeline.plan import Resolve


@dataclass(frozen=True, slots=True)
class Using:
    """What the caller lends: its clock, environment, and ears.

    Attributes:
        now_ns: returns the time, in nanoseconds since 1970.
        environ: of the pipeline's steps.
        watcher: is told how the pipeline goes.
        say: is told each step that is done, in a line.
    """

    now_ns: Callable[[], int] = time.time_ns
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    watcher: Watcher = field(default_factory=Silent)
    say: Callable[[str], None] = lambda _: None


class Work:
    """One call: the state as it is on disk, and what was done so far."""

    def __init__(self, repo: Repository, name: str, using: Using) -> None:
        self.repo = repo
        self.name = name
        self.using = using
        self.said = settings_of(repo, name)
        self.state = record.read(repo, name)
        self.steps: list[str] = []
        self.found: Taken | None = None
        """Fresh rows that were gathered before the retraining began."""

    @property
    def model(self) -> Model:
        """The model as it is now."""
        return models.model(self.repo, self.name)

    @property
    def attempt(self) -> Attempt:
        """The retraining under way."""
        if self.state.attempt is None:
            raise RequestError(f"no retraining of {self.name} is under way")
        return self.state.attempt

    @property
    def now(self) -> str:
        """This moment, as records have it."""
        return moment(self.using.now_ns())

    @property
    def stage(self) -> str:
        """The stage that it is for: of a retraining under way, as it was when that began."""
        one = self.state.attempt
        return self.said.stage if one is None else one.stage

    def standing(self) -> Version | None:
        """Return the version in the stage, None where nothing stands there."""
        number = self.model.stages.get(self.stage)
        return None if number is None else self.model.version(number)

    def keep(self, **changes: Any) -> None:
        """Keep changes of the attempt on disk; from then on a killed call is gone on with."""
        attempt = replace(self.attempt, **changes)
        self.state = record.write(self.repo, self.name, replace(self.state, attempt=attempt))

    def begin_anew(self) -> None:
        """Go back to the first step, where what was made is not in the store any more."""
        one = self.attempt
        known = (one.began, one.cause, one.reason, one.stage, one.champion, one.back)
        self.put(replace(self.state, attempt=Attempt(one.id, "data", *known), seen=None))

    def put(self, state: State) -> None:
        """Keep another state on disk."""
        self.state = record.write(self.repo, self.name, state)

    def note(self, step: str, text: str, **detail: Any) -> None:
        """Put what was done on record, with its cause, and tell it."""
        one = self.attempt
        told: dict[str, Any] = {"model": self.name, "attempt": one.id, "step": step, "said": text}
        told |= {"cause": dict(one.cause), "reason": one.reason}
        if one.version is not None:
            told["version"] = self.model.version(one.version).id
        if one.run is not None:
            told["run"] = one.run
        chain.record(self.repo, "retrain", self.name, {**told, **detail})
        self.steps.append(text)
        self.using.say(text)

    def cause(self) -> dict[str, Any]:
        """Return what events say of what was brought about here."""
        return {**self.attempt.cause, "retraining": self.attempt.id}

    def told(self, status: Status, why: str, hint: str | None = None) -> Told:
        """Return what this call came to."""
        one = self.state.attempt
        found = Told(self.name, self.stage, status, why, hint, steps=tuple(self.steps))
        standing = self.standing()
        found = replace(found, champion=None if standing is None else standing.number)
        if one is None:
            return found
        return replace(
            found,
            attempt=one.id,
            cause=one.cause,
            version=one.version,
            run=one.run,
            trained=one.trained,
            held_out=one.held_out,
            gain=one.gain,
        )

    def end(self, status: Status, why: str, hint: str | None = None) -> Told:
        """Put the end on record, and return it; the next call begins another retraining.

        After one that failed the same rows may be taken again.
        """
        self.note("end", f"{status}: {why}", status=status)
        self.steps.pop()
        told = self.told(status, why, hint)
        seen = None if status == "failed" else self.state.seen
        self.put(replace(self.state, attempt=None, ended=self.now, seen=seen))
        return told

    def drifted(self, before: Version, now: Version) -> tuple[bool, str]:
        """Return whether two versions were trained on data that are alike: for gates on drift."""
        from mlops_cli.monitor import trained

        return trained.drifted(self.repo)(before, now)

    def resolve(self, where: Repository) -> Resolve:
        """Return what looks up models that steps of the pipeline refer to."""

        def look_up(reference: Reference) -> ObjectId | None:
            if reference.kind == "data":
                return None
            return models.resolve(where, reference.name).artifact

        return look_up


def settings_of(repo: Repository, name: str) -> Retrain:
    """Return how a model is retrained.

    Raises:
        RequestError: there is no such model, or the settings do not say.
    """
    models.model(repo, name)
    monitor = repo.settings.monitor
    said = None if monitor is None else monitor.retrain.get(name)
    if said is None:
        raise RequestError(
            f".mlops.yaml does not say how {name} is retrained",
            hint=f"monitor: {{retrain: {{{name}: {{into: data/train.csv}}}}}}",
        )
    return said
