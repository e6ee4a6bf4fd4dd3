"""What a check of a rule found, and what people and actions are told of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlops_cli.core.config_monitor import Severity
from mlops_cli.core.ids import ObjectId

Verdict = Literal["holds", "broken", "no verdict"]
News = Literal["firing", "resolved", "cannot check"]
NO_MODEL = "no-model"
"""The model of an alert that is about none."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One number for Prometheus: a family's name, labels, value."""

    family: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check of a rule found.

    Attributes:
        verdict: `no verdict` where there is too little to judge by; what was so stays so.
        reason: one line for people.
        value: the number that was judged, and `limit` its bound, where there is one such number.
        facts: what else is to be known, as JSON has it.
        samples: what to show Prometheus.
        kept: what the rule's next check is to be given, as JSON has it.
        version: of the model that it is about, and `version_id` its id, where that is one.
        notes: what could not be looked at, such as damaged places of the prediction log.
    """

    verdict: Verdict
    reason: str
    value: float | None = None
    limit: float | None = None
    version: int | None = None
    version_id: ObjectId | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    samples: tuple[Sample, ...] = ()
    kept: Any = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that people are told once, and actions act on.

    Attributes:
        id: 16 hex digits; `resolved` has the id of the `firing` that it ends.
        kind: of the rule, such as `drift`.
        since: the check that first found it so, and `time` the one that this is told after.
        entry: of the audit record, which has it; None where it was not recorded, as in a dry run.
        again: whether it was told before and still is so, after the cool-down.
    """

    id: str
    state: News
    rule: str
    kind: str
    severity: Severity
    model: str
    version: int | None
    version_id: ObjectId | None
    reason: str
    since: str
    time: str
    value: float | None = None
    limit: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    entry: ObjectId | None = None
    again: bool = False

    @property
    def title(self) -> str:
        """A few words that say what it is about."""
        version = "" if self.version is None else f" v{self.version}"
        return self.rule + ("" if self.model == NO_MODEL else f" of {self.model}{version}")

    def cause(self) -> dict[str, Any]:
        """Return what an event says of it that was brought about by it: a run, a promotion."""
        found: dict[str, Any] = {"by": "mlo monitor", "alert": self.id, "rule": self.rule}
        found |= {"kind": self.kind, "reason": self.reason, "since": self.since}
        if self.entry is not None:
            found["entry"] = self.entry
        if self.version_id is not None:
            found["version"] = self.version_id
        return found
