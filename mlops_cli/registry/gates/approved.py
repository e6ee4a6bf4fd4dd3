"""The rule that people beside the author approve of a version."""

from mlops_cli.core.config_models import Stage
from mlops_cli.errors import MloError
from mlops_cli.registry.gates.asked import Asked, GateResult


def check(asked: Asked, rules: Stage) -> GateResult:
    """Return whether enough people have approved, and who still may."""
    from mlops_cli.registry import approvals

    people = "person" if rules.approvals == 1 else "people"
    name = f"approved by {rules.approvals} {people} beside the author"
    if rules.require_signed:
        name += ", signed"
    try:
        found = approvals.standing(asked.repo, asked.model, asked.version, asked.stage, rules)
    except MloError as error:
        return GateResult(name, passed=False, why=error.message, hint=error.hint)
    said = [f"{one.who.name} did" for one in found.counted]
    said += [f"{one.who.name}'s does not count: {one.objection}" for one in found.others]
    if not found.missing:
        return GateResult(name, passed=True, why="; ".join(said))
    authors = " and ".join(dict.fromkeys(one.name for one in found.authors))
    whose = " or ".join(found.waiting) if rules.approvers else f"somebody beside {authors}"
    said.append(f"still to approve: {found.missing} of {whose or 'nobody who is left'}")
    hint = f"mlo approve {asked.reference} {asked.stage}"
    return GateResult(name, passed=False, why="; ".join(said), hint=hint)
