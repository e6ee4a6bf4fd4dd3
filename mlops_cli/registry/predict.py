"""Predicting every row of a file, in chunks, with a batch id that leads back to what answered."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.audit import chain
from mlops_cli.core.files import outside, sync_folder
from mlops_cli.core.ids import ObjectId, hash_threads
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.registry import inputs, models
from mlops_cli.registry import rows as rows_of
from mlops_cli.registry.formats import Predictor
from mlops_cli.registry.models import Version

if TYPE_CHECKING:
    import pandas as pd

CHUNK_ROWS = 20_000
VERSION_COLUMN, BATCH_COLUMN, PREDICTION_COLUMN = "model_version", "batch_id", "prediction"


@dataclass(frozen=True, slots=True)
class Batch:
    """What was predicted. `id` stands in each row of the output, and `mlo trace` knows it."""

    id: str
    model: str
    version: int
    version_id: str
    rows: int
    output: str


def predict(
    repo: Repository,
    version: Version,
    source: Path,
    target: Path,
    *,
    force: bool = False,
    progress: Progress = SILENT,
) -> Batch:
    """Write the rows of `source` to `target` with predictions, and return the batch.

    After the columns of the input come `prediction`, `probability_CLASS` for each class of a
    classifier, `model_version` and `batch_id`. Values of the input stay as they are written.
    Memory is that of one chunk of 20,000 rows. `target` appears whole or not at all; the kinds of
    both files are told by their names.

    Raises:
        RequestError: a file's kind is not known, `target` exists and not `force`, a column is
            missing, or the model refuses a value; the message names the rows.
        ExternalError: a file cannot be read or written.
    """
    for path in (source, target):
        rows_of.check_kind(path)
    if target.exists() and not force:
        raise RequestError(f"'{target}' exists already", hint="name another, or say --force")
    if target.exists() and source.exists() and target.samefile(source):
        raise RequestError("input and output are the same file", hint="name another output")
    predictor = models.load(repo, version)
    batch = os.urandom(8).hex()
    beside = target.with_name(f".{target.name}-{batch}")
    text = source.suffix.lower() in rows_of.TEXT
    converts = _converts(source, target)
    rows = 0
    try:
        with (
            progress.task(f"predicting {source.name}", None, "rows") as advance,
            _Output(beside, target) as output,
        ):
            for chunk in rows_of.chunks(source, rows=CHUNK_ROWS):
                given = chunk.frame
                taken = inputs.typed(
                    given, predictor.signature, first_row=rows, where=str(source), text=text
                )
                new = _answers(predictor, version, batch, taken, first_row=rows)
                output.write(taken if converts else given, new, chunk.lines)
                rows += len(given)
                advance(len(given))
        _record(repo, version, batch, source, target, rows, written=beside)
        os.replace(beside, target)
        sync_folder(target.parent)
    except OSError as error:
        raise outside(error, target) from error
    finally:
        beside.unlink(missing_ok=True)
    return Batch(batch, version.model, version.number, version.id, rows, str(target))


def _converts(source: Path, target: Path) -> bool:
    """Return whether the output has the model's columns by their kinds, not as they are written.

    So it is where the input knows only text and the output more, or the output needs one type.
    """
    before, after = source.suffix.lower(), target.suffix.lower()
    if before in rows_of.TEXT:
        return after not in rows_of.TEXT
    return after == ".parquet" != before


def _record(
    repo: Repository,
    version: Version,
    batch: str,
    source: Path,
    target: Path,
    rows: int,
    *,
    written: Path,
) -> None:
    """Note a batch, whose output is not at its place yet: no row is ever without its record."""
    detail = {
        "model": version.model,
        "version": version.id,
        "rows": rows,
        "input": str(source),
        "input_id": _id_of(source),
        "output": str(target),
        "output_id": _id_of(written),
    }
    chain.record(repo, "predict", batch, detail)


def _id_of(path: Path) -> ObjectId:
    from blake3 import blake3

    hasher = blake3(max_threads=hash_threads())
    hasher.update_mmap(path)
    return ObjectId(hasher.hexdigest())


def _answers(
    predictor: Predictor, version: Version, batch: str, frame: "pd.DataFrame", *, first_row: int
) -> dict[str, Any]:
    """Return the new columns for rows whose values were parsed."""
    new: dict[str, Any] = {PREDICTION_COLUMN: []}
    labels = predictor.classes if predictor.has_probabilities else None
    names = [f"probability_{label}" for label in labels or ()]
    if len(frame):
        try:
            new[PREDICTION_COLUMN] = predictor.predict(frame)
            shares = predictor.predict_proba(frame)
        except RequestError as error:
            span = f"rows {first_row + 1} to {first_row + len(frame)}"
            raise RequestError(f"{error.message} ({span})", hint=error.hint) from error
        for place, name in enumerate(names):
            new[name] = None if shares is None else shares[:, place]
    else:
        new.update({name: [] for name in names})
    new[VERSION_COLUMN] = f"{version.model} v{version.number}"
    new[BATCH_COLUMN] = batch
    double = [name for name in new if name in frame.columns]
    if double:
        raise RequestError(
            f"the input has a column '{double[0]}', which the output needs",
            hint="rename it, or take it out",
        )
    return new


def _json_lines(frame: "pd.DataFrame") -> Iterator[bytes]:
    """Yield a line for each row; every float reads back equal, which pandas' own JSON does not."""
    import orjson

    option = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    for row in frame.to_dict("records"):
        yield orjson.dumps(row, default=_plain, option=option)


