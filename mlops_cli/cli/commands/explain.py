"""`mlo explain`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag
from mlops_cli.errors import ExternalError, RequestError

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository
    from mlops_cli.registry.explaining.explanation import Explanation


def explain(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="MODEL[@REF]",
            help="The version (default: the newest; of a prediction the one that made it)",
        ),
    ],
    row: Annotated[
        str | None,
        typer.Argument(
            help="JSON, a row's number in the data, a prediction's id, or: example "
            "(default: the model as a whole)"
        ),
    ] = None,
    method: Annotated[
        Literal["permutation", "shap"],
        typer.Option(help="Shuffle columns, or compute Shapley values, which need mlo[explain]"),
    ] = "permutation",
    data: Annotated[
        str | None,
        typer.Option(
            metavar="PATH[@REV]",
            help="The table (default: what it is evaluated on, or else was fitted on)",
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column that holds the truth")
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What a shuffled column may worsen: roc_auc, accuracy, balanced_accuracy, "
            "log_loss, r2, mae or rmse (default: by task)",
        ),
    ] = None,
    rows: Annotated[
        int, typer.Option(min=1, help="At most so many rows of the table, drawn at random")
    ] = 2000,
    repeats: Annotated[int, typer.Option(min=1, help="How often each column is shuffled")] = 5,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write a page with a drawing, .html, or an .svg"
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Say which columns a model goes by, or why it answered so.

    Without a row each column is shuffled, and what the model loses by that is the column's
    importance; columns that say the same share theirs, so both may look unimportant. With a row
    each of its cells is exchanged for those of other rows. Shapley values share out what
    cells do together: their sum is the answer less the average.
    """
    from mlops_cli.cli import explain_report
    from mlops_cli.registry.explaining.explain import explain as look

    if output is not None and output.suffix.lower() not in (".html", ".htm", ".svg"):
        raise RequestError(f"'{output}' is of no kind that is known", hint="-o FILE.html or .svg")
    repo = repository()
    if "@" not in reference:
        reference, note = _meant(repo, reference, row)
        if note:
            show.note(note, rest="  ")
    found = look(
        repo,
        reference,
        row,
        method=method,
        data=data,
        target=target,
        metric=metric,
        most=rows,
        repeats=repeats,
        start=Path.cwd(),
    )
    if output is not None:
        _write(found, output)
    show.emit(found, as_json=as_json, text=explain_report.tell)
    if output is not None:
        show.note(f"drawn in {output}")


def _meant(repo: "Repository", name: str, row: str | None) -> tuple[str, str | None]:
    """Return which version of a model is meant, and a note: the one that made a prediction."""
    from mlops_cli.data import prediction_log
    from mlops_cli.registry import meant

    if row is not None and prediction_log.is_prediction_id(row):
        logged = prediction_log.find(repo, row)
        if logged is not None and logged.model == name:
            return f"{name}@{logged.version_id}", None
    return meant.judged(repo, name)


def _write(found: "Explanation", path: Path) -> None:
    from mlops_cli.registry.explaining import picture

    text = picture.svg(found) if path.suffix.lower() == ".svg" else picture.page(found)
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExternalError(f"cannot write '{path}': {reason}") from error
