"""The rows that a model is asked about while it is explained."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.core.repository import Repository
from mlops_cli.data import prediction_log
from mlops_cli.errors import RequestError
from mlops_cli.registry import example, inputs
from mlops_cli.registry.evaluation import data as tables
from mlops_cli.registry.evaluation import truth
from mlops_cli.registry.evaluation.record import Data
from mlops_cli.registry.models import Version
from mlops_cli.registry.signature import Signature

if TYPE_CHECKING:
    import pandas as pd

SEED = 20260131


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as the model takes them.

    Attributes:
        rows: columns in the order of the signature.
        truth: what is true of each row; None where the table does not say.
        of: how many rows the table has, of which these are some.
    """

    data: Data
    rows: "pd.DataFrame"
    truth: "pd.Series[Any] | None"
    of: int


def table(
    repo: Repository,
    version: Version,
    signature: Signature,
    asked: str | None,
    *,
    target: str | None,
    most: int,
    start: Path,
) -> Table:
    """Return at most so many rows of a table: `asked`, or what the version is evaluated on, or else
    was fitted on.

    Raises:
        RequestError: none is known, or it lacks columns that the model takes.
        MissingObject: it is not in this store.
    """
    chosen = _choose(repo, version, asked, start)
    frame = tables.read(repo, chosen)
    if not len(frame):
        raise RequestError(f"'{chosen.path}' has no rows to explain the model by")
    known = target or version.target
    if target is not None and target not in frame.columns:
        raise truth.no_column(target, frame, chosen)
    every = len(frame)
    if every > most:
        frame = frame.sample(most, random_state=SEED).sort_index()
    true = frame[known] if known in frame.columns else None
    rows = truth.rows_of(_as_taken(frame, signature, known), signature)
    return Table(chosen, rows.reset_index(drop=True), true, every)


def _choose(repo: Repository, version: Version, asked: str | None, start: Path) -> Data:
    try:
        return tables.choose(repo, version, asked, start=start)
    except RequestError as error:
        if asked is None and version.data is None and version.profile is not None:
            raise _no_rows(version) from error
        if asked is not None or version.data is None or version.data.kind != "file":
            raise
        return Data(version.data.path, version.data.oid, "training data")


def _no_rows(version: Version) -> RequestError:
    return RequestError(
        f"{version.model} v{version.number} keeps what its training data were like,"
        " but none of the rows that explaining needs",
        hint="name a table with --data PATH; log_model(..., data=PATH) would keep which one it was",
    )


def _as_taken(frame: "pd.DataFrame", signature: Signature, target: str | None) -> "pd.DataFrame":
    names = list(signature.names)
    missing = [name for name in names if name not in frame.columns]
    if not missing:
        found: pd.DataFrame = frame[names]
        return found
    left = frame.drop(columns=[target] if target in frame.columns else [])
    if left.shape[1] == len(names) and len(missing) == len(names):
        renamed: pd.DataFrame = left.set_axis(names, axis=1)  # fitted on an array of them
        return renamed
    raise RequestError(f"the table has no column '{missing[0]}', which the model takes")


def one(
    repo: Repository, version: Version, signature: Signature, text: str, found: Table
) -> "pd.DataFrame":
    """Return the row that `text` means: JSON, a prediction's id, or a number from 1 in the table.

    Raises:
        RequestError: it is none of these, or lacks a column.
    """
    import pandas as pd

    if prediction_log.is_prediction_id(text):
        logged = prediction_log.find(repo, text)
        if logged.model != version.model:
            raise RequestError(f"prediction {text} is of {logged.model}, not of {version.model}")
        values: Mapping[str, Any] = logged.features
    elif text.isdigit():
        return _numbered(int(text), found)
    elif text == "example":
        if version.example is None:
            raise RequestError(f"{version.model} v{version.number} keeps no example")
        values = example.decode(repo.objects.get(version.example)).records()[0]
    else:
        values = _json(text)
    missing = [name for name in signature.names if name not in values]
    if missing:
        raise RequestError(f"the row has no '{missing[0]}', which the model takes")
    frame = pd.DataFrame({name: [values[name]] for name in signature.names}, dtype=object)
    return inputs.typed(frame, signature, first_row=0, where="ROW", text=False)


def _numbered(number: int, found: Table) -> "pd.DataFrame":
    if not 1 <= number <= len(found.rows):
        raise RequestError(
            f"'{found.data.path}' has no row {number:,}: rows go from 1 to {len(found.rows):,}"
        )
    row: pd.DataFrame = found.rows.iloc[[number - 1]].reset_index(drop=True)
    return row


def _json(text: str) -> Mapping[str, Any]:
    try:
        held = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(
            f"'{text[:60]}' is no row",
            hint="give JSON such as '{\"age\": 41}', a row's number in the data, "
            "a prediction's id, or: example",
        ) from error
    if isinstance(held, list) and len(held) == 1:
        held = held[0]
    if not isinstance(held, dict):
        raise RequestError("a row in JSON is an object with a value for each column")
    return held
