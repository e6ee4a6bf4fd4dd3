"""An evaluation is read at 80 columns, and as Markdown with all that there is."""

from dataclasses import replace

import pytest

from mlops_cli.cli import evaluation_report
from mlops_cli.core.ids import ObjectId
from mlops_cli.registry.evaluation.bootstrap import Estimate
from mlops_cli.registry.evaluation.record import (
    Data,
    Evaluation,
    Fairness,
    Group,
    Kept,
    Latency,
    Slice,
)

ID = ObjectId("0" * 64)
SURE = Estimate(0.8123, 0.7456, 0.8912)
NAMES = ("accuracy", "balanced_accuracy", "f1", "roc_auc")


@pytest.fixture
def found() -> Evaluation:
    part = Slice("region", "south-western", 103, dict.fromkeys(NAMES, SURE))
    return Evaluation(
        id=ID,
        time="2026-01-31T00:00:00Z",
        who={},
        model="churn",
        number=1,
        version=ID,
        data=Data("data/test.csv", ID, "as was asked"),
        target="left",
        task="classification",
        rows=300,
        dropped=0,
        metrics=dict.fromkeys(NAMES, SURE),
        labels=("no", "yes"),
        positive="yes",
        confusion=None,
        calibration=(),
        slices=(part,),
        fairness=(),
        latency=Latency(5e-6, 9e-6, 300, 1e-7, "native", "a machine"),
        size=5000,
        kept=Kept(ID, ID),
    )


def test_a_table_of_slices_fits_and_keeps_the_intervals_that_have_room(
    found: Evaluation, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluation_report.tell(found)
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    (line,) = [one for one in said.splitlines() if one.startswith("south-western")]
    assert line.split("  ")[-2:] == ["0.8123", " 0.8123"]
    assert line.count("0.812 (0.746, 0.891)") == 2


def test_markdown_has_every_interval(found: Evaluation, capsys: pytest.CaptureFixture[str]) -> None:
    evaluation_report.markdown(found)
    (line,) = [one for one in capsys.readouterr().out.splitlines() if "south-western" in one]
    assert line.count("0.812 (0.746, 0.891)") == 4


def test_each_group_of_a_regression_is_shown_with_its_error(
    found: Evaluation, capsys: pytest.CaptureFixture[str]
) -> None:
    groups = (
        Group("f", 150, {"mae": 2.5, "mean_prediction": 20.0}),
        Group("m", 150, {"mae": 3.5, "mean_prediction": 30.0}),
    )
    treated = Fairness("sex", groups, {"mae_difference": Estimate(1.0, 0.5, 1.5)})
    evaluation_report.tell(replace(found, slices=(), fairness=(treated,)))
    lines = [one.split() for one in capsys.readouterr().out.splitlines()]
    assert ["sex", "rows", "mae", "mean", "prediction"] in lines
    assert ["m", "150", "3.5", "30"] in lines
