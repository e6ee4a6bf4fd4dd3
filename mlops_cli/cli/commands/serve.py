"""`mlo serve`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.commands.canary import ByOption
from mlops_cli.cli.commands.promote import drifted
from mlops_cli.cli.here import repository

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository
    from mlops_cli.serving.server import Ready


def serve(
    model: Annotated[
        list[str] | None, typer.Argument(metavar="MODEL[@REF]...", help="Stage, version or alias")
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on (default: serving.host)")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65535, help="Port, 0 for a free one (default: serving.port)"
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=1, max=1024, help="Processes that answer (default: serving.workers)"
        ),
    ] = None,
    canary: Annotated[
        list[str] | None,
        typer.Option("--canary", metavar="REF:SHARE", help="Version to try, as in v4:10%"),
    ] = None,
    ab: Annotated[
        list[str] | None,
        typer.Option("--ab", metavar="REF:SHARE", help="Version in an experiment, as in v4:50%"),
    ] = None,
    by: ByOption = None,
    shadow: Annotated[
        list[str] | None,
        typer.Option("--shadow", metavar="REF", help="Version that sees what another answers"),
    ] = None,
    runtime: Annotated[
        str,
        typer.Option(metavar="auto|native", help="What answers: compiled forms, or only originals"),
    ] = "auto",
    package: Annotated[
        Path | None,
        typer.Option("--package", metavar="DIR", help="Serve what mlo package wrote, not a model"),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option("--log", metavar="DIR", help="With --package: keep a prediction log there"),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="With --package: verify it, answer a row, and end")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON on stdout when it answers")
    ] = False,
) -> None:
    """Answer prediction requests over HTTP.

    MODEL alone serves what is in production, else its newest version. When the reference moves
    to another version the server follows, without losing a request. SIGTERM and Ctrl-C finish
    what is under way first. The answers' inputs and outputs go to the prediction log.

    --canary, --ab and --shadow begin what `mlo canary`, `mlo ab start` and `mlo shadow` begin,
    unless that version has had the part before: then what was decided since holds. A canary or a
    version in an experiment has to pass the stage's gates.
    """
    from mlops_cli.errors import RequestError
    from mlops_cli.serving.opening import begin

    models = model or []
    if bool(models) == (package is not None):
        raise RequestError("name a model, or a --package", hint="mlo models list")
    if by is not None and not ab:
        raise RequestError(
            "--by tells users apart in an experiment", hint="--ab REF:50% --by FIELD"
        )
    if package is None and (check or log is not None):
        raise RequestError("--check and --log are for a --package", hint="mlo serve --help")
    if package is None:
        repo = repository()
        for role, texts in (("canary", canary), ("ab", ab), ("shadow", shadow)):
            begin(repo, models, role, texts or (), by=by, say=show.note, drifted=drifted(repo))
        _serve(repo, models, host, port, runtime, workers, as_json=as_json)
        return
    import os

    from mlops_cli.serving import packaged

    with packaged.repository(package, os.environ, log=log, say=show.note) as held:
        if check:
            packaged.answers(held.repo, held.reference, show.note)
            show.line(f"{held.reference} {held.description.version_id[:10]} is whole and answers")
        else:
            _serve(held.repo, [held.reference], host, port, runtime, workers, as_json=as_json)


def _serve(
    repo: "Repository",
    references: Sequence[str],
    host: str | None,
    port: int | None,
    runtime: str,
    workers: int | None,
    *,
    as_json: bool,
) -> None:
    from mlops_cli.serving.follow import follow
    from mlops_cli.serving.load import check
    from mlops_cli.serving.server import Server

    settings, kind = repo.settings.serving, check(runtime)
    finds = [
        follow(repo, one, max_rows=settings.max_rows, say=show.note, runtime=kind)
        for one in references
    ]
    count = settings.workers if workers is None else workers
    server = Server(repo, finds, host=host, port=port, workers=count, say=show.note)
    server.run(lambda ready: _tell(ready, as_json=as_json))


def _tell(ready: "Sequence[Ready]", *, as_json: bool) -> None:
    import json
    import sys

    if as_json:
        plain = show.plain(ready)
        said = plain[0] if len(plain) == 1 else {"url": ready[0].url, "models": plain}
        show.line(json.dumps(said))
    else:
        for one in ready:
            show.line(f"{one.model} v{one.version} ({one.reference}) answers at {one.url}")
        path = "/predict" if len(ready) == 1 else "/models/NAME/predict"
        show.line(f"  POST {path}; GET / for its inputs and an example, /health, /ready, /metrics")
    sys.stdout.flush()
