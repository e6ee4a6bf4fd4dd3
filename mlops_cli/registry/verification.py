"""Whether the record of all models holds: the audit chains, and what events add up to."""

from collections.abc import Iterator
from dataclasses import replace

from mlops_cli.audit import verification
from mlops_cli.audit.verification import Verification
from mlops_cli.core.ids import short
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MloError
from mlops_cli.registry import approvals, events, models
from mlops_cli.registry.evaluation.record import of_event
from mlops_cli.registry.models import Model


def verify(repo: Repository, *, signed: bool = False) -> Verification:
    """Check every audit chain, and every event of every model by what it says.

    With `signed`, entries about models must carry a signature that git's settings vouch for.
    """
    found = verification.verify(repo, signed=signed)
    problems = list(found.problems)
    for name in models.names(repo):
        try:
            problems += _wrong(repo, models.model(repo, name))
        except MloError as error:
            problem = f"{events.PREFIX}{name}: {error.message}"
            if problem not in problems:
                problems.append(problem)
    return replace(found, problems=tuple(problems))


def _wrong(repo: Repository, model: Model) -> Iterator[str]:
    """Yield what is wrong with the events of a model, one by one."""
    where = f"{events.PREFIX}{model.name}"
    places: dict[tuple[str, str], int] = {}
    for event in model.events:
        if event.kind in (*events.MOVES, "alias"):
            what = "alias" if event.kind == "alias" else "stage"
            place = str(event.detail[what])
            if event.detail.get("previous") != places.get((what, place)):
                yield f"{where}: event {short(event.oid)} moves {place} from where it was not"
            places[what, place] = event.number
        if event.kind == "evaluate":
            try:
                of_event(event)
            except MloError as error:
                yield f"{where}: {error.message}"
    for event, stated in approvals.statements(repo, model):
        if stated.objection is not None:
            yield (
                f"{where}: the approval of {stated.who.name} in event {short(event.oid)} does not"
                f" hold: {stated.objection}"
            )
