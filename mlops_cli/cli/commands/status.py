"""`mlo status`."""

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.cli.standing import Behind, Standing
    from mlops_cli.data.status import Changed

_REASONS_SHOWN = 3


def status(
    as_json: JsonFlag = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 when data changed or a step is stale")
    ] = False,
) -> None:
    """Say what changed and what is stale.

    Compares the data with its pointers, and the pipeline with mlo.lock; names models with a
    version that is in no stage, what remotes lack, and runs that were killed. Nothing is changed,
    and no remote is asked.
    """
    from mlops_cli.cli import show
    from mlops_cli.cli.here import repository
    from mlops_cli.cli.standing import look

    standing = look(repository())
    show.emit(standing, as_json=as_json, text=_tell)
    if exit_code and standing.dirty:
        raise typer.Exit(1)


def _tell(standing: "Standing") -> None:
    from mlops_cli.cli import show

    sections = [
        ("data that is not as its pointer says", [_data(one) for one in standing.data]),
        ("steps to run: mlo run", [f"{s.name}: {_reasons(s.reasons)}" for s in standing.stale]),
        ("models with a newer version than their stages", [_model(m) for m in standing.models]),
        (
            "not on a remote yet: mlo push",
            [
                f"{u.remote} lacks {u.objects:,} objects, {show.size(u.bytes)}"
                for u in standing.unpushed
            ],
        ),
        ("runs that were killed: mlo runs list", list(standing.killed)),
    ]
    said = [(title, lines) for title, lines in sections if lines]
    for title, lines in said:
        show.line(title)
        for text in lines:
            show.line(f"  {text}")
    if not said:
        count = standing.versioned
        show.line(f"all is as it should be: {count:,} versioned path{'' if count == 1 else 's'}")


def _data(change: "Changed") -> str:
    where = "" if change.stored else ", and its version is not in this store: mlo pull"
    if change.problem:
        return f"changed  {change.path}: {change.problem}"
    if change.state == "missing":
        how = where or f": mlo checkout {change.path}"
        return f"missing  {change.path}{how}"
    if change.added is None or change.kind == "file":
        return f"changed  {change.path}{where}"
    counts = [
        f"{count:,} {word}"
        for count, word in (
            (change.added, "new"),
            (change.modified, "changed"),
            (change.removed, "missing"),
        )
        if count
    ]
    return f"changed  {change.path}: {', '.join(counts) or 'empty folders'}{where}"


def _reasons(reasons: tuple[str, ...]) -> str:
    more = len(reasons) - _REASONS_SHOWN
    return "; ".join(reasons[:_REASONS_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _model(behind: "Behind") -> str:
    stages = ", ".join(f"{stage} v{number}" for stage, number in sorted(behind.stages.items()))
    return f"{behind.model}: v{behind.newest} is in no stage ({stages or 'no stage is set'})"
