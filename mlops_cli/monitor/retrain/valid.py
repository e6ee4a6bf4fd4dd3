"""Whether fresh rows may be trained on: never on data that fails."""

from __future__ import annotations

from mlops_cli.core.config_retrain import Retrain
from mlops_cli.core.repository import Repository
from mlops_cli.data.validation import declared
from mlops_cli.data.validation.check import check
from mlops_cli.monitor.retrain.fresh import Fresh


def problem(repo: Repository, fresh: Fresh, said: Retrain) -> str | None:
    """Return what is wrong with fresh rows, in a line; None where nothing is.

    They are held against the schema that the settings name, or that the table has which they take
    the place of.

    Raises:
        RequestError: the schema is not there, or says nothing that can be understood.
    """
    twice = [str(name) for name in fresh.rows.columns[fresh.rows.columns.duplicated()]]
    if twice:
        return f"the column '{twice[0]}' is there twice"
    empty = [name for name in fresh.rows.columns if fresh.rows[name].isna().all()]
    if empty:
        return f"the column '{empty[0]}' has no value at all"
    if fresh.rows[fresh.target].nunique() < 2:
        return f"every row has the same '{fresh.target}'"
    schema = (
        declared.load(repo, said.schema) if said.schema else declared.schema_of(repo, said.into)
    )
    if schema is None:
        return None
    report = check(fresh.rows, schema, name=said.into)
    return None if report.holds else report.first
