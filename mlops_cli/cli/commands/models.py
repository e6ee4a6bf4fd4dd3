"""`mlo models`: the registry."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.commands.promote import ReasonOption
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag
from mlops_cli.errors import RequestError

app = typer.Typer(help="List, show and compare models and their versions")


@app.command("list")
def list_(as_json: JsonFlag = False) -> None:
    """List models, where their versions stand, and how good they are."""
    from mlops_cli.cli import models_list
    from mlops_cli.registry import models

    repo = repository()
    found = [models.model(repo, name) for name in models.names(repo)]
    show.emit(found, as_json=as_json, text=lambda all_: models_list.tell(all_, repo.settings))


@app.command("show")
def show_(
    reference: Annotated[str, typer.Argument(metavar="MODEL[@REF]", help="A model or a version")],
    as_json: JsonFlag = False,
) -> None:
    """Show a model with its versions, or all that is recorded of one version."""
    from mlops_cli.cli import models_list, models_show
    from mlops_cli.registry import models

    repo = repository()
    if "@" not in reference:
        show.emit(models.model(repo, reference), as_json=as_json, text=models_list.tell_model)
        return
    found = models_show.gather(repo, reference)
    if as_json:
        show.emit(found.to_json(), as_json=True, text=print)
    else:
        models_show.tell(found)


@app.command("compare")
def compare(
    references: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL@REF...",
            help="Versions; one alone is compared with what is in production, or the one before it",
        ),
    ],
    every: Annotated[bool, typer.Option("--all", help="Show also what is the same")] = False,
    markdown: Annotated[
        bool, typer.Option("--md", "--markdown", help="Markdown, for a comment on a pull request")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show how versions differ: parameters, metrics, data, code, environment.

    Metrics are those of the runs, and those of the newest evaluations on data that all of the
    versions were evaluated on, with their slices, the time that a row takes, and the size.
    """
    from mlops_cli.cli import models_compare
    from mlops_cli.registry.compare import compare as differ

    if markdown and as_json:
        raise RequestError("one form of output at a time", hint="--md or --json")
    found = differ(repository(), references, everything=every)
    text = models_compare.tell_markdown if markdown else models_compare.tell
    show.emit(found, as_json=as_json, text=text)


@app.command("card")
def card(
    reference: Annotated[str, typer.Argument(metavar="MODEL[@REF]", help="The version")],
    edit: Annotated[
        Path | None,
        typer.Option("--edit", metavar="FILE", help="Make this text its card; - for stdin"),
    ] = None,
    message: Annotated[
        str | None, typer.Option("-m", "--message", metavar="TEXT", help="With --edit: why")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Print the model card of a version, in Markdown, or change it.

    A version begins with a card that has all that is known of it, and says what is left to fill in.
    The part about metrics, between two comments of HTML, is written anew each time, so that it has
    later evaluations. To change the rest: write the card to a file, edit it, and give it back with
    --edit. Every card that there was stays on record.
    """
    from mlops_cli.registry import card as cards
    from mlops_cli.registry import models

    repo = repository()
    if message is not None and edit is None:
        raise RequestError("--message says why a card was changed", hint="--edit FILE")
    if edit is not None:
        changed = cards.edit(repo, reference, _text(edit), reason=message)
        show.emit(
            changed,
            as_json=as_json,
            text=lambda one: show.line(
                f"{one.model} v{one.number} has the card {(one.card or '')[:10]}"
            ),
        )
        return
    version = models.resolve(repo, reference)
    text = cards.read(repo, version)
    held = {"model": version.model, "number": version.number, "id": version.card, "text": text}
    shown = cards.bare(text) if sys.stdout.isatty() else text
    show.emit(held, as_json=as_json, text=lambda _: show.line(shown.rstrip("\n")))


def _text(path: Path) -> str:
    if str(path) == "-":
        return sys.stdin.read()
    try:
        return path.read_text("utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RequestError(f"cannot read '{path}': {reason}") from error
    except UnicodeDecodeError as error:
        raise RequestError(f"'{path}' is no text in UTF-8") from error


@app.command("alias")
def alias(
    reference: Annotated[str, typer.Argument(metavar="MODEL[@REF]", help="The version")],
    name: Annotated[str, typer.Argument(help="The free name, such as champion")],
    reason: ReasonOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Give a version a free name, which moves when it is given again."""
    from mlops_cli.registry.promote import Moved
    from mlops_cli.registry.promote import alias as name_it

    def text(moved: Moved) -> None:
        show.line(f"{moved.model}@{moved.stage} is v{moved.number}")

    show.emit(name_it(repository(), reference, name, reason=reason), as_json=as_json, text=text)
