"""Evaluations as gates need them: of the right version, on the right data, or a clear refusal."""

from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from mlops_cli.core.config_gates import EVALUATION
from mlops_cli.core.ids import short
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MloError, RequestError
from mlops_cli.registry.evaluation.record import Data, Evaluation, of_version
from mlops_cli.registry.gates.asked import Asked, reference
from mlops_cli.registry.models import Model, Version

if TYPE_CHECKING:
    from mlops_cli.registry.evaluation.answers import Answers, Labelled


def called(asked: Asked, metric: str, data: str | None, slice_: str | None = None) -> str:
    """Return what a metric of an evaluation is called: by the table that it is of.

    Where `data` leaves it to the settings, and those do not tell, it is the model's evaluation.
    """
    try:
        table = meant(asked, data).path if data in (None, EVALUATION) else data
        name = f"{metric} on {table}"
    except MloError:
        name = f"{metric} of the evaluation"
    return name if slice_ is None else f"{name} where {slice_}"


def bounds(low: float | None, high: float | None) -> tuple[tuple[str, float], ...]:
    """Return the bounds that a gate has, each with its sign."""
    return tuple((sign, one) for sign, one in ((">=", low), ("<=", high)) if one is not None)


def meant(asked: Asked, data: str | None) -> Data:
    """Return the table that a gate means.

    Raises:
        RequestError: it is not known, or not there.
    """
    from mlops_cli.registry.evaluation import data as tables

    return tables.meant(asked.repo, asked.version, None if data == EVALUATION else data)


def find(
    model: Model,
    version: Version,
    data: Data,
    *,
    having: Callable[[Evaluation], bool] = lambda _: True,
) -> Evaluation:
    """Return the newest evaluation of a version on a table, one `having` what is asked if any has.

    Raises:
        RequestError: there is none; the hint makes one.
    """
    all_here = [one for one in of_version(model, version) if one.data.oid == data.oid]
    if all_here:
        return next(filter(having, all_here), all_here[0])
    from mlops_cli.registry.evaluation.data import LINEAGE, NEWEST

    at = f"{data.path}@{short(data.oid)}"
    others = [one for one in of_version(model, version) if one.data.path == data.path]
    why = f"v{version.number} was never evaluated on {at}"
    if others:
        why += f", only on {data.path}@{short(others[0].data.oid)}"
    own = data.chosen in (LINEAGE, NEWEST)
    told = at if others or own else data.path
    raise RequestError(why, hint=f"mlo evaluate {reference(version)} --data {told}")


def value(found: Evaluation, metric: str, slice_: str | None) -> float:
    """Return a metric of an evaluation, of a slice if one is named.

    Raises:
        RequestError: it is not there, or could not be computed.
    """
    metrics = found.metrics
    what = f"v{found.number} on {found.data.path}"
    if slice_ is not None:
        part = found.slice(slice_)
        if part is None:
            raise _no_slice(found, slice_)
        metrics = part.metrics
    if metric not in metrics:
        near = get_close_matches(metric, list(metrics), n=1)
        said = f"did you mean '{near[0]}'?" if near else "it has " + ", ".join(sorted(metrics))
        raise RequestError(f"the evaluation of {what} has no '{metric}'; {said}")
    number = metrics[metric].value
    if number is None:
        raise RequestError(f"'{metric}' cannot be computed for {what}")
    return number


def _no_slice(found: Evaluation, slice_: str) -> RequestError:
    column, _, _ = slice_.partition("=")
    known = [one.name for one in found.slices]
    who = f"{found.model}@v{found.number}"
    if not any(one.column == column for one in found.slices):
        return RequestError(
            f"v{found.number} was not evaluated by '{column}'",
            hint=f"mlo evaluate {who} --data {found.data.path} --slice {column}",
        )
    near = get_close_matches(slice_, known, n=1)
    return RequestError(
        f"the evaluation of v{found.number} has no rows where {slice_}",
        hint=f"did you mean '{near[0]}'?" if near else "it has " + ", ".join(known[:6]),
    )


def pair(
    repo: Repository, first: Evaluation, second: Evaluation, slice_: str | None
) -> "tuple[Answers, Answers]":
    """Return what two versions answered to the same rows, in the labels of the first.

    Raises:
        RequestError: they were not asked the same, or the rows are not here.
        MissingObject, IntegrityError: as of `kept.answers_of`.
    """
    import numpy as np

    from mlops_cli.registry.evaluation import kept
    from mlops_cli.registry.evaluation.answers import Labelled

    for one in (first, second):
        if slice_ is not None and one.slice(slice_) is None:
            raise _no_slice(one, slice_)
    mine, theirs = (kept.answers_of(repo, one, slice_) for one in (first, second))
    if isinstance(mine, Labelled) and isinstance(theirs, Labelled):
        mine, theirs = _alike(mine, theirs)
    if type(mine) is not type(theirs) or not np.array_equal(mine.truth, theirs.truth):
        raise RequestError(
            f"v{first.number} and v{second.number} were not evaluated against the same truth",
            hint=f"mlo evaluate {second.model}@v{second.number} --data {second.data.path}"
            f" --target {first.target}",
        )
    return mine, theirs


def _alike(first: "Labelled", second: "Labelled") -> "tuple[Labelled, Labelled]":
    """Return two versions' answers with the same labels in the same order."""
    import numpy as np

    if first.labels == second.labels:
        return first, second
    labels = tuple(dict.fromkeys((*first.labels, *second.labels)))

    def moved(one: "Labelled") -> "Labelled":
        places = np.array([labels.index(label) for label in one.labels], dtype=np.intp)
        shares: Any = None
        if one.shares is not None:
            shares = np.zeros((one.rows, len(labels)))
            shares[:, places] = one.shares
        positive = None if one.positive is None else int(places[one.positive])
        return replace(
            one,
            labels=labels,
            truth=places[one.truth],
            predicted=places[one.predicted],
            shares=shares,
            positive=positive,
        )

    return moved(first), moved(second)
