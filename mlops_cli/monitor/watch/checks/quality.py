"""Whether a table, or what a model was asked, is as a schema says."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlops_cli.core.config_monitor import QualityRule
from mlops_cli.data import prediction_log
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.data.validation import declared
from mlops_cli.data.validation.check import check as compare
from mlops_cli.data.validation.report import Failure, ValidationReport
from mlops_cli.data.validation.schema import Schema, of_requests
from mlops_cli.data.validation.validate import validate
from mlops_cli.monitor.watch.alerts import Finding, Sample
from mlops_cli.monitor.watch.checks import about
from mlops_cli.monitor.watch.rules import Asked

if TYPE_CHECKING:
    from pandas import DataFrame

_TOLD = 10


def check(asked: Asked) -> Finding:
    """Return whether the rows pass; see `Checker`. What was asked has no verdict without rows."""
    rule = asked.rule.check
    if not isinstance(rule, QualityRule):
        raise about.unexpected(rule)
    schema = None if rule.schema is None else declared.load(asked.repo, rule.schema)
    tally = Tally()
    if rule.data is not None:
        report = validate(asked.repo, rule.data, schema, now=asked.now)
    else:
        assert schema is not None, "the settings ask for one of the two"
        report = _requests(asked, rule, schema, tally)
    if rule.data is None and not report.rows:
        said = f"no predictions in {about.ago(rule.window_s)}"
        return Finding("no verdict", said, notes=about.told(tally))
    failed = len(report.errors)
    of = report.table if rule.data is not None else "requests"
    return Finding(
        "holds" if report.holds else "broken",
        f"{report.rows:,} rows of {of}: {report.first}",
        float(failed),
        0.0,
        facts={"rows": report.rows, "failures": [_failure(one) for one in report.errors[:_TOLD]]},
        samples=(
            Sample("model_data_failures", {"model": asked.rule.model, "data": of}, float(failed)),
        ),
        notes=about.told(tally),
    )


def _requests(asked: Asked, rule: QualityRule, schema: Schema, tally: Tally) -> ValidationReport:
    """Return what of the schema the rows that the model was asked do not pass.

    Nothing is asked about columns that requests do not have, or that the log hides.
    """
    span = about.span(asked, rule.window_s)
    assert span.since is not None, "a window begins somewhere"
    names = prediction_log.columns(asked.repo, asked.rule.model, since=span.since)

    def blocks() -> "Iterator[DataFrame]":
        import pandas as pd

        for part in prediction_log.batches(
            asked.repo, asked.rule.model, since=span.since, until=span.until, tally=tally
        ):
            yield pd.DataFrame(
                {k: cells.array() for k, cells in part.columns.items() if k in names}
            )

    return compare(blocks(), of_requests(schema, names), name="requests", now=asked.now)


def _failure(one: Failure) -> dict[str, object]:
    held = {"check": one.check, "column": one.column, "problem": one.problem, "rows": one.rows}
    return {key: value for key, value in held.items() if value is not None}
