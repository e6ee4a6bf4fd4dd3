"""What performance is compared with: an evaluation of the version, and its answers row by row."""

from __future__ import annotations

from dataclasses import dataclass

from mlops_cli.core.repository import Repository
from mlops_cli.errors import MissingObject, RequestError
from mlops_cli.monitor.performance import measure
from mlops_cli.monitor.performance.measure import Measures
from mlops_cli.monitor.performance.report import Reference
from mlops_cli.registry.evaluation import kept, record
from mlops_cli.registry.evaluation.answers import Answers, Labelled
from mlops_cli.registry.evaluation.data import ASKED
from mlops_cli.registry.evaluation.own import of_newest
from mlops_cli.registry.evaluation.record import Evaluation
from mlops_cli.registry.models import Model, Version


@dataclass(frozen=True, slots=True)
class Past:
    """An evaluation with its answers; None where this store does not have them."""

    evaluation: Evaluation
    answers: Answers | None

    @property
    def named(self) -> Reference:
        """What a report says of it."""
        held = self.evaluation
        return Reference(held.id, held.data.path, held.time, held.rows)

    @property
    def measures(self) -> Measures:
        """Its metrics."""
        return {} if self.answers is None else of(self.answers)


def of(answers: Answers) -> Measures:
    """Return the metrics of answers with how much they vary; none without a row."""
    if not answers.rows:
        return {}
    if isinstance(answers, Labelled):
        return measure.of_labels(answers)
    return measure.of_numbers(answers)


def find(repo: Repository, model: Model, version: Version, against: str | None) -> Past | None:
    """Return the evaluation that `against` names, else the first on the version's own test data.

    The first, since one on later data knows already what is looked for; one on the newest rows, as
    a retraining makes it, is the last resort. None if there is none.

    Raises:
        RequestError: `against` names none.
    """
    every = record.of_version(model, version)[::-1]
    if against is not None:
        chosen = [one for one in every if _means(one, against)][-1:]
        if not chosen:
            raise RequestError(
                f"{version.model} v{version.number} was not evaluated on '{against[:80]}'",
                hint=f"mlo evaluate {version.model}@v{version.number} --data {against[:80]}",
            )
    else:
        usual = [one for one in every if not of_newest(version, one)]
        own = [one for one in usual if one.data.chosen != ASKED]
        chosen = (own or usual or list(every))[:1]
    if not chosen:
        return None
    try:
        return Past(chosen[0], kept.answers_of(repo, chosen[0]))
    except MissingObject:
        return Past(chosen[0], None)


def _means(found: Evaluation, text: str) -> bool:
    path, _, digits = text.partition("@")
    named = path == found.data.path and found.data.oid.startswith(digits)
    return named or (len(text) >= 4 and found.id.startswith(text))
