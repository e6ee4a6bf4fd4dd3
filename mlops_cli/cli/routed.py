"""What `mlo canary`, `mlo ab` and `mlo shadow` print: who shares the requests to a stage."""

from mlops_cli.cli import show
from mlops_cli.cli.since import minute
from mlops_cli.data.servers import Counted, Running
from mlops_cli.registry.routed import Ended, Logged, Routed
from mlops_cli.registry.routes import Arm

_AS = {"canary": "canary", "ab": "in an experiment", "shadow": "shadow"}


def tell(routed: Routed) -> None:
    """Print the version that answers and those beside it."""
    standing = "nothing" if routed.version is None else f"v{routed.version}"
    taken = sum(arm.share for arm in routed.arms if arm.role != "shadow")
    rest = f", {100 * (1 - taken):.4g}% of the requests" if taken else ""
    show.line(f"{routed.model}@{routed.stage}: {standing} answers{rest}")
    for arm, logged in zip(routed.arms, routed.logged, strict=True):
        show.line(f"  {_line(arm)}", rest=" " * 5)
        show.line(f"     {_seen(logged, standing)}", rest=" " * 5)
    if not routed.arms:
        show.line("  no other version has a part in it")
    if routed.ended is not None:
        show.line(f"  {_end(routed.ended)}", rest=" " * 5)
    for server in routed.servers:
        _tell_server(server)
    if routed.skipped is not None:
        show.note(routed.skipped, rest="  ")


def _end(ended: Ended) -> str:
    """Return how a version lost its part.

    >>> _end(Ended("canary", 2, "2026-01-31T09:15:59Z", "aborted", "it was slow"))
    'v2, canary, was aborted at 2026-01-31 09:15 UTC: it was slow'
    """
    why = f": {ended.reason}" if ended.reason else ""
    return f"v{ended.version}, {_AS[ended.role]}, was {ended.how} at {minute(ended.time)} UTC{why}"


def _tell_server(server: Running) -> None:
    """Print what a server that runs counted of each version, and what it judges."""
    show.line(f"  {server.url}, since {minute(server.since)} UTC:", rest=" " * 5)
    for one in server.counted:
        role = f", {_AS[one.role]}" if one.role in _AS else ""
        show.line(f"     v{one.version}{role}: {_failed(one)}", rest=" " * 8)
    for trial in server.trials:
        old, new = trial.old, trial.new
        sides = f"{new.errors:,} of {new.requests:,}, against {old.errors:,} of {old.requests:,}"
        show.line(f"     v{new.version} against v{old.version} failed on {sides}", rest=" " * 8)
        due = show.number(trial.next_look, "request")
        show.line(f"     v{new.version} is judged again when it has had {due}", rest=" " * 8)


def _failed(one: Counted) -> str:
    """Return how many requests a version had, and failed on.

    >>> _failed(Counted("churn", 2, "canary", 1204, 3))
    '1,204 requests, 3 failed'
    """
    return f"{show.number(one.requests, 'request')}, {one.errors:,} failed"


def _line(arm: Arm) -> str:
    by = "" if arm.by is None else f", by {arm.by}"
    verb = "sees" if arm.role == "shadow" else "answers"
    return f"v{arm.version} {verb} {100 * arm.share:.4g}%, {_AS[arm.role]}{by}"


def _seen(logged: Logged, standing: str) -> str:
    """Return what the log has of a version, beside the one that stands there.

    >>> _seen(Logged("canary", 2, "2026-01-31T09:15:59Z", 1, 1204), "v1")
    'logged since 2026-01-31 09:15 UTC: 1 prediction; 1,204 of v1'
    """
    own = show.number(logged.predictions, "prediction")
    return f"logged since {minute(logged.since)} UTC: {own}; {logged.beside:,} of {standing}"
