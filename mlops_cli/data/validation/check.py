"""Whether a table is as its schema says."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from mlops_cli.data.validation.report import ValidationReport
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
    raise NotImplementedError
