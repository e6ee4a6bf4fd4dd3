"""Gates on the signature: whoever asks the version that stands there can ask the new one."""

from collections.abc import Iterator

from mlops_cli.core.config_gates import SignatureGate, title
from mlops_cli.registry.gates.asked import Asked, GateResult, opponent
from mlops_cli.registry.models import Version
from mlops_cli.registry.signature import Column, Kind

_TAKES: dict[Kind, frozenset[Kind]] = {
    "number": frozenset(["number", "integer"]),
    "text": frozenset(["text", "category", "datetime"]),
}
"""Which kinds of values a kind takes, beside its own."""


def check(asked: Asked, gate: SignatureGate) -> list[GateResult]:
    """Return whether every request that fits the version in a stage fits this one too."""
    stage = gate.stage or asked.stage
    name = title(SignatureGate(stage))
    standing = opponent(asked, name, stage)
    if isinstance(standing, GateResult):
        return [standing]
    for one in (asked.version, standing):
        if one.signature is None:
            why = f"it is not known what v{one.number} takes"
            return [GateResult(name, passed=False, why=why, hint="register it with its data")]
    return [compare(name, standing, asked.version)]


def compare(name: str, standing: Version, now: Version) -> GateResult:
    """Return whether every request that fits one version fits the next; both have signatures."""
    problems = list(_problems(standing, now))
    if not problems:
        return GateResult(name, passed=True, why=f"it takes all that v{standing.number} takes")
    more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
    return GateResult(name, passed=False, why="; ".join(problems[:3]) + more)


def _problems(before: Version, now: Version) -> Iterator[str]:
    """Yield what a client of one version meets with the next."""
    assert before.signature is not None
    assert now.signature is not None
    if before.task != now.task:
        yield f"it does {now.task}, v{before.number} {before.task}"
    known = {column.name: column for column in before.signature.columns}
    taken = set(now.signature.names)
    for column in now.signature.columns:
        if column.name not in known:
            yield f"'{column.name}' is new, and who asks v{before.number} does not send it"
        else:
            yield from _narrower(known[column.name], column)
    for name in known:
        if name not in taken:
            yield f"'{name}' is gone, and a request that has it is refused"


def _narrower(before: Column, now: Column) -> Iterator[str]:
    """Yield in what a column takes less than before."""
    words = all(isinstance(one, str) for one in before.categories or ())
    free: Kind = "text" if now.kind == "category" and now.categories is None else now.kind
    if free != before.kind and not (words and before.kind in _TAKES.get(free, ())):
        yield f"'{now.name}' is of the kind {now.kind}, and was of {before.kind}"
    elif now.kind == "category" and now.categories is not None:
        gone = [one for one in before.categories or () if one not in now.categories]
        if gone:
            some = ", ".join(f"'{one}'" for one in gone[:3])
            yield f"'{now.name}' does not know {some}{', ...' if len(gone) > 3 else ''}"
        if before.categories is None:
            yield f"'{now.name}' takes only {len(now.categories)} categories"
    if before.nullable and not now.nullable:
        yield f"'{now.name}' may not be missing any more"
