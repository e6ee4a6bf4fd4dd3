"""Whether the columns of a table, together, are distributed as they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mlops_cli.core.config import DriftSettings
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.monitor.columns import too_few_rows
from mlops_cli.monitor.drift import check as check_names
from mlops_cli.monitor.multivariate import domain, encoded, mmd, reconstruction
from mlops_cli.monitor.multivariate.domain import Separation
from mlops_cli.monitor.multivariate.encoded import Encoded
from mlops_cli.monitor.multivariate.mmd import Discrepancy
from mlops_cli.monitor.multivariate.reconstruction import Reconstruction
from mlops_cli.monitor.statistics.false_discovery import q_values

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

MOST_ROWS = 2_000
"""Of more rows on a side so many are taken, at random."""
MOST_FOR_MMD = 500
PERMUTATIONS = 400
_WORTH = 0.25
"""Columns of which the shuffle costs less, of what the first one's costs, are not named."""

Verdict = Literal["drift", "warn", "ok", "too few rows", "not comparable"]


@dataclass(frozen=True, slots=True)
class MultivariateReport:
    """What is to be said of all columns together.

    Attributes:
        reference_rows: how many rows of the reference were looked at, and `current_rows`.
        q: the p of each test, corrected for there being three of them.
        left_out: columns that were not looked at, and why.
    """

    verdict: Verdict
    reason: str
    reference_rows: int
    current_rows: int
    separation: Separation | None = None
    discrepancy: Discrepancy | None = None
    reconstruction: Reconstruction | None = None
    q: Mapping[str, float] | None = None
    left_out: Mapping[str, str] | None = None

    @property
    def holds(self) -> bool:
        """Whether the columns together are not known to have changed."""
        return self.verdict != "drift"


def check(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    settings: DriftSettings | None = None,
    *,
    seed: int = 0,
    progress: Progress = SILENT,
) -> MultivariateReport:
    """Return whether the columns that two tables share are, together, distributed alike.

    A classifier learns to tell the tables apart; the maximum mean discrepancy compares them by a
    kernel; the main directions of the reference reconstruct both. There is drift when the
    classifier is better than chance (q < `settings.q` over the three tests) and by enough to
    matter: its area under the curve, as 2 AUC - 1, is at least `settings.effect`. What only one
    of the others finds is a warning. It takes a few seconds, on samples of at most 2,000 rows.

    Raises:
        RequestError: the tables share no column, or one has two columns of the same name.
    """
    import numpy as np

    settings = settings or DriftSettings()
    names, others = list(map(str, reference.columns)), list(map(str, current.columns))
    check_names(names, others)
    rng = np.random.default_rng(seed)
    rows = _sample(reference.set_axis(names, axis=1), rng)
    now = _sample(current.set_axis(others, axis=1), rng)
    too_few = too_few_rows(len(rows), len(now), settings.min_rows)
    if too_few:
        return MultivariateReport("too few rows", too_few, len(rows), len(now))
    found = encoded.encode(rows, now)
    if not found.columns:
        why = "there is no column that can be looked at with others"
        return MultivariateReport(
            "not comparable", why, len(rows), len(now), left_out=found.left_out
        )
    return _tested(found, settings, seed, rng, progress)


def _tested(
    found: Encoded,
    settings: DriftSettings,
    seed: int,
    rng: np.random.Generator,
    progress: Progress,
) -> MultivariateReport:
    from threadpoolctl import threadpool_limits

    rows, now = found.reference, found.current
    apart = domain.tell_apart(
        rows, now, found.columns, seed=seed, level=settings.q, progress=progress
    )
    some = _some(rows, rng), _some(now, rng)
    discrepancy = mmd.compare(*some, permutations=PERMUTATIONS, rng=rng)
    with threadpool_limits(1):  # on a busy machine threads would wait for each other
        rebuilt = reconstruction.compare(rows, now, rng=rng)
    names = ("domain classifier", "maximum mean discrepancy", "pca reconstruction")
    q = dict(zip(names, q_values([apart.p, discrepancy.p, rebuilt.p]), strict=True))
    verdict, reason = _said(q, apart, settings)
    return MultivariateReport(
        verdict=verdict,
        reason=reason,
        reference_rows=len(rows),
        current_rows=len(now),
        separation=apart,
        discrepancy=discrepancy,
        reconstruction=rebuilt,
        q=q,
        left_out=found.left_out,
    )


def _said(
    q: Mapping[str, float], apart: Separation, settings: DriftSettings
) -> tuple[Verdict, str]:
    """Return the verdict and why."""
    auc = f"AUC {apart.auc:.2f}, by chance below {apart.usual:.2f}"
    if q["domain classifier"] < settings.q and apart.effect >= settings.effect:
        drops = apart.gives_away
        by = [name for name, drop in drops.items() if drop >= _WORTH * max(drops.values())][:3]
        away = f"; {', '.join(by)} give{'s' if len(by) == 1 else ''} it away" if by else ""
        return "drift", f"a classifier tells the tables apart ({auc}){away}"
    found = [name for name, value in q.items() if value < settings.q]
    if found:
        return "warn", f"they differ a little, by {' and '.join(found)} ({auc})"
    return "ok", f"nothing tells the tables apart ({auc})"


def _sample(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    if len(frame) <= MOST_ROWS:
        return frame.reset_index(drop=True)
    places = rng.choice(len(frame), MOST_ROWS, replace=False)
    places.sort()
    return frame.iloc[places].reset_index(drop=True)


def _some(rows: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    if len(rows) <= MOST_FOR_MMD:
        return rows
    return rows[rng.choice(len(rows), MOST_FOR_MMD, replace=False)]
