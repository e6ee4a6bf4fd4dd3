"""`mlo predict`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.registry.predict import Batch


def predict(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="MODEL[@REF]",
            help="The version; a bare name means what is in production, else the newest",
        ),
    ],
    source: Annotated[Path, typer.Argument(metavar="IN", help="CSV, TSV, JSON lines or Parquet")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Where to write: any of these")],
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it exists")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what was begun of OUT before a kill")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", metavar="N", min=1, help="Processes that answer (default: 1)"),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option("--engine", metavar="URL", help="Answer on a cluster: dask://HOST:PORT"),
    ] = None,
    runtime: Annotated[
        str, typer.Option("--runtime", metavar="NAME", help="auto, or native for the original")
    ] = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Predict every row of a file.

    OUT has the columns of IN, then the prediction, a classifier's probabilities, the version that
    answered, and a batch id, which `mlo trace` leads back to model, run, code and data. Columns
    that the model does not take stay as they are written. OUT appears whole, or not at all.
    """
    from mlops_cli.cli.spread import doing
    from mlops_cli.registry import meant, models
    from mlops_cli.registry.predict import predict as answer

    repo = repository()
    if "@" not in reference:
        reference, note = meant.live(repo, reference)
        if note:
            show.note(note)
    version = models.resolve(repo, reference)
    with doing(repo, engine, jobs) as (doer, remote):
        batch = answer(
            repo,
            version,
            source,
            target,
            force=force,
            resume=resume,
            runtime=runtime,
            doer=doer,
            remote=remote,
            progress=show.progress(),
        )
    show.emit(batch, as_json=as_json, text=_tell)


def _tell(batch: "Batch") -> None:
    rows = f"{batch.rows:,} row{'' if batch.rows == 1 else 's'}"
    show.line(f"{batch.output}: {rows} predicted by {batch.model} v{batch.version}")
    if batch.resumed:
        show.line(f"  {batch.resumed:,} of them had been answered before")
    show.line(f"  batch {batch.id}")
