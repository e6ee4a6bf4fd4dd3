"""`mlo serve`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository
    from mlops_cli.serving.server import Ready


def serve(
    model: Annotated[
        str | None, typer.Argument(metavar="MODEL[@REF]", help="Stage, version or alias")
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
    """
    from mlops_cli.errors import RequestError

    if (model is None) == (package is None):
        raise RequestError("name a model, or a --package", hint="mlo models list")
    if package is None and (check or log is not None):
        raise RequestError("--check and --log are for a --package", hint="mlo serve --help")
    if package is None:
        _serve(repository(), str(model), host, port, runtime, as_json=as_json)
        return
    import os

    from mlops_cli.serving import packaged

    with packaged.repository(package, os.environ, log=log, say=show.note) as held:
        if check:
            packaged.answers(held.repo, held.reference, show.note)
            show.line(f"{held.reference} {held.description.version_id[:10]} is whole and answers")
        else:
            _serve(held.repo, held.reference, host, port, runtime, as_json=as_json)


def _serve(
    repo: "Repository",
    model: str,
    host: str | None,
    port: int | None,
    runtime: str,
    *,
    as_json: bool,
) -> None:
    from mlops_cli.serving.follow import follow
    from mlops_cli.serving.load import check
    from mlops_cli.serving.server import Server

    most = repo.settings.serving.max_rows
    find = follow(repo, model, max_rows=most, say=show.note, runtime=check(runtime))
    server = Server(repo, [find], host=host, port=port, say=show.note)
    server.run(lambda ready: _tell(ready[0], as_json=as_json))


def _tell(ready: "Ready", *, as_json: bool) -> None:
    import json
    import sys

    if as_json:
        show.line(json.dumps(show.plain(ready)))
    else:
        show.line(f"{ready.model} v{ready.version} ({ready.reference}) answers at {ready.url}")
        show.line("  POST /predict; GET / for its inputs and an example, /health, /ready, /metrics")
    sys.stdout.flush()
