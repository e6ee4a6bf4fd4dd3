"""Tables of fresh rows, as files that are kept: their bytes, and their place among versions."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, snapshot, table
from mlops_cli.errors import MloError, RequestError
from mlops_cli.monitor.retrain.fresh import Fresh
from mlops_cli.monitor.retrain.record import Table
from mlops_cli.monitor.retrain.window import Chosen
from mlops_cli.registry.models import Version

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Training:
    """The rows to train on.

    Attributes:
        why: which rows these are, in words.
        text: how many they are, and where from.
    """

    rows: pd.DataFrame
    why: str
    text: str


def trained(
    repo: Repository, version: Version | None, fresh: Fresh, chosen: Chosen, into: str
) -> Training:
    """Return the rows to train on.

    The rows that the version in the stage was trained on go before, where they are wanted, are
    here, and have no other columns.
    """
    import pandas as pd

    rows = fresh.rows.iloc[chosen.first : chosen.split]
    before = None if chosen.old == 0 else _before(repo, version, into)
    if before is None or set(before.columns) != set(rows.columns):
        return Training(rows, chosen.why, f"{len(rows):,} rows of {fresh.where}")
    before = before if chosen.old is None else before.tail(chosen.old)
    both = pd.concat([before, rows[list(before.columns)]], ignore_index=True)
    old = f"{len(before):,} rows that v{_number(version)} was trained on"
    text = f"{len(both):,} rows: {len(before):,} that v{_number(version)} was trained on,"
    return Training(both, f"{old}, and {chosen.why}", f"{text} {len(rows):,} of {fresh.where}")


def _number(version: Version | None) -> int:
    return 0 if version is None else version.number


def _before(repo: Repository, version: Version | None, into: str) -> pd.DataFrame | None:
    """Return the rows that were at `into` when a version was made; None where they are not here."""
    known = [] if version is None else [*version.inputs, *([version.data] if version.data else [])]
    for one in known:
        if one.path == into and one.kind == "file":
            try:
                return table.of_version(repo, one.oid, one.path)
            except MloError:
                return None
    return None


def keep(repo: Repository, rows: pd.DataFrame, path: str, why: str) -> Table:
    """Put a table into the store, in the format that its path says, and return what names it."""
    data = encoded(rows, path)
    place = repo.layout.tmp / f"retrain-{ObjectId(_hash(data))[:16]}"
    place.write_bytes(data)
    try:
        with repo.objects.writer() as writer:
            oid = snapshot.take(repo, place, writer=writer).oid
    finally:
        place.unlink(missing_ok=True)
    return Table(path, oid, len(rows), why)


def encoded(rows: pd.DataFrame, path: str) -> bytes:
    """Return a table as the bytes of a file called `path`.

    Raises:
        RequestError: that is no table.
    """
    suffix = table.suffix_of(path)
    if suffix in (".csv", ".tsv"):
        text = rows.to_csv(index=False, sep="\t" if suffix == ".tsv" else ",", lineterminator="\n")
        return _packed(text.encode(), path)
    if suffix in (".jsonl", ".ndjson"):
        text = rows.to_json(orient="records", lines=True, date_format="iso")
        return _packed(text.encode(), path)
    if suffix in (".parquet", ".pq"):
        buffer = BytesIO()
        rows.reset_index(drop=True).to_parquet(buffer, index=False)
        return buffer.getvalue()
    raise RequestError(f"'{path}' is not a table", hint="known: " + " ".join(table.SUFFIXES))


def _packed(data: bytes, path: str) -> bytes:
    """Return data compressed as its name says; the same data gives the same bytes."""
    import bz2
    import gzip
    import lzma

    last = path.lower().rpartition(".")[2]
    if last == "gz":
        return gzip.compress(data, mtime=0)
    if last == "bz2":
        return bz2.compress(data)
    if last == "xz":
        return lzma.compress(data)
    if last == "zst":
        raise RequestError(f"'{path}' cannot be written", hint="name a .gz or a plain file")
    return data


def place_in(where: Repository, kept: Table, source: Repository) -> None:
    """Put rows where the pipeline of another work tree reads them, and version them there.

    A table that git tracks stays git's.
    """
    from mlops_cli.core import git
    from mlops_cli.data.add import add

    path = paths.locate(where, kept.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(source.objects.get(ObjectId(kept.oid)))
    if not git.is_tracked(where.root, [kept.path]):
        add(where, [path])


def _hash(data: bytes) -> str:
    from mlops_cli.core.ids import object_id

    return object_id(data)
