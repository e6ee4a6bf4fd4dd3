"""What a model answered beside what was true: the arrays that all metrics are computed from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]
    Mask = NDArray[np.bool_]

Label = str | int | float | bool
T = TypeVar("T", bound="Labelled | Measured")


@dataclass(frozen=True, slots=True)
class Labelled:
    """Answers of a classifier.

    Attributes:
        labels: all there are; the arrays name them by place.
        truth, predicted: shape (rows,).
        shares: the probability of each label, shape (rows, labels); None when it gives none.
        positive: the place of the favourable label; None when no label is more so than others.
    """

    labels: tuple[Label, ...]
    truth: Codes
    predicted: Codes
    shares: Floats | None = None
    positive: int | None = None

    @property
    def rows(self) -> int:
        """How many answers there are."""
        return len(self.truth)

    @property
    def binary(self) -> bool:
        """Whether there are two labels, one of which is the favourable one."""
        return len(self.labels) == 2 and self.positive is not None


@dataclass(frozen=True, slots=True)
class Measured:
    """Answers that are numbers: of a regression. Both arrays have the shape (rows,)."""

    truth: Floats
    predicted: Floats

    @property
    def rows(self) -> int:
        """How many answers there are."""
        return len(self.truth)


Answers = Labelled | Measured


def part(answers: T, where: Mask) -> T:
    """Return the answers of the rows that `where` is true of."""
    changes: dict[str, Any] = {
        "truth": answers.truth[where],
        "predicted": answers.predicted[where],
    }
    if isinstance(answers, Labelled) and answers.shares is not None:
        changes["shares"] = answers.shares[where]
    return replace(answers, **changes)
