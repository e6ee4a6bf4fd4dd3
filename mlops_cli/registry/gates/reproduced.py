"""Gates on reproduction: the run that made the version was made again, and came out alike."""

from mlops_cli.core.config_gates import ReproducedGate, title
from mlops_cli.errors import RequestError
from mlops_cli.registry.gates.asked import Asked, GateResult
from mlops_cli.runs import reproduced
from mlops_cli.runs.record import Run


def check(asked: Asked, gate: ReproducedGate) -> list[GateResult]:
    """Return whether the newest statement about the version's run says that it holds.

    Raises:
        RequestError: there is no run, or nobody has tried.
        MissingObject: the record of the run is not in this store.
    """
    if asked.version.run is None:
        raise RequestError(f"v{asked.version.number} was made by no run that could be made again")
    run = Run.read(asked.repo, asked.version.run)
    stated = reproduced.latest(asked.repo, run)
    again = f"mlo reproduce {run.name}"
    if stated is None:
        raise RequestError(f"nobody has made run {run.name} again", hint=again)
    standing = "no" if stated.signature is None else stated.signature.standing
    enough = stated.verdict == "identical" or (stated.verdict, gate.verdict) == ("equal", "equal")
    sound = standing == "good" if gate.signed else standing != "bad"
    who = stated.who.get("name", "")
    why = f"{stated.verdict}, {who} stated on {stated.when[:10]}"
    if gate.signed or standing == "bad":
        why += f" with {standing} signature"
    return [GateResult(title(gate), enough and sound, why, None if enough and sound else again)]
