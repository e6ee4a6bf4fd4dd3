"""Explaining a version: over a table, or for one row."""

from pathlib import Path
from typing import TYPE_CHECKING

from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.registry import models
from mlops_cli.registry.explaining import outputs, permutation, rows, shapley
from mlops_cli.registry.explaining.explanation import Explanation, Method
from mlops_cli.registry.explaining.rows import Table
from mlops_cli.registry.formats import Predictor
from mlops_cli.registry.models import Version
from mlops_cli.registry.signature import Signature

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 2000
_FEW = 100
"""Rows that one row is compared with, and that SHAP explains."""


def explain(
    repo: Repository,
    reference: str,
    row: str | None = None,
    *,
    method: Method = "permutation",
    data: str | None = None,
    target: str | None = None,
    metric: str | None = None,
    most: int = MOST_ROWS,
    repeats: int = 5,
    start: Path | None = None,
) -> Explanation:
    """Return which columns a version goes by, or with `row` why it answers that row as it does.

    Args:
        repo: where.
        reference: the version.
        row: JSON, a number from 1 in the data, or a prediction's id.
        method: how.
        data: the table; by default what the version is evaluated on, or else was fitted on.
        target: the column that holds the truth.
        metric: what a shuffled column may worsen; the usual one of the task by default.
        most: rows of the table that are used, drawn at random where it has more.
        repeats: how often each column is shuffled.
        start: the folder that paths start from; the project's root by default.

    Raises:
        RequestError: it is not known on what, or the model or the row cannot be explained so.
        StateError: SHAP is not installed.
    """
    version = models.resolve(repo, reference)
    predictor = models.load(repo, version)
    signature = predictor.signature
    if signature is None or not signature.columns:
        raise RequestError(
            f"{version.model} v{version.number} cannot be explained: its columns are not known",
            hint="register it with its training data",
        )
    most = most if row is None or row.isdigit() else min(most, _FEW)
    found = rows.table(
        repo,
        version,
        signature,
        data,
        target=target,
        most=10**9 if row is not None and row.isdigit() else most,
        start=start or repo.root,
    )
    if row is not None:
        return _row(repo, version, predictor, signature, row, found, method)
    if method == "shap":
        return _by_shap(version, predictor, found)
    shuffled = _by_shuffling(version, predictor, found, metric, repeats)
    if data is None and metric is None:
        from mlops_cli.registry.explaining import kept

        kept.keep(repo, shuffled)
    return shuffled


def _row(
    repo: Repository,
    version: Version,
    predictor: Predictor,
    signature: Signature,
    text: str,
    found: Table,
    method: Method,
) -> Explanation:
    asked = rows.one(repo, version, signature, text, found)
    answer = predictor.predict(asked)[0]
    measured = outputs.output(predictor, outputs.label_of(predictor, answer))
    others = _some(found)
    how = shapley.single if method == "shap" else permutation.single
    gets, base, weights = how(measured.numbers, asked, others)
    notes = () if method == "shap" else (_ALONE,)
    return Explanation(
        version.model,
        version.number,
        version.id,
        method,
        measured.of,
        found.data,
        len(others),
        found.of,
        weights,
        row={one.column: one.cell for one in weights},
        answer=permutation.plain(answer),
        score=gets,
        base=base,
        notes=notes,
    )


_ALONE = "each column alone: what columns do together is not shared out; --method shap does that"


def _by_shap(version: Version, predictor: Predictor, found: Table) -> Explanation:
    few = _some(found)
    measured = outputs.output(predictor, outputs.favourable(predictor, few))
    base, weights = shapley.whole(measured.numbers, few, few)
    return Explanation(
        version.model,
        version.number,
        version.id,
        "shap",
        f"how far {measured.of} moves from its average",
        found.data,
        len(few),
        found.of,
        weights,
        base=base,
    )


def _by_shuffling(
    version: Version, predictor: Predictor, found: Table, metric: str | None, repeats: int
) -> Explanation:
    notes = []
    truth = found.truth
    if truth is None:
        import pandas as pd

        truth = pd.Series(predictor.predict(found.rows))
        notes.append("the table does not hold the truth: this is how much its answers change")
    labels = outputs.label_of(predictor, predictor.predict(found.rows.head(1))[0]) is not None
    if found.truth is None and metric is None and labels:
        metric = "accuracy"
    chosen = permutation.metric_for(predictor, metric, labels=labels)
    score, weights = permutation.whole(predictor, found.rows, truth, chosen, repeats=repeats)
    if version.data is not None and found.data.oid == version.data.oid:
        notes.append("on the training data: columns that were learnt by heart look important")
    return Explanation(
        version.model,
        version.number,
        version.id,
        "permutation",
        f"loss of {chosen}",
        found.data,
        len(found.rows),
        found.of,
        weights,
        score=abs(score) if chosen in ("log_loss", "mae", "rmse") else score,
        notes=tuple(notes),
    )


def _some(found: Table) -> "pd.DataFrame":
    frame = found.rows
    return frame if len(frame) <= _FEW else frame.sample(_FEW, random_state=rows.SEED)
