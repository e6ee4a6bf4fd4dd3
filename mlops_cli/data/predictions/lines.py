"""Segments as they were in format 1: JSON lines, a head and then one for each prediction.

They are read as the others are; nobody writes them any more.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from mlops_cli.data.predictions.segment import DamagedHead, Head, Source
from mlops_cli.errors import IntegrityError

SUFFIX = ".jsonl"
_FORMAT = 1
_PART_ROWS = 4096


def head(path: Path) -> Head:
    """Return who a segment's answers are from.

    Raises:
        DamagedHead: the first line is damaged, or not there.
        IntegrityError: it is of a format that is not known here.
    """
    with path.open("rb") as file:
        line = file.readline()
    try:
        record = orjson.loads(line)
        if record["v"] != _FORMAT:
            raise IntegrityError(
                f"'{path}' has format {record['v']} of the prediction log, unknown here",
                hint="use a newer mlo",
            )
        classes = record["classes"]
        source = Source(
            record["model"],
            record["version"],
            record["version_id"],
            tuple(record["columns"]),
            None if classes is None else tuple(classes),
        )
        return Head(path.stem, source, source.columns)
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedHead(
            f"the first line of '{path}' is damaged, so its predictions cannot be read",
            hint="a copy of it in a backup may be whole; predictions in other files are read",
        ) from error


def parts(path: Path) -> Iterator[list[list[Any]]]:
    """Yield whole rows in order, some thousands at a time; a torn line is skipped."""
    rows = _rows(path)
    while part := list(islice(rows, _PART_ROWS)):
        yield part


def _rows(path: Path) -> Iterator[list[Any]]:
    last = -1
    with path.open("rb") as file:
        file.readline()
        for line in file:
            try:
                row = orjson.loads(line)
            except ValueError:
                continue
            if isinstance(row, list) and len(row) == 5 and row[0] > last:
                last = row[0]
                yield row
