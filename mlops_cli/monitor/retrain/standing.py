"""What is known of the version in a stage: how often it was wrong before it answered."""

from __future__ import annotations

from mlops_cli.errors import MloError
from mlops_cli.monitor.retrain.errors import Base
from mlops_cli.monitor.retrain.fresh import off
from mlops_cli.monitor.retrain.ground import Work
from mlops_cli.monitor.retrain.record import Watch
from mlops_cli.monitor.retrain.window import Watched, base_of
from mlops_cli.registry.evaluation import kept, own
from mlops_cli.registry.evaluation.answers import Labelled
from mlops_cli.registry.evaluation.data import ASKED
from mlops_cli.registry.evaluation.record import Evaluation, of_version
from mlops_cli.registry.models import Version


def watched(work: Work, version: Version) -> Watched:
    """Return what the answers of a version are held against: how good it was when it was made.

    What a retraining found of it later, on rows since its errors rose, is not that. After one that
    was not better, they are held against how they were then.
    """
    held = work.state.watch
    if held is not None and held.version == version.number:
        return Watched(Base(held.wrong, held.rows, held.spread), held.cut, held.since_us)
    return _known(work, version, own.usual(work.repo, work.model, version, ASKED))


def from_now_on(work: Work, version: Version) -> Watch:
    """Return what the answers of a version are held against that is brought back.

    That is how it was when it was made, or is now, whichever is better, and not how it was when it
    was replaced: if it is wrong more often than that, there is something to gain.
    """
    found = of_version(work.model, version)
    known = [_known(work, version, one) for one in (found[0], found[-1])]
    best = min(known, key=lambda one: one.base.wrong / max(one.base.rows, 1))
    base, since = best.base, work.using.now_ns() // 1000
    return Watch(version.number, since, base.wrong, base.rows, base.spread, best.cut)


def _known(work: Work, version: Version, found: Evaluation | None) -> Watched:
    """Return what an evaluation says of a version, as far as its answers are here."""
    if found is None:
        return Watched(Base(), None if version.task == "classification" else 0.0)
    try:
        answers = kept.answers_of(work.repo, found)
    except MloError:
        return Watched(Base(), None if found.labels is not None else 0.0)
    is_labels = isinstance(answers, Labelled)
    far = off(answers.predicted.tolist(), answers.truth.tolist(), is_labels=is_labels)
    return Watched(*base_of(far, is_labels=is_labels, known_spread=work.state.spread))
