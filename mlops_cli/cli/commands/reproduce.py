"""`mlo reproduce`."""

import os
from typing import Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

_DIFFERS = 1


def reproduce(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="Run, by name, id, last or best:METRIC (default: last)"),
    ] = None,
    tolerances: Annotated[
        list[str] | None,
        typer.Option(
            "--tolerance",
            metavar="[METRIC=]VALUE",
            help="How far a metric may be off, or with VALUE alone the share that any number may"
            " be (default: 1e-9)",
        ),
    ] = None,
    same_env: Annotated[
        bool, typer.Option("--same-env", help="Use this environment, and say how it differs")
    ] = False,
    times: Annotated[
        int,
        typer.Option("--times", min=1, help="Make it again N times; all must hold"),
    ] = 1,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the work tree that it was made again in")
    ] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="Let model files run code, to compare predictions")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make a run again in a clean work tree, and compare.

    Code, data, parameters, packages, threads and seeds are those of the record; what is not here
    comes from a remote. Outputs are compared byte for byte, else by what they say: numbers in
    tables and JSON, predictions of models. Where they differ, the step that first came out
    otherwise is done again to tell noise from change, and what made the difference is named.

    Exit code 0 when it holds, 1 when it does not; 3 or 5 when it could not be tried. What was
    found goes into the record, signed where git signs with an SSH key: mlo runs show.
    """
    from mlops_cli.cli.models_alike import comparer
    from mlops_cli.cli.reproduce_report import tell, watching
    from mlops_cli.pipeline.reproduction import closeness
    from mlops_cli.pipeline.reproduction.reproduce import Wanted
    from mlops_cli.pipeline.reproduction.reproduce import reproduce as make_again
    from mlops_cli.runs import find

    repo = repository()
    watcher, going = watching()
    wanted = Wanted(closeness.parse(tolerances or ()), same_env, times, keep)
    found = make_again(
        repo,
        find.resolve(repo, run or "last"),
        wanted,
        environ=os.environ,
        compare_models=comparer(trust=trust),
        watcher=watcher,
        tell=going,
        progress=show.progress(),
    )
    show.emit(found, as_json=as_json, text=tell)
    if found.verdict == "differs":
        raise typer.Exit(_DIFFERS)
