"""`mlo gc`."""

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag
from mlops_cli.core.files import outside
from mlops_cli.errors import RequestError

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository
    from mlops_cli.data.gc import Collected
    from mlops_cli.data.predictions.retention import PrunedLog
    from mlops_cli.pipeline.reproduction.environments import Pruned

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def gc(
    older_than: Annotated[
        str,
        typer.Option(metavar="AGE", help="Leave what is younger: 30m, 12h, 14d, 8w"),
    ] = "14d",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would go (default: drop it)")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Drop versions that nothing needs any more.

    Kept is what any commit of any branch, tag, stash or reflog names, the index and the files of
    all git work trees, every run that was not removed, every model and every open run. Drops the
    rest from this store, never from a remote; and the environments that mlo reproduce keeps in the
    user's cache folder, where nobody has used one for so long. Predictions go as serving.log in
    .mlops.yaml says.
    """
    import os

    from mlops_cli.data.gc import collect
    from mlops_cli.pipeline.reproduction.environments import prune
    from mlops_cli.runs import code_refs
    from mlops_cli.runs.index import removed_keys

    repo = repository()
    if not dry_run:
        code_refs.prune(repo, removed_keys(repo))
    collected = collect(
        repo,
        removed=lambda: removed_keys(repo),
        grace_s=seconds(older_than),
        dry_run=dry_run,
        progress=show.progress(),
    )
    pruned = prune(os.environ, unused_s=seconds(older_than), dry_run=dry_run)
    gone = _prune_predictions(repo, dry_run=dry_run)

    def tell(_: object) -> None:
        _tell(collected, older_than)
        _tell_pruned(pruned, dry_run=dry_run)
        _tell_predictions(gone, dry_run=dry_run)

    environments = {"environments": pruned.environments, "environment_bytes": pruned.bytes}
    predictions = {"prediction_segments": gone.files, "prediction_bytes": gone.bytes}
    show.emit({**show.plain(collected), **environments, **predictions}, as_json=as_json, text=tell)


def _prune_predictions(repo: "Repository", *, dry_run: bool) -> "PrunedLog":
    """Drop the predictions that the settings do not keep, and pack the others closer."""
    import time

    from mlops_cli.data.predictions import retention

    folder, now_s = repo.layout.predictions, time.time()
    try:
        gone = retention.prune(folder, repo.settings.serving.log, now_s=now_s, dry_run=dry_run)
        if not dry_run:
            retention.pack(folder, now_s=now_s)
    except OSError as error:
        raise outside(error, folder) from error
    return gone


def seconds(text: str) -> float:
    """Return how many seconds an age such as `14d` is.

    Raises:
        RequestError: it is none.

    >>> seconds("14d"), seconds("0d"), seconds("1.5h")
    (1209600.0, 0.0, 5400.0)
    """
    import math

    try:
        number = float(text[:-1]) * _SECONDS[text[-1:]]
    except (KeyError, ValueError):
        number = -1.0
    if not math.isfinite(number) or number < 0:
        raise RequestError(
            f"'{text}' is no age", hint="a number and s, m, h, d or w: mlo gc --older-than 14d"
        )
    return number


def _tell(collected: "Collected", older_than: str) -> None:
    does = "would drop" if collected.dry_run else "dropped"
    if collected.objects:
        show.line(f"{does} {_amount(collected.objects, collected.bytes)}")
    else:
        show.line(f"nothing {'would go' if collected.dry_run else 'went'}")
    show.line(f"keeps {_amount(collected.kept_objects, collected.kept_bytes)}")
    if collected.young_objects:
        young = _amount(collected.young_objects, collected.young_bytes)
        show.line(f"  nothing needs {young} of that, but it is younger than {older_than}")
    if collected.dry_run and collected.biggest:
        show.line("biggest:")
        for one in collected.biggest:
            show.line(f"  {one.oid[:10]}  {one.kind:<5}  {show.size(one.size)}")


def _tell_pruned(pruned: "Pruned", *, dry_run: bool) -> None:
    if pruned.environments:
        does = "would drop" if dry_run else "dropped"
        what = show.number(pruned.environments, "unused environment")
        show.line(f"{does} {what} of mlo reproduce, {show.size(pruned.bytes)}")


def _tell_predictions(gone: "PrunedLog", *, dry_run: bool) -> None:
    if gone.files:
        does = "would drop" if dry_run else "dropped"
        what = show.number(gone.files, "segment")
        show.line(f"{does} {what} of the prediction log, {show.size(gone.bytes)}")


def _amount(objects: int, size: int) -> str:
    return f"{objects:,} object{'' if objects == 1 else 's'}, {show.size(size)}"
