"""How versions of models differ: what they are, were made from, take, and come to."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlops_cli.core.ids import ObjectId, short
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.registry import models, profile
from mlops_cli.registry.evaluation import record
from mlops_cli.registry.evaluation.record import Evaluation
from mlops_cli.registry.models import Version
from mlops_cli.registry.signature import Column, listed
from mlops_cli.runs import compare as runs_compare
from mlops_cli.runs.compare import Comparison, Row, Section, differing

_OF_RUNS = ("parameters", "code", "environment")


def compare(repo: Repository, references: Sequence[str], *, everything: bool = False) -> Comparison:
    """Return how the versions differ, or with `everything` also what they have in common.

    One reference is compared with what is in production of that model, or else with the version
    before it.

    Raises:
        RequestError: there is no such version, or nothing to compare it with.
    """
    versions = _chosen(repo, references)
    of_runs = _of_runs(repo, versions)
    sections = (
        Section("model", _rows([_model(one) for one in versions])),
        of_runs.get("parameters", Section("parameters", ())),
        Section("metrics", _rows([_numbers(repo, versions, one) for one in versions])),
        Section("slices", _rows(_slices(repo, versions))),
        Section("data", _rows([_data(repo, one) for one in versions])),
        Section("columns", _rows([_columns(one) for one in versions])),
        of_runs.get("code", Section("code", _rows([{"commit": one.commit} for one in versions]))),
        of_runs.get(
            "environment", Section("environment", _rows([one.libraries for one in versions]))
        ),
    )
    kept = [
        Section(one.title, one.rows if everything else tuple(differing(one.rows)))
        for one in sections
    ]
    return Comparison(
        tuple(f"{one.model} v{one.number}" for one in versions),
        tuple(one.id for one in versions),
        tuple(one for one in kept if one.rows),
        tuple(one.title for one in sections if one.rows and not differing(one.rows)),
    )


def _chosen(repo: Repository, references: Sequence[str]) -> list[Version]:
    found = [models.resolve(repo, text) for text in references]
    if len(found) > 1:
        return found
    (only,) = found
    model = models.model(repo, only.model)
    live = model.stages.get(models.LIVE_STAGE)
    if live not in (None, only.number):
        return [model.version(live), only]
    earlier = [one for one in model.versions if one.number < only.number]
    if not earlier:
        raise RequestError(
            f"there is no other version of {only.model} to compare v{only.number} with",
            hint=f"name two: mlo models compare {only.model}@v{only.number} MODEL@REF",
        )
    return [earlier[-1], only]


def _of_runs(repo: Repository, versions: Sequence[Version]) -> Mapping[str, Section]:
    """Return what `runs compare` tells of the runs that made them, if runs made all of them."""
    ids = [one.run for one in versions]
    if None in ids or not all(oid and repo.objects.has(oid) for oid in ids):
        return {}
    found = runs_compare.compare(repo, [str(oid) for oid in ids], everything=True)
    return {one.title: one for one in found.sections if one.title in _OF_RUNS}


def _model(version: Version) -> dict[str, Any]:
    runtime = version.runtime or {}
    return {
        "format": version.format,
        "type": version.model_type,
        "task": version.task,
        "classes": None if version.classes is None else ", ".join(map(str, version.classes)),
        "target": version.target,
        "trusted": version.trusted,
        "licence": version.licence,
        "answers": runtime.get("kind"),
        "description": version.description,
    }


def _numbers(repo: Repository, versions: Sequence[Version], version: Version) -> dict[str, Any]:
    """Return the metrics of the run, those on data that all were evaluated on, size and latency."""
    found: dict[str, Any] = dict(version.metrics)
    for data, each in _evaluated(repo, versions).items():
        one = each[version.id]
        told = {name: estimate.value for name, estimate in one.metrics.items()}
        found |= {f"{name} on {data}": value for name, value in told.items()}
        found |= {f"{one.latency.runtime}, us a row": 1e6 * one.latency.row_s}
    return {**found, "size, bytes": version.size}


def _slices(repo: Repository, versions: Sequence[Version]) -> list[dict[str, Any]]:
    """Return the metrics of each slice, on data that all were evaluated on."""
    found: list[dict[str, Any]] = [{} for _ in versions]
    for each in _evaluated(repo, versions).values():
        for place, version in enumerate(versions):
            for one in each[version.id].slices:
                told = {f"{one.name} {name}": e.value for name, e in one.metrics.items()}
                found[place] |= told
    return found


def _evaluated(
    repo: Repository, versions: Sequence[Version]
) -> Mapping[str, Mapping[ObjectId, Evaluation]]:
    """Return, by the path of the data, the newest evaluations on data that all have in common."""
    of_each: list[dict[ObjectId, Evaluation]] = []
    for version in versions:
        each = record.of_version(models.model(repo, version.model), version)
        of_each.append({one.data.oid: one for one in reversed(each)})
    common = set(of_each[0]).intersection(*of_each[1:])
    found = {}
    for oid in sorted(common):
        pairs = [(version.id, each[oid]) for version, each in zip(versions, of_each, strict=True)]
        path = pairs[0][1].data.path
        name = path if path not in found else f"{path} {short(oid)}"
        found[name] = dict(pairs)
    return found


def _data(repo: Repository, version: Version) -> dict[str, Any]:
    found: dict[str, Any] = {one.path: short(one.oid) for one in version.inputs}
    if version.data is not None:
        found["fitted on"] = f"{version.data.path} {short(version.data.oid)}"
    if version.profile is not None and repo.objects.has(version.profile):
        found["rows"] = profile.decode(repo.objects.get(version.profile)).rows
    return found


def _columns(version: Version) -> dict[str, Any]:
    if version.signature is None:
        return {}
    return {one.name: _column(one) for one in version.signature.columns}


def _column(column: Column) -> str:
    """Return what a column holds, in one line.

    >>> _column(Column("age", "integer", 18, 79, nullable=True))
    'integer 18 to 79, may be missing'
    """
    told: str = column.kind
    if column.categories is not None:
        told += f" {listed(column.categories, len(column.categories))}"
    elif column.minimum is not None:
        told += f" {_end(column.minimum)} to {_end(column.maximum)}"
    return told + (", may be missing" if column.nullable else "")


def _end(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _rows(columns: Sequence[Mapping[str, Any]]) -> tuple[Row, ...]:
    """Return a row for each name, in the order in which they come."""
    names = dict.fromkeys(name for column in columns for name in column)
    rows = []
    for name in names:
        values = tuple(column.get(name) for column in columns)
        rows.append(Row(name, values, _difference(values)))
    return tuple(rows)


def _difference(values: Sequence[Any]) -> float | None:
    first, last = values[0], values[-1]
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in (first, last)):
        return None
    return float(last - first)
