"""What a report says in words: why the verdict, what else one must know, and what to type."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_cli.monitor.performance import stream
from mlops_cli.monitor.performance.judge import Judged
from mlops_cli.monitor.performance.look import Look
from mlops_cli.monitor.performance.report import Part
from mlops_cli.registry.models import Version


def reason(version: Version, seen: Look, found: Judged) -> str:
    """Return why performance has dropped, has not, or why that is not known."""
    if found.since is not None:
        return _dropped(seen, found, found.since)
    if found.verdict == "ok" and found.basis == "labels":
        return f"no metric is worse than on {_past(seen)} by more than chance, and enough to matter"
    if found.verdict == "ok" and len(seen.known) >= seen.settings.min_labels:
        return (
            f"no estimate is worse than on {_past(seen)} by more than chance, and enough to matter"
        )
    if found.verdict == "ok":
        return f"there are too few labels, and no estimate is worse than on {_past(seen)}"
    if not len(seen.found.asked):
        return f"{version.model} v{version.number} answered nothing in that time"
    labels = len(seen.known)
    least = seen.settings.min_labels
    if seen.past is None:
        return f"v{version.number} was never evaluated, so there is nothing to compare with"
    if labels >= least and seen.past.answers is None:
        return "the answers of its evaluation are not in this store"
    few = "no labels" if not labels else f"{labels} labels, and a verdict takes {least}"
    return f"there are {few}" + (f"; {seen.estimator.why}" if seen.estimator.why else "")


def _dropped(seen: Look, found: Judged, since: Part) -> str:
    readings = since.realized or since.estimated
    worst = next(one for one in readings if one.dropped)
    rows = since.labelled if found.basis == "labels" else since.rows
    what = "labels" if found.basis == "labels" else "predictions without labels"
    seems = "is" if found.basis == "labels" else "is estimated to be"
    was = "was" if found.basis == "labels" else "was estimated to be"
    by = "" if found.basis == "labels" else _newer(seen)
    return (
        f"{worst.metric} {seems} {_number(worst.value)} in the newest {rows:,} {what}{by},"
        f" and {was} {_number(worst.before)} on {_past(seen)}"
    )


def _newer(seen: Look) -> str:
    by = seen.estimator.grounds
    return f" by {by.labels:,} newer labels" if by is not None and by.by == "labels" else ""


def _past(seen: Look) -> str:
    return "" if seen.past is None else seen.past.evaluation.data.path


def _number(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.3g}"


def hint(version: Version, seen: Look, found: Judged) -> str:
    """Return what to type where something is missing."""
    named = f"{version.model}@v{version.number}"
    if seen.past is None:
        return f"mlo evaluate {named}"
    if seen.estimator.hint:
        return seen.estimator.hint
    if found.verdict == "unknown" and len(seen.found.asked):
        return "mlo feedback FILE"
    return ""


def notes(seen: Look, found: Judged) -> Iterator[str]:
    """Yield what else a reader must know."""
    gathered = seen.found
    if gathered.sampled:
        yield f"{len(gathered.asked):,} of the predictions, evenly chosen, stand for all"
    if seen.left:
        yield f"{seen.left} older windows are left out"
    if gathered.unusable:
        yield f"labels that are no numbers: {gathered.unusable:,}, left out"
    if seen.strange:
        yield f"labels that the model does not have: {seen.strange:,}, left out"
    if len(seen.known) > stream.MOST:
        yield f"detectors looked at {stream.MOST:,} of the labels, evenly chosen"
    if found.unlabelled and found.tested[0]:
        rows = seen.rows(found.unlabelled)
        guessed = seen.estimator.of is not None
        see = ": for these see the estimate" if guessed else " to say anything"
        yield f"the newest {rows:,} predictions have too few labels{see}"
    if seen.estimator.why and found.verdict != "unknown":
        yield seen.estimator.why
    if gathered.tally.blocks:
        yield str(gathered.tally)
