"""What the values of a metric come to, in whatever order MLflow has them."""

import json
from pathlib import Path

import pytest

from mlops_cli.core.repository import open_repository
from mlops_cli.imports.mlflow_history import History, keep
from mlops_cli.imports.mlflow_run import Point

NAN, INFINITE = float("nan"), float("inf")


def kept(project: Path, *points: Point) -> tuple[History, list[dict[str, object]]]:
    repo = open_repository(project)
    with repo.objects.writer() as writer:
        history = keep(points, writer)
    data = repo.objects.get(history.object) if history.object else b""
    return history, [json.loads(line) for line in data.splitlines()]


@pytest.mark.parametrize(
    ("points", "last"),
    [
        ([(0.1, 5, 0), (0.2, 6, 1)], 0.2),
        ([(0.1, 5, 1), (0.2, 6, 0)], 0.1),
        ([(0.1, 6, 0), (0.2, 5, 0)], 0.1),
        ([(0.2, 5, 0), (0.1, 5, 0)], 0.2),
        ([(0.1, 5, 0), (NAN, 6, 1)], "nan"),
        ([(NAN, 5, 0), (-INFINITE, 6, 0)], "-inf"),
    ],
)
def test_the_last_value_is_the_one_that_mlflow_shows(
    points: list[tuple[float, int, int]], last: object, project: Path
) -> None:
    found, lines = kept(project, *(Point("m", *point) for point in points))
    assert found.last == {"m": last}
    assert len(lines) == found.points == 2


def test_least_and_greatest_pass_over_nan(project: Path) -> None:
    points = [Point("m", value, step, step) for step, value in enumerate([NAN, 2.0, NAN, -1.0])]
    found, _ = kept(project, *points, Point("once", 1.0, 0, 0), Point("n", NAN, 0, 0))
    assert found.series == {"m": {"count": 4, "min": -1.0, "max": 2.0}}


def test_a_history_that_does_not_fit_in_memory_is_kept_whole(project: Path) -> None:
    count = 40_000
    found, lines = kept(project, *(Point("loss", step / 8, step, step) for step in range(count)))
    assert found.series["loss"] == {"count": count, "min": 0.0, "max": (count - 1) / 8}
    assert lines[-1] == {
        "time": (count - 1) / 1000,
        "metrics": {"loss": (count - 1) / 8},
        "step": count - 1,
    }


def test_no_metrics_are_no_object(project: Path) -> None:
    assert kept(project)[0] == History({}, {}, None, 0)
