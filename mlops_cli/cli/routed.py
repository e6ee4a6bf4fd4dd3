"""What `mlo canary`, `mlo ab` and `mlo shadow` print: who shares the requests to a stage."""

from mlops_cli.cli import show
from mlops_cli.registry.routes import Arm, Routed

_AS = {"canary": "canary", "ab": "in an experiment", "shadow": "shadow"}


def tell(routed: Routed) -> None:
    """Print the version that answers and those beside it."""
    standing = "nothing" if routed.version is None else f"v{routed.version}"
    taken = sum(arm.share for arm in routed.arms if arm.role != "shadow")
    rest = f", {100 * (1 - taken):.4g}% of the requests" if taken else ""
    show.line(f"{routed.model}@{routed.stage}: {standing} answers{rest}")
    for arm in routed.arms:
        show.line(f"  {_line(arm)}")
    if not routed.arms:
        show.line("  no other version has a part in it")


def _line(arm: Arm) -> str:
    by = "" if arm.by is None else f", by {arm.by}"
    verb = "sees" if arm.role == "shadow" else "answers"
    return f"v{arm.version} {verb} {100 * arm.share:.4g}%, {_AS[arm.role]}{by}, since {arm.since}"
