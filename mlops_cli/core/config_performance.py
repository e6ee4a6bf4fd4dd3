"""What `.mlops.yaml` says of when a model's performance has dropped."""

from mlops_cli.core.records import dataclass
from mlops_cli.core.yaml_nodes import Value


@dataclass(frozen=True, slots=True)
class PerformanceSettings:
    """When `mlo performance` says that a metric has dropped."""

    q: float = 0.025
    """The share of false alarms accepted among the drops reported, in 0..1."""
    drop: float = 0.01
    """The smallest drop that counts of a metric in 0..1, such as accuracy, in its unit."""
    rise: float = 0.05
    """The smallest rise that counts of an error, such as MAE, as a share of what it was."""
    gap: float = 0.05
    """The smallest growth that counts of a difference between groups; of numbers, times the MAE."""
    min_labels: int = 50
    """With fewer labels there is no verdict."""


def read(value: Value) -> PerformanceSettings:
    """Return what the mapping `performance` says."""
    return value.record(
        PerformanceSettings,
        {
            "q": _share,
            "drop": _share,
            "rise": lambda rise: rise.number(minimum=0),
            "gap": _share,
            "min_labels": lambda labels: labels.integer(minimum=1),
        },
    )


def _share(value: Value) -> float:
    return value.number(minimum=0, maximum=1)
