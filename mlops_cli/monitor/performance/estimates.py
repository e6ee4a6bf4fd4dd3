"""Performance without labels: what a model's own answers let expect of it."""

from __future__ import annotations

from mlops_cli.core.repository import Repository
from mlops_cli.monitor.performance import by_confidence, by_loss
from mlops_cli.monitor.performance.estimator import Estimator, none
from mlops_cli.monitor.performance.gather import Gathered
from mlops_cli.monitor.performance.reference import Past
from mlops_cli.registry.evaluation.answers import Labelled

FEWEST_PAST = 100
"""On fewer rows nothing can be calibrated or learned."""


def estimator(repo: Repository, past: Past | None, gathered: Gathered, named: str) -> Estimator:
    """Return what estimates performance on what was asked; `named` is how the model is typed."""
    if past is None:
        return none(f"{named} has no evaluation to learn from", f"mlo evaluate {named}")
    again = f"mlo evaluate {named} --data {past.evaluation.data.path}"
    if past.answers is None:
        return none("the answers of its evaluation are not in this store", again)
    if past.answers.rows < FEWEST_PAST:
        why = f"its evaluation has {past.answers.rows} rows, and takes {FEWEST_PAST}"
        return none(why, f"mlo evaluate {named} --data PATH")
    if isinstance(past.answers, Labelled):
        return by_confidence.of(past.answers, gathered)
    return by_loss.of(repo, past, past.answers, gathered, again)
