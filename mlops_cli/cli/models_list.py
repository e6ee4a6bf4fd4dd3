"""What `mlo models list` prints, and `mlo models show` of a model with all its versions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlops_cli.cli import show

if TYPE_CHECKING:
    from mlops_cli.core.config import Settings
    from mlops_cli.registry.models import Model, Version

_KEY_METRICS = 2
_OF_EACH = 4
_MOVES = 20
"""So many are shown, the newest."""


def tell(found: "Sequence[Model]", settings: "Settings") -> None:
    """Print a line for each model: where its versions stand, and how good the one in use is."""
    if not found:
        show.note("there is no model yet; try: mlo register NAME")
        return
    rows = [
        [
            model.name,
            f"v{model.newest.number}",
            _places(model.stages),
            _places(model.aliases),
            _metrics(model, settings),
        ]
        for model in found
    ]
    columns = ["model", "newest", "stages", "aliases", "metrics"]
    used = [at for at in range(len(columns)) if at < 2 or any(row[at] for row in rows)]
    show.table([columns[at] for at in used], [[row[at] for at in used] for row in rows], whole=2)


def _places(places: Mapping[str, int]) -> str:
    return ", ".join(f"{place} v{number}" for place, number in sorted(places.items()))


def _metrics(model: "Model", settings: "Settings") -> str:
    """Return the metrics of the version in production, or else the newest: those of gates first."""
    from mlops_cli.registry.models import LIVE_STAGE

    live = model.stages.get(LIVE_STAGE)
    version = model.newest if live is None else model.version(live)
    names = _key(version, model.name, settings)[:_KEY_METRICS]
    return ", ".join(f"{name} {_number(version.metrics[name])}" for name in names)


def _key(version: "Version", name: str, settings: "Settings") -> list[str]:
    held = settings.models.get(name)
    gates = [gate for stage in held.stages.values() for gate in stage.gates] if held else []
    asked = [getattr(gate, "metric", None) for gate in gates]
    ordered = dict.fromkeys([*(one for one in asked if one), *sorted(version.metrics)])
    return [one for one in ordered if one in version.metrics]


def tell_model(model: "Model") -> None:
    """Print a model: where it stands, its versions, and its last moves."""
    show.line(model.name)
    for stage, number in sorted(model.stages.items()):
        show.line(f"  {stage}: v{number}")
    for alias, number in sorted(model.aliases.items()):
        show.line(f"  {alias}: v{number} (alias)")
    show.line("")
    _tell_versions(model)
    _tell_moves(model)


def _tell_versions(model: "Model") -> None:
    names = sorted({name for version in model.versions for name in version.metrics})[:_OF_EACH]
    rows = [
        [
            f"v{version.number}",
            version.id[:10],
            version.time[:16].replace("T", " "),
            version.run[:10] if version.run else "-",
            *[_metric(version, name) for name in names],
        ]
        for version in reversed(model.versions)
    ]
    show.table(["version", "id", "registered (UTC)", "run", *names], rows)


def _tell_moves(model: "Model") -> None:
    moves = [event for event in model.events if event.kind in ("promote", "rollback", "alias")]
    if not moves:
        return
    show.line("")
    show.table(
        ["when (UTC)", "who", "did", "version", "reason"],
        [
            [
                event.time[:16].replace("T", " "),
                event.who.get("name", ""),
                f"{event.kind} {event.detail.get('stage', event.detail.get('alias'))}",
                f"v{event.number}",
                event.detail.get("reason"),
            ]
            for event in reversed(moves[-_MOVES:])
        ],
    )
    if len(moves) > _MOVES:
        show.note(f"and {show.number(len(moves) - _MOVES, 'move')} before: mlo audit {model.name}")


def _metric(version: "Version", name: str) -> float | str | None:
    value = version.metrics.get(name)
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
