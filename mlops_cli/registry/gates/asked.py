"""What a gate is asked about, and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.registry.models import Model, Version

Drifted = Callable[[Version, Version], tuple[bool, str]]
"""Whether the second was trained on data like those of the first, and why or why not."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """One rule, whether the version passes it, and why.

    Attributes:
        hint: what to type so that it may pass; None where nothing is known to help.
        evidence: events that it was judged by, such as an evaluation.
    """

    gate: str
    passed: bool
    why: str
    hint: str | None = None
    evidence: tuple[ObjectId, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A version that is to stand in a stage of its model.

    `drifted` compares two versions' training data; without it no gate on drift can pass.
    """

    repo: Repository
    model: Model
    version: Version
    stage: str
    drifted: Drifted | None = None

    @property
    def reference(self) -> str:
        """What users call the version."""
        return reference(self.version)

    def standing(self, stage: str) -> Version | None:
        """Return the version that stands in a stage, None when there is none."""
        number = self.model.stages.get(stage)
        return None if number is None else self.model.version(number)


def opponent(asked: Asked, name: str, stage: str) -> Version | GateResult:
    """Return the version that stands in a stage, or the result where there is no other one."""
    standing = asked.standing(stage)
    if standing is None:
        return GateResult(name, passed=True, why=f"nothing is in {stage} yet")
    if standing.number == asked.version.number:
        return GateResult(name, passed=True, why=f"it is the version in {stage}")
    return standing


def reference(version: Version) -> str:
    """Return what users call a version."""
    return f"{version.model}@v{version.number}"
