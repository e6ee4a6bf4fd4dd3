"""What `mlo canary`, `mlo ab` and `mlo shadow` print: who shares the requests to a stage."""

from mlops_cli.cli import show
from mlops_cli.cli.since import minute
from mlops_cli.registry.routed import Logged, Routed
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
    if routed.skipped is not None:
        show.note(routed.skipped, rest="  ")


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
