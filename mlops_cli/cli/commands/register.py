"""`mlo register`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag
from mlops_cli.cli.origin import origin
from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlops_cli.core.repository import Repository
    from mlops_cli.registry.models import Version
    from mlops_cli.registry.register import Registered


def register(
    name: Annotated[str, typer.Argument(help="The model's name")],
    run: Annotated[
        str | None,
        typer.Option(
            help="The run that made it: id, name, last, best:METRIC (default: newest, no trial)"
        ),
    ] = None,
    path: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A model that no run made: file or folder")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --path: the table that the model was fitted on"),
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Vouch for any code in the model's file; recorded")
    ] = False,
    no_example: Annotated[
        bool, typer.Option("--no-example", help="Keep no rows of the training table as an example")
    ] = False,
    licence: Annotated[
        str | None,
        typer.Option("--license", metavar="TEXT", help="The model's licence, such as Apache-2.0"),
    ] = None,
    description: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What the model is, in a few words")
    ] = None,
    no_compile: Annotated[
        bool, typer.Option("--no-compile", help="Make no compiled form; the original answers")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Make a new version even if this model is one already")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make a model version from what a run produced.

    The version records the model, its run, data, commit, environment, metrics, and what it
    takes, for serving to check; also three rows of the training table, and its columns in sum.
    Models in the skops format load without running code; joblib and pickle files need --trust.
    """
    from mlops_cli.registry.promote import first_stage
    from mlops_cli.registry.register import Said
    from mlops_cli.registry.register import register as make
    from mlops_cli.runs.find import resolve

    if run is not None and path is not None:
        raise RequestError("--run and --path exclude each other")
    if data is not None and path is None:
        raise RequestError("--data is for --path; what a run read is known")
    repo = repository()
    found = resolve(repo, run) if run is not None else None
    said = Said(
        trust=trust,
        example=not no_example,
        licence=licence,
        description=description,
        compile=not no_compile,
    )
    made = make(
        repo,
        name,
        run=found,
        path=path,
        data=data,
        force=force,
        said=said,
        progress=show.progress(),
    )
    example = 0 if as_json else _example_rows(repo, made.version)
    show.emit(
        made,
        as_json=as_json,
        text=lambda one: _tell(
            one,
            origin=origin(repo, one.version),
            example=example,
            stage=first_stage(repo, one.version.model),
        ),
    )


def _example_rows(repo: "Repository", version: "Version") -> int:
    """Return how many rows of the training table are kept as they are."""
    from mlops_cli.registry import example

    if version.example is None:
        return 0
    return len(example.decode(repo.objects.get(version.example)).rows)


def _tell(made: "Registered", *, origin: str, example: int, stage: str) -> None:
    version = made.version
    if not made.created:
        show.line(f"{version.model} v{version.number}, from {origin}, is this very model already")
        show.note("to make another version of it all the same: --force")
        return
    show.line(f"{version.model} v{version.number}  {version.id[:10]}")
    show.line(f"  from     {version.path}, {origin}")
    show.line(f"  format   {version.format}{', trusted' if version.trusted else ''}")
    takes = (
        show.number(len(version.signature.columns), "column") if version.signature else "not known"
    )
    show.line(f"  takes    {takes}")
    if example:
        show.line(f"  example  {show.number(example, 'row')} as they are; --no-example keeps none")
    if version.runtime is not None:
        show.line(f"  answers  {_answers(version.runtime)}")
    if version.metrics:
        numbers = ", ".join(f"{name} {_short(one)}" for name, one in version.metrics.items())
        show.line(f"  metrics  {numbers}")
    show.note(f"next: mlo promote {version.model}@v{version.number} {stage}")


def _answers(runtime: "Mapping[str, Any]") -> str:
    if runtime["kind"] != "onnx":
        return f"the original: {runtime['why']}"
    return f"compiled, as the original does on {show.number(runtime['rows'], 'row')}"


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
