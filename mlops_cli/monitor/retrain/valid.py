"""Whether fresh rows may be trained on: never on data that fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlops_cli.core import git
from mlops_cli.core.config_retrain import Retrain
from mlops_cli.core.config_validation import validated
from mlops_cli.core.records import dataclass, replace
from mlops_cli.core.repository import Repository
from mlops_cli.data.validation import declared
from mlops_cli.data.validation.check import check
from mlops_cli.data.validation.report import Failure
from mlops_cli.data.validation.schema import RowCount, Schema
from mlops_cli.monitor.retrain.fresh import Fresh
from mlops_cli.monitor.retrain.window import Chosen

if TYPE_CHECKING:
    import pandas as pd

_NAMED = 3
"""So many failed checks are told in a line."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with rows, each in a line; and the schema that says so, if one does."""

    problems: tuple[str, ...]
    schema: str | None = None

    def __str__(self) -> str:
        said = in_a_line(self.problems)
        return said if self.schema is None else f"they fail {self.schema}: {said}"


def problems(
    repo: Repository, fresh: Fresh, chosen: Chosen, said: Retrain, table: pd.DataFrame
) -> Wrong | None:
    """Return what is wrong with the rows that are taken; None where nothing is.

    They are held against the schema that the settings name, or that the table has which they take
    the place of; as it is committed, if it is, for that is what the pipeline runs with. Its row
    count is not for them: it is asked of `table`, all that is trained on, where a step of the
    pipeline validates that.

    Raises:
        RequestError: the schema is not there, or says nothing that can be understood.
    """
    rows = fresh.rows.iloc[chosen.first : chosen.end]
    twice = [str(name) for name in rows.columns[rows.columns.duplicated()]]
    if twice:
        return Wrong((f"the column '{twice[0]}' is there twice",))
    empty = [name for name in rows.columns if rows[name].isna().all()]
    if empty:
        return Wrong((f"the column '{empty[0]}' has no value at all",))
    if chosen.trained and rows.iloc[: chosen.trained][fresh.target].nunique() < 2:
        return Wrong((f"every row has the same '{fresh.target}'",))
    schema = _schema(repo, said)
    if schema is None:
        return None
    report = check(rows, replace(schema, rows=RowCount()), name=said.into)
    if report.errors:
        return Wrong(tuple(map(_named, report.errors)), schema.where)
    count = _count(repo, schema, said, len(table))
    return Wrong(tuple(count)) if count else None


def in_a_line(found: Sequence[str]) -> str:
    """Return the first of some problems, and how many more there are.

    >>> in_a_line(["a: missing", "b: missing", "c: missing", "d: missing", "e: missing"])
    'a: missing; b: missing; c: missing; and 2 more'
    """
    more = len(found) - _NAMED
    return "; ".join([*found[:_NAMED], *([f"and {more} more"] if more > 0 else [])])


def _schema(repo: Repository, said: Retrain) -> Schema | None:
    file = said.schema or declared.file_for(declared.declared(repo), said.into)
    if file is None:
        return None
    committed = git.show(repo.root, "HEAD", file) is not None
    return declared.load(repo, file, rev="HEAD" if committed else None)


def _named(one: Failure) -> str:
    return f"{one.column}: {one.problem}" if one.column else one.problem


def _count(repo: Repository, schema: Schema, said: Retrain, rows: int) -> list[str]:
    """Return what a step that validates the table would say of its row count."""
    asked, files = schema.rows, declared.declared(repo)
    steps = repo.settings.steps.values()
    deps = ((step, dep) for step in steps for dep in step.deps)
    validates = any(said.into in validated(step, dep, files) for step, dep in deps)
    if not validates or asked.severity != "error":
        return []
    if asked.min is not None and rows < asked.min:
        return [f"{rows:,} rows to train on, and {schema.where} asks for {asked.min:,} at least"]
    if asked.max is not None and rows > asked.max:
        return [f"{rows:,} rows to train on, and {schema.where} asks for {asked.max:,} at most"]
    return []
