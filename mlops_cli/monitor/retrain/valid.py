"""Whether fresh rows may be trained on: never on data that fails."""

from __future__ import annotations

from mlops_cli.core.config_retrain import Retrain
from mlops_cli.core.repository import Repository
from mlops_cli.data.validation import declared
from mlops_cli.data.validation.check import check
from mlops_cli.monitor.retrain.fresh import Fresh
from mlops_cli.monitor.retrain.window import Chosen


def problem(repo: Repository, fresh: Fresh, chosen: Chosen, said: Retrain) -> str | None:
    """Return what is wrong with the rows that are taken, in a line; None where nothing is.

    They are held against the schema that the settings name, or that the table has which they take
    the place of.

    Raises:
        RequestError: the schema is not there, or says nothing that can be understood.
    """
    rows = fresh.rows.iloc[chosen.first : chosen.end]
    twice = [str(name) for name in rows.columns[rows.columns.duplicated()]]
    if twice:
        return f"the column '{twice[0]}' is there twice"
    empty = [name for name in rows.columns if rows[name].isna().all()]
    if empty:
        return f"the column '{empty[0]}' has no value at all"
    if rows.iloc[: chosen.trained][fresh.target].nunique() < 2:
        return f"every row has the same '{fresh.target}'"
    schema = (
        declared.load(repo, said.schema) if said.schema else declared.schema_of(repo, said.into)
    )
    if schema is None:
        return None
    report = check(rows, schema, name=said.into)
    return None if report.holds else report.first
