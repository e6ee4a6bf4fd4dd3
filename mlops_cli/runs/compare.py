"""What differs between runs: parameters, metrics, data, code and environment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlops_cli.core.canonical import decode
from mlops_cli.core.ids import short
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.runs.record import Run


@dataclass(frozen=True, slots=True)
class Row:
    """One thing, and its value in each run; None where a run does not have it."""

    name: str
    values: tuple[Any, ...]

    @property
    def differs(self) -> bool:
        """Whether the runs do not all have the same value."""
        return any(value != self.values[0] for value in self.values[1:])

    @property
    def change(self) -> float | None:
        """The last value less the first, where both are numbers."""
        first, last = self.values[0], self.values[-1]
        if isinstance(first, int | float) and isinstance(last, int | float):
            return last - first
        return None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side; `runs` and the values of each row are in the same order."""

    runs: tuple[str, ...]
    names: tuple[str, ...]
    params: tuple[Row, ...]
    metrics: tuple[Row, ...]
    data: tuple[Row, ...]
    code: tuple[Row, ...]
    environment: tuple[Row, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        parts = (self.params, self.metrics, self.data, self.code, self.environment)
        return not any(row.differs for part in parts for row in part)


def compare(repo: Repository, runs: Sequence[Run], *, everything: bool = False) -> Comparison:
    """Return how `runs`, two or more, differ; with `everything` also what they have in common.

    Raises:
        RequestError: there are fewer than two runs.
        MissingObject: the record of an environment is not in this store.
    """
    if len(runs) < 2:
        raise RequestError("a comparison needs two runs", hint="mlo runs compare RUN RUN")

    def rows(found: Iterable[Mapping[str, Any]]) -> tuple[Row, ...]:
        aligned = _align(list(found))
        return tuple(row for row in aligned if everything or row.differs)

    return Comparison(
        runs=tuple(run.id for run in runs),
        names=tuple(run.name for run in runs),
        params=rows(run.params for run in runs),
        metrics=rows(run.metrics for run in runs),
        data=rows({one.path: short(one.oid) for one in run.inputs} for run in runs),
        code=rows(_code(run) for run in runs),
        environment=rows(_environment(repo, run) for run in runs),
    )


def _align(found: Sequence[Mapping[str, Any]]) -> list[Row]:
    names = sorted({name for one in found for name in one})
    return [Row(name, tuple(one.get(name) for one in found)) for name in names]


def _code(run: Run) -> dict[str, Any]:
    code = run.code
    return {
        "commit": code.commit[:10] if code.commit else None,
        "uncommitted changes": short(code.patch) if code.patch else None,
        "untracked files": ", ".join(code.untracked) or None,
    }


def _environment(repo: Repository, run: Run) -> dict[str, Any]:
    """Return the recorded environment, flat: one row a package."""
    if run.environment is None:
        return {}
    held = decode(repo.objects.get(run.environment))
    flat: dict[str, Any] = {}
    for name, value in held.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{inner}": one for inner, one in value.items()})
        elif name != "v":
            flat[name] = value
    return flat
