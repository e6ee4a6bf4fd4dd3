"""`mlo sweep`."""

import os
import shlex
import sys
from typing import Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag
from mlops_cli.errors import RequestError

_SEEDS = 2**32

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("sweep")
def sweep(
    step: Annotated[
        str | None,
        typer.Argument(metavar="[STEP]", help="A step, or a sweep of .mlops.yaml"),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set", "-s", metavar="NAME=RANGE", help="Search a parameter, or set it for all trials"
        ),
    ] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option("--metric", "-m", metavar="NAME", help="What is good; several for a front"),
    ] = None,
    directions: Annotated[
        list[str] | None,
        typer.Option("--direction", metavar="max|min", help="Which way (default: by its name)"),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option("--trials", "-n", min=1, help="How many in all (default: 20; a whole grid)"),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="How many at once (default: 1; a whole cluster)"),
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option(help="tpe, random, grid, cmaes, gp, qmc or nsga2 (default: tpe)"),
    ] = None,
    pruner: Annotated[
        str | None,
        typer.Option(help="Stop bad trials early: median, hyperband or halving (default: none)"),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0, help="Begin no trial after so long (default: none)"),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=_SEEDS - 1, help="Choose the same again (default: any)"),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A cluster: dask://HOST:PORT (default: this machine)"),
    ] = None,
    remote: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The remote that a cluster works by (default: origin)"),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(metavar="SWEEP", help="Go on with a sweep that did not come to its end"),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the sweep (default: two words)")
    ] = None,
    importances: Annotated[
        bool, typer.Option("--importances", help="Say how much each parameter matters")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Search the parameters of a step for those that are best.

    Each trial runs the step with parameters chosen by Optuna, in a work tree of its own, with the
    code as it is now; your files stay as they are. Trials are runs, and the sweep is the run that
    they are part of.

    Ranges: uniform(0, 1), log(1e-4, 1e-1), int(2, 8), logint(1, 1024), choice(a, b); a third
    number in uniform and int makes steps. Quote them for the shell. .mlops.yaml can hold a sweep
    under sweeps: instead.

    Exit code 1 when no trial was done, 130 or 143 when it was stopped. --resume goes on then.
    """
    from mlops_cli.cli.sweep_report import Teller, tell
    from mlops_cli.cli.versions import resolver
    from mlops_cli.pipeline.sweeps import resume as resuming
    from mlops_cli.pipeline.sweeps.definition import Asked
    from mlops_cli.pipeline.sweeps.start import How
    from mlops_cli.pipeline.sweeps.start import sweep as search
    from mlops_cli.runs.names import check_free

    repo = repository()
    if name is not None:
        check_free(repo, name)
    asked = Asked(
        step=step or "",
        assignments=assignments or (),
        metrics=metrics or (),
        directions=directions or (),
        trials=trials,
        sampler=sampler,
        pruner=pruner,
        seed=seed,
        timeout_s=timeout,
    )
    past = None
    if resume is not None:
        definition, past = resuming.go_on(repo, resume, asked)
    elif step is None:
        raise RequestError(
            "what is to be searched is missing", hint="mlo sweep STEP --set 'lr=log(1e-4, 1e-1)'"
        )
    else:
        definition = resuming.new(repo, asked, seed=int.from_bytes(os.urandom(4), "big"))
    teller = Teller(definition)
    how = How(
        command=shlex.join(["mlo", *sys.argv[1:]]),
        environ=os.environ,
        watcher=teller,
        steps=teller.steps,
        resolve=resolver(repo),
        engine=engine,
        jobs=jobs,
        remote=remote,
        name=name,
        importances=importances,
    )
    swept = search(repo, definition, how, past=past)
    show.emit(swept, as_json=as_json, text=tell)
    if swept.exit_code:
        raise typer.Exit(swept.exit_code)
