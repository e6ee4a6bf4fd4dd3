"""What became of an experiment: how often each version's predictions led to what was hoped for."""

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import Any, Literal

from mlops_cli.core.repository import Repository
from mlops_cli.data import prediction_log
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.errors import RequestError
from mlops_cli.registry import models, sequential
from mlops_cli.registry.events import Event
from mlops_cli.registry.models import Model
from mlops_cli.registry.sequential import Interval

_ROLE = "ab"
_YES = frozenset({"1", "true", "yes", "y", "1.0"})
_MOST_LABELS, _SHOWN_LABELS = 1000, 10
"""How many kinds of labels are counted, and how many of these are told."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One version in an experiment.

    Attributes:
        share: of the users, as the experiment divides them.
        units: users, or predictions where users are not in the log.
        converted: of these.
        rate: converted by units; None without units.
        interval: where the rate is, by Wilson, at one look.
        ratio: its rate as a multiple of that of the version in the stage, at all looks together.
        p: that both are alike, whenever one looks; None of the version in the stage.
    """

    version: int
    share: float
    units: int
    converted: int
    rate: float | None
    interval: Interval
    ratio: Interval | None = None
    p: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """An experiment, running or ended.

    Attributes:
        unit: what is counted.
        labelled: predictions of which it is known what became.
        lost: predictions without a key, where others have one; they are not counted.
        labels: what became of predictions, as text, the most frequent first; no more than ten.
        unmet: whether there are such labels and none of them counts as a conversion.
        skipped: what to say of damaged places in the log; None without any.
    """

    model: str
    stage: str
    by: str
    since: str
    until: str | None
    unit: Literal["user", "prediction"]
    predictions: int
    labelled: int
    lost: int
    alpha: float
    outcomes: tuple[Outcome, ...]
    labels: tuple[str, ...] = ()
    unmet: bool = False
    skipped: str | None = None

    @property
    def decided(self) -> bool:
        """Whether a version differs from the one in the stage."""
        return any(one.p is not None and one.p < self.alpha for one in self.outcomes)


@dataclass(frozen=True, slots=True)
class _Span:
    """An experiment: its arms with their shares, and when it began and ended."""

    main: int
    arms: dict[int, float]
    by: str
    since: str
    until: str | None


def report(
    repo: Repository,
    name: str,
    *,
    stage: str = models.LIVE_STAGE,
    success: str | None = None,
    alpha: float = 0.05,
) -> Report:
    """Return what became of the newest experiment on a stage of a model.

    Args:
        repo: where.
        name: the model.
        stage: whose requests it divides.
        success: the feedback that counts as a conversion, as text; None: true, 1 or yes.
        alpha: of how many experiments without a difference one may be told from that, in 0..1.

    Raises:
        RequestError: there was no experiment.
    """
    model = models.model(repo, name)
    span = _newest(model, stage)
    counted = _Counts(success)
    ids = {
        oid: number
        for number in (span.main, *span.arms)
        for oid in (model.version(number).id, *model.version(number).formerly)
    }
    tally = Tally()
    for part in prediction_log.batches(
        repo,
        name,
        version_ids=set(ids),
        since=span.since,
        until=span.until,
        roles=(_ROLE,),
        labelled=True,
        tally=tally,
    ):
        number = ids[part.source.version_id]  # type: ignore[index]
        for row in range(len(part)):
            key = None if part.keys is None else part.keys[row]
            counted.add(
                number, part.id(row), key, None if part.labels is None else part.labels[row]
            )
    found = _report(name, stage, span, counted, alpha)
    return replace(found, skipped=str(tally) if tally.blocks else None)


class _Counts:
    """Units and conversions by version."""

    def __init__(self, success: str | None) -> None:
        self._success = success
        self.predictions = self.labelled = self.keyless = 0
        self.units: dict[int, set[str]] = defaultdict(set)
        self.converted: dict[int, set[str]] = defaultdict(set)
        self.labels: Counter[str] = Counter()

    def add(self, version: int, prediction: str, key: Any, label: Any) -> None:
        self.predictions += 1
        unit = prediction if key is None else f"key {key}"
        self.keyless += key is None
        self.units[version].add(unit)
        if label is not None:
            self.labelled += 1
            text = str(label).lower() if isinstance(label, bool) else str(label)
            if text in self.labels or len(self.labels) < _MOST_LABELS:
                self.labels[text] += 1
            if self._is_success(text):
                self.converted[version].add(unit)

    def _is_success(self, text: str) -> bool:
        return text == self._success if self._success is not None else text.lower() in _YES


def _report(name: str, stage: str, span: _Span, counted: _Counts, alpha: float) -> Report:
    by_user = counted.keyless < counted.predictions or not counted.predictions
    shares = {span.main: 1 - sum(span.arms.values()), **span.arms}
    base = len(counted.converted[span.main])
    outcomes = []
    for version, share in shares.items():
        units, converted = len(counted.units[version]), len(counted.converted[version])
        chance = share / (share + shares[span.main])
        other = version != span.main and 0 < chance < 1
        outcomes.append(
            Outcome(
                version,
                share,
                units,
                converted,
                converted / units if units else None,
                sequential.wilson(converted, units),
                sequential.ratio(base, converted, chance=chance, alpha=alpha) if other else None,
                sequential.p_value(base, converted, chance=chance) if other else None,
            )
        )
    return Report(
        name,
        stage,
        span.by,
        span.since,
        span.until,
        "user" if by_user else "prediction",
        counted.predictions,
        counted.labelled,
        counted.keyless if by_user else 0,
        alpha,
        tuple(outcomes),
        tuple([label for label, _ in counted.labels.most_common(_SHOWN_LABELS)]),
        counted.labelled > 0 and not any(counted.converted.values()),
    )


def _newest(model: Model, stage: str) -> _Span:
    """Return the newest experiment: since its shares were last changed, until it ended."""
    main: int | None = None
    standing: dict[int, float] = {}
    found: _Span | None = None
    for event in model.events:
        if event.detail.get("stage") != stage:
            continue
        if event.kind in ("promote", "rollback"):
            if standing and found is not None:
                found = _Span(found.main, found.arms, found.by, found.since, event.time)
            main, standing = event.number, {}
        elif event.kind == "route" and event.detail["role"] == _ROLE:
            found = _changed(found, event, standing, main)
    if found is None:
        raise RequestError(
            f"there was no experiment on {model.name}@{stage}",
            hint=f"mlo ab start {model.name}@VERSION 50% --by user_id",
        )
    return found


def _changed(
    found: _Span | None, event: Event, standing: dict[int, float], main: int | None
) -> _Span | None:
    """Return the experiment after one of its events, which changes `standing`."""
    if not event.detail.get("ended"):
        standing[event.number] = float(event.detail["share"])
        by, base = str(event.detail["by"]), main or int(event.detail.get("previous") or 0)
        return _Span(base, dict(standing), by, event.time, None)
    standing.pop(event.number, None)
    if found is None or found.until is not None:
        return found
    if standing:
        return _Span(found.main, dict(standing), found.by, event.time, None)
    return _Span(found.main, found.arms, found.by, found.since, event.time)
