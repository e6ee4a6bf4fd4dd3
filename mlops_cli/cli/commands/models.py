"""`mlo models`: the registry."""

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.registry.models import Model, Version

app = typer.Typer(help="List and show models and their versions")


@app.command("list")
def list_(as_json: JsonFlag = False) -> None:
    """List models."""
    from mlops_cli.registry import models

    repo = repository()
    found = [models.model(repo, name) for name in models.names(repo)]
    show.emit(found, as_json=as_json, text=_list)


def _list(found: "list[Model]") -> None:
    if not found:
        show.note("there is no model yet; try: mlo register NAME")
        return
    rows = [
        [
            model.name,
            f"v{model.newest.number}",
            ", ".join(f"{stage} v{number}" for stage, number in sorted(model.stages.items())),
            ", ".join(f"{alias} v{number}" for alias, number in sorted(model.aliases.items())),
        ]
        for model in found
    ]
    show.table(["model", "newest", "stages", "aliases"], rows)


@app.command("show")
def show_(
    reference: Annotated[str, typer.Argument(metavar="MODEL[@REF]", help="A model or a version")],
    as_json: JsonFlag = False,
) -> None:
    """Show a model with its versions, or all that is recorded of one version."""
    from mlops_cli.registry import models

    repo = repository()
    if "@" in reference:
        show.emit(models.resolve(repo, reference), as_json=as_json, text=_version)
    else:
        show.emit(models.model(repo, reference), as_json=as_json, text=_model)


def _model(model: "Model") -> None:
    show.line(model.name)
    for stage, number in sorted(model.stages.items()):
        show.line(f"  {stage}: v{number}")
    for alias, number in sorted(model.aliases.items()):
        show.line(f"  {alias}: v{number} (alias)")
    show.line("")
    names = sorted({name for version in model.versions for name in version.metrics})[:4]
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
    moves = [event for event in model.events if event.kind in ("promote", "rollback", "alias")]
    if moves:
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
                for event in reversed(moves)
            ],
        )


def _metric(version: "Version", name: str) -> float | str | None:
    value = version.metrics.get(name)
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _version(version: "Version") -> None:
    show.line(f"{version.model} v{version.number}  {version.id}")
    facts = {
        "registered": f"{version.time[:19]}Z by {version.who.get('name', '')}",
        "model": f"{version.path} ({version.format}, {show.size(version.size)})",
        "task": version.task,
        "run": version.run or "outside any run",
        "commit": version.commit or "-",
        "fitted on": f"{version.data.path} {version.data.oid[:10]}" if version.data else "-",
        "trusted": "somebody vouched for code in it" if version.trusted else "runs no code",
    }
    for name, fact in facts.items():
        show.line(f"  {name:<10} {fact}")
    if version.metrics:
        show.line("")
        rows = [[name, version.metrics[name]] for name in sorted(version.metrics)]
        show.table(["metric", "value"], rows)
    if version.signature:
        show.line("")
        show.table(
            ["column", "kind", "from", "to", "may be missing"],
            [
                [one.name, one.kind, one.minimum, one.maximum, "yes" if one.nullable else ""]
                for one in version.signature.columns
            ],
        )


@app.command("alias")
def alias(
    reference: Annotated[str, typer.Argument(metavar="MODEL[@REF]", help="The version")],
    name: Annotated[str, typer.Argument(help="The free name, such as champion")],
    as_json: JsonFlag = False,
) -> None:
    """Give a version a free name, which moves when it is given again."""
    from mlops_cli.registry.promote import Moved
    from mlops_cli.registry.promote import alias as name_it

    def text(moved: Moved) -> None:
        show.line(f"{moved.model}@{moved.stage} is v{moved.number}")

    show.emit(name_it(repository(), reference, name), as_json=as_json, text=text)
