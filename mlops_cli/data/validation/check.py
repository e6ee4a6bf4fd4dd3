"""Whether a table in memory is as its schema says."""

import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_cli.data.validation.judge import judge
from mlops_cli.data.validation.report import ValidationReport
from mlops_cli.data.validation.scan import Block, Plan, scan
from mlops_cli.data.validation.schema import Schema

if TYPE_CHECKING:
    from pandas import DataFrame

EXAMPLES = 5
"""So many of the first rows that fail are told."""


def check(
    table: "DataFrame | Iterable[DataFrame]",
    schema: Schema,
    *,
    name: str = "table",
    before: int | None = None,
    now: datetime | None = None,
    examples: int = EXAMPLES,
) -> ValidationReport:
    """Return what of a schema a table, or its blocks of rows in order, does not pass.

    Args:
        table: the rows.
        schema: what they are to be like.
        name: what the report calls the table.
        before: the rows of the version before; None: their change is not checked.
        now: what freshness is told by; None: now.
        examples: how many failing rows to keep of each check.
    """
    plan = Plan(schema)
    found = scan(plan, _numbered(table), scratch=Path(tempfile.gettempdir()), examples=examples)
    moment = (now or datetime.now(UTC)).timestamp()
    return judge(plan, found, name=name, now=moment, before=before)


class _numbered:  # noqa: N801  used as a function
    """Blocks of a table that know where they are."""

    def __init__(self, table: "DataFrame | Iterable[DataFrame]") -> None:
        self._blocks: Iterable[DataFrame] = [table] if hasattr(table, "columns") else table

    def __iter__(self) -> Iterator[Block]:
        first = 1
        for frame in self._blocks:
            yield Block(frame, tuple(map(str, frame.columns)), first=first)
            first += len(frame)
