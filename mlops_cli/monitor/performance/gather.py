"""The predictions of a version, and those whose truth is known, in memory of bounded size.

Of more than a million a million are kept, chosen evenly and each time alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mlops_cli.core.repository import Repository
from mlops_cli.data import prediction_log
from mlops_cli.data.predictions.block import Cells
from mlops_cli.data.predictions.rows import Rows
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.monitor.performance.blocks import Block, Kept, Newest, wide
from mlops_cli.monitor.performance.codes import Codes, numbers
from mlops_cli.registry.evaluation.answers import Answers, Label, Labelled, Measured
from mlops_cli.registry.models import Version

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlops_cli.monitor.live import Span

MOST_ROWS = 1_000_000
_MOST_CELLS = 8_000_000
"""Of models with many classes, or inputs, fewer rows are kept."""
MOST_NEWEST = 20_000
"""Estimates learn from no more of the newest labels."""
_ENOUGH = 1000
"""Where a span has fewer labels, these are also looked for before it: labels may come late."""
_DAY_US = 86_400_000_000
_BACK = (1, 3, 10)
"""So many times the span back, or at least a day."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was predicted, and what is known to be true.

    Attributes:
        labels: of a classifier: what the arrays name by place; () of a regressor.
        asked: all predictions; `rows` is how many there were, where these are fewer.
        known: those whose truth is known; `labelled` is how many there were.
        newest: of these the newest, with the inputs, and some from before the span where it has
            few: what estimates learn from.
        segments: names of segments, by place, of which prediction ids begin with one.
        unusable: labels that are no numbers where numbers are predicted.
        hidden: columns of which the log does not have the values.
    """

    labels: tuple[Label, ...]
    asked: Block
    known: Block
    newest: Block
    rows: int
    labelled: int
    segments: tuple[str, ...]
    unusable: int
    hidden: tuple[str, ...]
    sampled: bool
    tally: Tally


def answers(block: Block, labels: Sequence[Label], positive: Label | None) -> Answers:
    """Return rows as metrics take them; where the truth is not known it is what was predicted.

    Args:
        block: rows whose places are all among `labels`.
        labels: of a classifier, () of a regressor.
        positive: the favourable label; of two the last one by default.
    """
    truth = block.predicted if block.truth is None else block.truth
    if not labels:
        return Measured(truth, block.predicted)
    place = labels.index(positive) if positive in labels else None
    if place is None and len(labels) == 2:
        place = 1
    shares = None if block.shares is None else wide(block.shares, len(labels))
    return Labelled(tuple(labels), truth, block.predicted, shares, place)


def gather(
    repo: Repository,
    version: Version,
    span: Span,
    *,
    labels: Sequence[Label] | None,
    columns: Sequence[str] = (),
    inputs: Sequence[str] = (),
    learn: bool = False,
) -> Gathered:
    """Return the predictions of a version that clients had.

    Args:
        repo: where.
        version: which.
        span: which of them.
        labels: of a classifier, in the order of its probabilities as far as known; None for
            numbers.
        columns: inputs that are kept of labelled predictions.
        inputs: those that are kept of all.
        learn: whether the newest labels are wanted by themselves, to learn from.
    """
    tally = Tally()
    codes = None if labels is None else Codes(labels)
    classes = max(len(labels or ()), 1)
    wanted = MOST_ROWS if not inputs else MOST_ROWS // 10
    asked = Kept(min(wanted, _MOST_CELLS // max(classes, len(inputs), 1)))
    known = Kept(min(MOST_ROWS, _MOST_CELLS // max(classes, len(columns), 1)))
    newest = Newest(MOST_NEWEST if learn else 0)
    places: dict[str, int] = {}
    hidden: dict[str, None] = {}
    unusable = 0
    for part in _parts(repo, version, span.since, span.until, tally):
        every = _block(part, places.setdefault(part.segment, len(places)), codes)
        hidden |= dict.fromkeys(one for one in (*columns, *inputs) if not _told(part, one))
        asked.add(_with(every, part, inputs))
        there, truth = _truth(part, codes)
        unusable += int(_has_label(part).sum()) - len(there)
        if len(there):
            known.add(_labelled(every, part, columns, there, truth))
            newest.add(_labelled(every, part, inputs, there, truth))
    if learn and asked.rows and span.since is not None:
        for since, until in _before(span.since, span.until):
            if len(newest.together()) >= _ENOUGH:
                break
            for part in _parts(repo, version, since, until, Tally()):
                every = _block(part, places.setdefault(part.segment, len(places)), codes)
                newest.add(_labelled(every, part, inputs, *_truth(part, codes)))
    every, labelled = asked.together(span.last), known.together()
    if span.last is not None and len(every):
        labelled = labelled.take(labelled.times_us >= every.times_us[0])
    cut = span.last is not None
    return Gathered(
        labels=() if codes is None else codes.labels,
        asked=every,
        known=labelled,
        newest=newest.together(),
        rows=len(every) if cut else asked.rows,
        labelled=len(labelled) if cut else known.rows,
        segments=tuple(places),
        unusable=unusable,
        hidden=tuple(hidden),
        sampled=asked.sampled or known.sampled,
        tally=tally,
    )


def _parts(
    repo: Repository, version: Version, since: str | None, until: str | None, tally: Tally
) -> Iterator[Rows]:
    return prediction_log.batches(
        repo,
        version.model,
        version_ids={version.id, *version.formerly},
        since=since,
        until=until,
        labelled=True,
        tally=tally,
    )


def _before(since: str, until: str | None) -> Iterator[tuple[str, str]]:
    """Yield spans before one, each before the last."""
    begin = prediction_log.microseconds(since)
    now = datetime.now(UTC).isoformat()
    wide_us = max(prediction_log.microseconds(until or now) - begin, _DAY_US)
    later = since
    for times in _BACK:
        first = max(begin - times * wide_us, 0)
        earlier = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=first)).isoformat()
        yield earlier, later
        later = earlier


def _labelled(
    every: Block,
    part: Rows,
    columns: Sequence[str],
    there: NDArray[np.int64],
    truth: NDArray[Any],
) -> Block:
    """Return the rows of a block whose truth is known."""
    assert part.labelled_us is not None
    some = _with(every, part, columns).take(there)
    return replace(some, truth=truth, told_us=part.labelled_us[there])


def _block(part: Rows, place: int, codes: Codes | None) -> Block:
    import numpy as np

    return Block(
        times_us=part.times_us,
        segments=np.full(len(part), place, dtype=np.int64),
        numbers=part.numbers,
        predicted=numbers(part.predictions) if codes is None else codes.of(part.predictions),
        shares=None if codes is None else _shares(part, codes),
        columns={},
    )


def _shares(part: Rows, codes: Codes) -> NDArray[np.float64] | None:
    """Return probabilities in the order of the labels."""
    import numpy as np

    if part.shares is None or part.source.classes is None:
        return None
    places = [codes[one] for one in part.source.classes]
    if places == list(range(part.shares.shape[1])):
        return part.shares
    found = np.zeros((len(part), max(places) + 1))
    found[:, places] = part.shares
    return found


def _with(block: Block, part: Rows, names: Sequence[str]) -> Block:
    import numpy as np

    empty = Cells(np.empty(len(part), dtype=object), np.ones(len(part), dtype=np.bool_))
    held = {name: part.columns.get(name, empty) for name in names}
    return Block(block.times_us, block.segments, block.numbers, block.predicted, block.shares, held)


def _told(part: Rows, name: str) -> bool:
    return name in part.columns and name not in part.hashed


def _has_label(part: Rows) -> NDArray[np.bool_]:
    assert part.labels is not None
    assert part.labels.gaps is not None
    return ~part.labels.gaps


def _truth(part: Rows, codes: Codes | None) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return which rows have a label that can be used, and what is true of them."""
    import numpy as np

    assert part.labels is not None
    there = np.flatnonzero(_has_label(part))
    held = part.labels.take(there)
    if codes is not None:
        return there, codes.of(held)
    values = numbers(held)
    good = np.isfinite(values)
    return there[good], values[good]
