"""`mlo predictions`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.data.predictions.holdings import Holding

app = typer.Typer(help="List and export what was answered.")


@app.command("list")
def list_(
    model: Annotated[str | None, typer.Argument(metavar="MODEL", help="Only of this model")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List how much there is in the prediction log, by model, version and role.

    The role says who had the answers: `answer`, `canary` and `ab` are clients, `shadow` is nobody.
    """
    from mlops_cli.data.predictions.holdings import holdings
    from mlops_cli.data.predictions.segment import Tally

    tally = Tally()
    found = holdings(repository(), model, tally=tally)
    if tally.blocks:
        show.note(str(tally))
    show.emit(found, as_json=as_json, text=_tell)


@app.command("export")
def export(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="MODEL[@REF]", help="A model, or one version of it (default: all versions)"
        ),
    ],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="Where to write: CSV, TSV, JSON lines or Parquet")
    ],
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Only from then on: 24h, 7d, a date"),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Only before then")
    ] = None,
    labelled: Annotated[
        bool, typer.Option("--labelled", help="Only those whose label is known")
    ] = False,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Those of shadows, not what clients had")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it exists")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write predictions as a table: what was asked, answered and true."""
    from datetime import UTC, datetime

    from mlops_cli.data.prediction_log import ANSWERED
    from mlops_cli.data.predictions.segment import Tally
    from mlops_cli.monitor import live
    from mlops_cli.registry import models
    from mlops_cli.registry.batch.export import export as write

    repo, tally, now = repository(), Tally(), datetime.now(UTC)
    version_ids = None
    model = reference
    if "@" in reference:
        version = models.resolve(repo, reference)
        model, version_ids = version.model, [version.id, *version.formerly]
    rows = write(
        repo,
        model,
        target,
        version_ids=version_ids,
        since=None if since is None else live.moment(since, now=now),
        until=None if until is None else live.moment(until, now=now),
        roles=("shadow",) if shadow else ANSWERED,
        labelled=labelled,
        force=force,
        tally=tally,
        progress=show.progress(),
    )
    if tally.blocks:
        show.note(str(tally))
    done = {"output": str(target), "rows": rows, "damaged": tally.blocks}
    show.emit(done, as_json=as_json, text=lambda _: _told(target, rows))


def _told(target: Path, rows: int) -> None:
    show.line(f"{target}: {rows:,} prediction{'' if rows == 1 else 's'}")


def _tell(found: "list[Holding]") -> None:
    if not found:
        show.line("no predictions in the log of this clone")
        return
    names = ["model", "role", "rows", "labels", "size", "from", "to"]
    show.table(
        names,
        [
            [
                f"{one.model} v{one.version}",
                one.role,
                f"{one.rows:,}",
                f"{one.labels:,}",
                show.size(one.bytes),
                one.first[:16].replace("T", " "),
                one.last[:16].replace("T", " "),
            ]
            for one in found
        ],
    )