def _plain(value: Any) -> str | None:
    """Return what is no JSON as text; a missing value as null."""
    import pandas as pd

    return None if value is pd.NA or value is pd.NaT else str(value)


def _extended(lines: list[bytes], new: "pd.DataFrame") -> Iterator[bytes]:
    """Yield lines of JSON as they are, with new keys at their ends."""
    for line, more in zip(lines, _json_lines(new), strict=True):
        held = line[:-1].rstrip()
        yield held + (b"" if held == b"{" else b",") + more[1:]


class _Output:
    """A table that is written chunk by chunk, and synced at the end."""

    def __init__(self, path: Path, target: Path) -> None:
        self._path = path
        self._suffix = target.suffix.lower()
        self._file = path.open("xb")
        self._parquet: Any = None
        self._empty = True
        self._names: list[str] = []

    def __enter__(self) -> "_Output":
        return self

    def __exit__(self, *_: object) -> None:
        if self._parquet is not None:
            self._parquet.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def write(
        self, frame: "pd.DataFrame", new: dict[str, Any], lines: list[bytes] | None = None
    ) -> None:
        """Write rows and their new columns; if given, `lines` are these rows as JSON."""
        if self._suffix == ".parquet":
            self._write_parquet(frame.assign(**new))
        elif self._suffix in (".jsonl", ".ndjson"):
            if lines is None:
                self._file.writelines(_json_lines(frame.assign(**new)))
            else:
                self._file.writelines(_extended(lines, frame[[]].assign(**new)))
        else:
            self._write_text(frame.assign(**new))
        self._empty = False

    def _write_text(self, frame: "pd.DataFrame") -> None:
        if self._empty:
            self._names = list(frame.columns)
        elif self._names != list(frame.columns):
            late = next(name for name in frame.columns if name not in self._names)
            raise RequestError(
                f"the column '{late}' begins after the first {CHUNK_ROWS:,} rows",
                hint="write .jsonl instead, where each row has its own columns",
            )
        separator = "\t" if self._suffix == ".tsv" else ","
        frame.to_csv(self._file, sep=separator, index=False, header=self._empty)

    def _write_parquet(self, frame: "pd.DataFrame") -> None:
        pyarrow = rows_of.pyarrow()
        try:
            rows = pyarrow.Table.from_pandas(frame, preserve_index=False)
            rows = rows.replace_schema_metadata(None)  # pandas' types, which no reader needs
            if self._parquet is None:
                self._parquet = pyarrow.parquet.ParquetWriter(self._file, rows.schema)
            self._parquet.write_table(rows.cast(self._parquet.schema))
        except (pyarrow.ArrowException, TypeError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise RequestError(
                f"the rows have no form in Parquet: {reason}", hint="write .csv or .jsonl instead"
            ) from error
