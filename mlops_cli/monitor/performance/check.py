"""Whether a model still performs as it did on held-out data: what commands and rules ask."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.monitor.live import Span
from mlops_cli.monitor.performance.report import PerformanceReport


def check(
    repo: Repository,
    model: str | None = None,
    *,
    span: Span | None = None,
    window: str | None = None,
    segment: str | None = None,
    sensitive: Sequence[str] = (),
    against: str | None = None,
    now: datetime | None = None,
) -> PerformanceReport:
    """Return how a version performs on what it was asked, beside how it did on held-out data.

    Args:
        repo: where.
        model: a model's name, or a version of it. A bare name means the version that answered
            last. None when only one model has answered.
        span: which predictions count; all by default.
        window: `1d` or `6h`, or how many predictions; about ten windows by default.
        segment: a column of the requests; performance is told by its values too.
        sensitive: columns of the requests whose groups must be treated alike.
        against: the evaluation to compare with, by its table, `PATH` or `PATH@ID`, or by its own
            id; by default the first on the version's own test data.
        now: to say how old labels are.

    Raises:
        RequestError: nothing says which model, nothing was logged, or a window cannot be read.
        MissingObject, IntegrityError: as of the object store and the prediction log.
    """
    raise RequestError("performance is not looked at yet")
