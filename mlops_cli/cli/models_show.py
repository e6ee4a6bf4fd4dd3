"""What `mlo models show MODEL@REF` prints: all that is recorded of a version."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlops_cli.cli import show
from mlops_cli.core.records import dataclass

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository
    from mlops_cli.registry.evaluation.record import Evaluation
    from mlops_cli.registry.example import Example
    from mlops_cli.registry.models import Version
    from mlops_cli.registry.profile import ColumnProfile, Profile

_MOST_CATEGORIES = 4


@dataclass(frozen=True, slots=True)
class Shown:
    """A version with what is kept beside its record.

    Attributes:
        stages: and `aliases`: where it stands now.
        example: and `profile`: None where there is none, or it is not in this store.
        evaluations: the newest first.
    """

    version: "Version"
    stages: tuple[str, ...]
    aliases: tuple[str, ...]
    example: "Example | None"
    profile: "Profile | None"
    evaluations: "tuple[Evaluation, ...]"

    def to_json(self) -> dict[str, Any]:
        """Return what `--json` prints: the record, with what stands beside it."""
        told = show.plain(self.version)
        example = None if self.example is None else self.example.records()
        held: dict[str, Any] = {
            **told,
            "example_id": told["example"],
            "profile_id": told["profile"],
            "example": show.plain(example),
            "profile": show.plain(self.profile),
            "stages": list(self.stages),
            "aliases": list(self.aliases),
            "evaluations": show.plain(self.evaluations),
        }
        return held


def gather(repo: "Repository", reference: str) -> Shown:
    """Return what there is of a version."""
    from mlops_cli.registry import example, models, profile
    from mlops_cli.registry.evaluation import record

    version = models.resolve(repo, reference)
    model = models.model(repo, version.model)
    rows, columns = version.example, version.profile
    return Shown(
        version,
        _standing(model.stages, version.number),
        _standing(model.aliases, version.number),
        example.decode(repo.objects.get(rows)) if rows and repo.objects.has(rows) else None,
        profile.decode(repo.objects.get(columns))
        if columns and repo.objects.has(columns)
        else None,
        record.of_version(model, version),
    )


def _standing(places: Mapping[str, int], number: int) -> tuple[str, ...]:
    return tuple(sorted(place for place, there in places.items() if there == number))


def tell(found: Shown) -> None:
    """Print it for a terminal."""
    version = found.version
    show.line(f"{version.model} v{version.number}  {version.id}")
    if version.description:
        show.line(f"  {version.description}", rest="  ")
    for name, fact in _facts(found):
        show.line(f"  {name:<10} {fact}", rest=" " * 13)
    _tell_metrics(found)
    _tell_columns(found)
    if found.example is not None and found.example.rows:
        show.line("")
        show.line(f"example    {_json(found.example.records()[0])}", rest=" " * 11)
    show.note(f"its card: mlo models card {version.model}@v{version.number}")


def _facts(found: Shown) -> Iterator[tuple[str, str]]:
    version = found.version
    yield "registered", f"{version.time[:19]}Z by {version.who.get('name', '')}"
    if found.stages or found.aliases:
        yield "stands", ", ".join([*found.stages, *(f"{one} (alias)" for one in found.aliases)])
    yield "model", f"{version.path} ({version.format}, {show.size(version.size)})"
    if version.model_type:
        yield "type", version.model_type
    yield "answers", _runtime(version)
    predicts = f", predicts {version.target}" if version.target else ""
    classes = f": {_some(version.classes)}" if version.classes else ""
    yield "task", f"{version.task}{predicts}{classes}"
    yield "run", version.run or "outside any run"
    yield "commit", version.commit or "-"
    yield "fitted on", _data(found)
    if version.libraries:
        yield "with", ", ".join(f"{name} {number}" for name, number in version.libraries.items())
    if version.licence:
        yield "licence", version.licence
    types = ", ".join(version.trusted_types) or "code in it"
    yield "trusted", f"somebody vouched for {types}" if version.trusted else "runs no code"


def _runtime(version: "Version") -> str:
    runtime = version.runtime
    if runtime is None:
        return "the original"
    if runtime["kind"] != "onnx":
        return f"the original: {runtime.get('why', 'it was not compiled')}"
    rows = runtime.get("rows")
    return "compiled" + (f", alike on {show.number(rows, 'row')}" if isinstance(rows, int) else "")


def _data(found: Shown) -> str:
    data = found.version.data
    rows = show.number(found.profile.rows, "row") if found.profile else ""
    if data is None:
        return rows or "-"
    return f"{data.path} {data.oid[:10]}" + (f", {rows}" if rows else "")


def _tell_metrics(found: Shown) -> None:
    version = found.version
    if version.metrics:
        show.line("")
        rows = [[name, version.metrics[name]] for name in sorted(version.metrics)]
        show.table(["metric", "value"], rows)
    for one in found.evaluations[:1]:
        show.line("")
        more = len(found.evaluations) - 1
        others = f"; {show.number(more, 'evaluation')} before" if more else ""
        count = show.number(one.rows, "row")
        where = f"{one.data.path} {one.data.oid[:10]}"
        show.line(f"evaluated on {where}, {count}{others}", rest="  ")
        show.table(
            ["metric", "value", "from", "to"],
            [[name, held.value, held.low, held.high] for name, held in one.metrics.items()],
        )


def _tell_columns(found: Shown) -> None:
    signature = found.version.signature
    if signature is None:
        return
    seen = found.profile
    rows = []
    for one in signature.columns:
        told = seen.column(one.name) if seen else None
        mean = told.mean if told else None
        missing = told.nulls if told else ("yes" if one.nullable else "")
        if one.categories is not None:
            rows.append([one.name, one.kind, _some(one.categories), mean, missing])
        else:
            rows.append([one.name, one.kind, _range(one.minimum, one.maximum, told), mean, missing])
    show.line("")
    show.table(["column", "kind", "values", "mean", "missing" if seen else "may be missing"], rows)


def _range(low: Any, high: Any, told: "ColumnProfile | None") -> str:
    if low is None or high is None:
        return f"{told.distinct:,} different" if told and told.kind == "category" else ""
    return f"{_end(low)} to {_end(high)}"


def _end(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _some(values: Any) -> str:
    from mlops_cli.registry.signature import listed

    return listed(values, _MOST_CATEGORIES)


def _json(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
