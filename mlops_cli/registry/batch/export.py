"""The prediction log as a table of one of the kinds that everybody reads."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.core.files import outside, sync_folder
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.repository import Repository
from mlops_cli.data import prediction_log
from mlops_cli.data.prediction_log import ANSWERED
from mlops_cli.data.predictions.rows import Rows
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.errors import RequestError
from mlops_cli.registry import rows as rows_of
from mlops_cli.registry.batch.reading import Part
from mlops_cli.registry.batch.writing import Output

if TYPE_CHECKING:
    import pandas as pd


def export(
    repo: Repository,
    model: str,
    target: Path,
    *,
    version_ids: Collection[str] | None = None,
    since: str | None = None,
    until: str | None = None,
    roles: Collection[str] = ANSWERED,
    labelled: bool = False,
    force: bool = False,
    tally: Tally | None = None,
    progress: Progress = SILENT,
) -> int:
    """Write predictions to `target`, and return how many; memory is that of one block.

    Columns: id, time, model_version, role, request, key, the inputs, prediction,
    `probability_CLASS`, and label. With `labelled` only those whose label is known. The table
    appears whole or not at all. What is chosen, and `tally`, are as of `prediction_log.batches`.

    Raises:
        RequestError: the kind is not known, `target` exists and not `force`, or versions have
            columns of other kinds that one Parquet file cannot hold.
        ExternalError: the disk refuses.
    """
    rows_of.check_kind(target)
    if target.exists() and not force:
        raise RequestError(f"'{target}' exists already", hint="name another, or say --force")
    served = prediction_log.models(repo)
    if model not in served:
        raise RequestError(
            f"there are no predictions of '{model[:80]}' in the log of this clone",
            hint=f"there are of: {', '.join(served[:5])}" if served else "mlo serve logs them",
        )
    found = prediction_log.batches(
        repo,
        model,
        version_ids=version_ids,
        since=since,
        until=until,
        roles=roles,
        labelled=True,
        tally=tally,
    )
    aside = target.with_name(f".{target.name}-{os.urandom(6).hex()}")
    total = 0
    try:
        with (
            progress.task(f"exporting {model}", None, "rows") as advance,
            Output(aside, target, None, converts=False) as output,
        ):
            for rows in found:
                frame = _frame(rows, labelled=labelled)
                output.write(Part(total, len(frame), frame, frame), {})
                total += len(frame)
                advance(len(frame))
        os.replace(aside, target)
        sync_folder(target.absolute().parent)
    except OSError as error:
        raise outside(error, target) from error
    finally:
        aside.unlink(missing_ok=True)
    return total


def _frame(rows: Rows, *, labelled: bool) -> "pd.DataFrame":
    import pandas as pd

    if labelled and rows.labels is not None and rows.labels.gaps is not None:
        rows = rows.take(~rows.labels.gaps)
    count = len(rows)
    held: dict[str, Any] = {
        "id": [rows.id(row) for row in range(count)],
        "time": pd.to_datetime(rows.times_us, unit="us", utc=True),
        "model_version": f"{rows.source.model} v{rows.source.version}",
        "role": rows.source.role,
        "request": None if rows.requests is None else rows.requests.array(),
        "key": None if rows.keys is None else rows.keys.array(),
    }
    taken = {name: cells.array() for name, cells in rows.columns.items() if name not in held}
    held |= taken
    held["prediction"] = rows.predictions.array()
    if rows.shares is not None:
        for place, name in enumerate(rows.source.classes or ()):
            held[f"probability_{name}"] = rows.shares[:, place]
    held["label"] = None if rows.labels is None else rows.labels.array()
    return pd.DataFrame(held, index=pd.RangeIndex(count))
