"""Answers row by row, in the store: what two versions said of the same rows can be paired."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError
from mlops_cli.registry.evaluation.answers import Answers, Labelled, Measured, part
from mlops_cli.registry.evaluation.fairness import Groups
from mlops_cli.registry.evaluation.record import Evaluation, Kept

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_BYTES = 128 * 1024 * 1024
"""Probabilities that take more are not kept."""


def keep(
    repo: Repository, answers: Answers, groups: list[Groups], inputs: ObjectId | None = None
) -> Kept:
    """Put answers into the store and return what names them, and `inputs`, which are there."""
    shares = answers.shares if isinstance(answers, Labelled) else None
    if shares is not None and shares.nbytes > _MOST_BYTES:
        shares = None
    return Kept(
        truth=_put(repo, answers.truth),
        predicted=_put(repo, answers.predicted),
        shares=None if shares is None else _put(repo, shares),
        slices={one.column: (one.names, _put(repo, one.codes)) for one in groups},
        inputs=inputs,
    )


def answers_of(repo: Repository, found: Evaluation, where: str | None = None) -> Answers:
    """Return the answers of an evaluation, of the slice `where` if that is given.

    Raises:
        MissingObject: they are not in this store.
        IntegrityError: they are no arrays, or not of these rows.
    """
    import numpy as np

    truth, predicted = (
        _rows_of(repo, oid, found) for oid in (found.kept.truth, found.kept.predicted)
    )
    answers: Answers
    if found.labels is None:
        answers = Measured(truth.astype(np.float64), predicted.astype(np.float64))
    else:
        held = found.kept.shares
        positive = None if found.positive is None else found.labels.index(found.positive)
        answers = Labelled(
            found.labels,
            truth.astype(np.intp),
            predicted.astype(np.intp),
            None if held is None else _rows_of(repo, held, found),
            positive,
        )
    if where is None:
        return answers
    column, _, value = where.partition("=")
    names, codes = found.kept.slices.get(column, ((), found.kept.truth))
    if value not in names:
        raise _not_its_rows(found)
    return part(answers, _rows_of(repo, codes, found) == names.index(value))


def _rows_of(repo: Repository, oid: ObjectId, found: Evaluation) -> NDArray[Any]:
    """Return a kept array, which anybody may have made: of numbers, for each row, in range."""
    array = _get(repo, oid)
    wide = found.kept.shares == oid
    shape = (found.rows, len(found.labels or ())) if wide else (found.rows,)
    if array.shape != shape or array.dtype.kind not in "iuf":
        raise _not_its_rows(found)
    named = found.labels is not None and not wide and oid in found.kept.objects[:2]
    if named and len(array) and not (array.min() >= 0 and array.max() < len(found.labels or ())):
        raise _not_its_rows(found)
    return array


def _not_its_rows(found: Evaluation) -> IntegrityError:
    return IntegrityError(f"the answers of {found.model} v{found.number} are not of its rows")


def _put(repo: Repository, array: NDArray[Any]) -> ObjectId:
    import numpy as np

    small = array.astype(np.int16) if _fits(array) else array
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(small), allow_pickle=False)
    return repo.objects.put(buffer.getvalue())


def _fits(array: NDArray[Any]) -> bool:
    whole = array.dtype.kind == "i" and len(array)
    return bool(whole and array.min() >= -(2**15) and array.max() < 2**15)


def _get(repo: Repository, oid: ObjectId) -> NDArray[Any]:
    import numpy as np

    data = repo.objects.get(oid)
    try:
        found: NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise IntegrityError(f"object {oid} holds no array") from error
    return found
