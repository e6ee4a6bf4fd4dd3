"""Which version is looked at, and whether it answers with labels or numbers."""

from __future__ import annotations

from mlops_cli.core.repository import Repository
from mlops_cli.data import prediction_log
from mlops_cli.errors import RequestError
from mlops_cli.monitor.performance.reference import Past
from mlops_cli.registry import meant, models
from mlops_cli.registry.evaluation.answers import Label
from mlops_cli.registry.models import Version


def version(repo: Repository, model: str | None) -> Version:
    """Return a version; of a bare name the one that answered last, without one the only model's.

    Raises:
        RequestError: there is no such version, or several models have answered.
    """
    name = _only(repo) if model is None else model
    if "@" in name:
        return models.resolve(repo, name)
    usual = meant.live(repo, name)[0]
    last = prediction_log.window(repo, name, last=1)
    return models.resolve(repo, f"{name}@{last.versions.iloc[-1]}" if len(last) else usual)


def _only(repo: Repository) -> str:
    found = prediction_log.models(repo) or models.names(repo)
    if len(found) == 1:
        return found[0]
    if not found:
        raise RequestError("there is no model yet", hint="mlo register NAME")
    raise RequestError(
        f"there are {len(found)} models: {', '.join(found[:5])}", hint=f"mlo performance {found[0]}"
    )


def labels(repo: Repository, found: Version, past: Past | None) -> tuple[Label, ...] | None:
    """Return the labels of a classifier, as far as they are known; None if it answers numbers."""
    if past is not None:
        return past.evaluation.labels
    if found.task == "regression":
        return None
    if found.classes is not None or found.task == "classification":
        return tuple(found.classes or ())
    ids = {found.id, *found.formerly}
    for part in prediction_log.batches(repo, found.model, version_ids=ids):
        return None if part.predictions.values.dtype.kind == "f" else ()
    return None
