"""A table of another kind as delimited text."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO

from mlops_cli.data.tables.source import Source


@dataclass(frozen=True, slots=True)
class Translation:
    """The text, what the file says of each column, and which hold text (so "" is a value)."""

    source: Source
    types: Mapping[str, str]
    texts: frozenset[str]


def written(rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows as lines of comma-separated text."""
    out = StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode("utf-8", "surrogatepass")
