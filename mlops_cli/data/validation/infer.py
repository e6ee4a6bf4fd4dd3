"""A schema that a table passes, as a start to edit."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mlops_cli.data.validation.schema import Schema

if TYPE_CHECKING:
    from pandas import DataFrame


def infer(table: "DataFrame | Iterable[DataFrame]", *, where: str = "schema") -> Schema:
    """Return a schema that a table, or its blocks of rows, passes."""
    raise NotImplementedError
