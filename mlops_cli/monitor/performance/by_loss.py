"""How a regressor does, by what is learned of its errors (DLE), anew where labels ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlops_cli.core.repository import Repository
from mlops_cli.data.predictions.block import Cells
from mlops_cli.errors import MissingObject
from mlops_cli.monitor.estimation import holds, isotonic
from mlops_cli.monitor.estimation.holds import Lost, Off
from mlops_cli.monitor.performance import estimator, measure
from mlops_cli.monitor.performance.estimator import Estimator, none
from mlops_cli.monitor.performance.gather import Gathered
from mlops_cli.monitor.performance.measure import Measures
from mlops_cli.monitor.performance.reference import Past
from mlops_cli.monitor.performance.stream import LARGEST
from mlops_cli.registry.evaluation import inputs_kept
from mlops_cli.registry.evaluation.answers import Measured

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from mlops_cli.monitor.performance.blocks import Block

    Floats = NDArray[np.float64]


def of(
    repo: Repository, past: Past, answers: Measured, gathered: Gathered, again: str
) -> Estimator:
    """Return what estimates metrics of what was asked; `again` is how to evaluate once more."""
    from mlops_cli.monitor.estimation import loss

    oid = past.evaluation.kept.inputs
    if oid is None:
        return none("its evaluation does not have what the model was given", again)
    try:
        held = inputs_kept.read(repo, oid)
    except MissingObject:
        return none("what the model was given then is not in this store", again)
    hidden = [name for name in held.columns if name in gathered.hidden]
    if hidden:
        return none(f"the prediction log does not have the values of {', '.join(hidden[:5])}")
    said, truth = answers.predicted[held.places], answers.truth[held.places]
    trees = loss.fit(_frame(held.columns), said, truth)

    def expected(block: Block) -> tuple[Floats, Floats]:
        columns = {name: block.columns[name] for name in held.columns}
        return loss.expected(trees, _frame(columns), block.predicted)

    known = _usable(gathered.newest)
    told = Measured(known.predicted, known.predicted)
    told = told if known.truth is None else Measured(known.truth, known.predicted)
    absolute, _ = loss.expected(trees, _frame(held.columns), said)
    of_known = expected(known) if len(known) else (told.truth, told.truth)
    return _estimator(
        Measured(truth, said), absolute, told, of_known, expected(gathered.asked), known, gathered
    )


def _usable(known: Block) -> Block:
    """Return the labelled rows whose numbers can be reckoned with."""
    import numpy as np

    if known.truth is None:
        return known.take(np.zeros(len(known), dtype=np.bool_))
    huge = np.maximum(np.abs(known.truth), np.abs(known.predicted))
    return known.take(huge < LARGEST)


def _estimator(
    held: Measured,
    of_held: Floats,
    told: Measured,
    of_told: tuple[Floats, Floats],
    of_asked: tuple[Floats, Floats],
    known: Block,
    gathered: Gathered,
) -> Estimator:
    """Return estimates; `of_held` and so on are the losses that are expected of rows."""
    import numpy as np

    reference = Lost(of_held, np.abs(held.truth - held.predicted))
    true = np.abs(told.truth - told.predicted)

    def off(older: slice | None, newer: slice) -> Off:
        expected = of_told[0]
        if older is None:
            return holds.of_losses(reference, Lost(expected[newer], true[newer]))
        curve = isotonic.fit(expected[older], true[older])
        before, now = Lost(curve(expected[older]), true[older]), curve(expected[newer])
        return holds.of_losses(before, Lost(now, true[newer]))

    def by_labels(some: slice) -> Measures:
        found = measure.of_numbers(Measured(told.truth[some], told.predicted[some]))
        return {name: found[name] for name in ("mae", "rmse")}

    found = estimator.pieces(gathered.asked, known, off, by_labels)
    absolute, squared = (one.copy() for one in of_asked)
    for piece in found:
        if not piece.stretch.usual:
            some = slice(piece.first, piece.end)
            where = slice(piece.stretch.first, piece.stretch.end)
            absolute[some] = isotonic.fit(of_told[0][where], true[where])(absolute[some])
            squared[some] = isotonic.fit(of_told[1][where], true[where] ** 2)(squared[some])

    def estimate(first: int, end: int) -> Measures:
        return measure.of_losses(absolute[first:end], squared[first:end])

    usual = measure.of_numbers(held)
    before = {name: usual[name] for name in ("mae", "rmse")}
    return Estimator(
        estimate,
        before,
        before,
        learned=estimator.learned(found),
        grounds=estimator.grounds(found, known, gathered, held.rows),
    )


def _frame(columns: Mapping[str, Cells]) -> pd.DataFrame:
    import pandas as pd

    made = {name: pd.Series(cells.array(), copy=False) for name, cells in columns.items()}
    return pd.DataFrame(made, copy=False)
