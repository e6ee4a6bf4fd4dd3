"""An explanation in a terminal: which way each column moves the answer is seen without colour."""

from collections.abc import Callable

import pytest

from mlops_cli.cli import explain_report
from mlops_cli.core.ids import ObjectId
from mlops_cli.registry.evaluation.record import Data
from mlops_cli.registry.explaining import picture
from mlops_cli.registry.explaining.explanation import Explanation, Weight


def of_row(*weights: Weight) -> Explanation:
    data = Data("rows.csv", ObjectId("a" * 64), "as was asked")
    what = "the probability of 'yes'"
    return Explanation(
        *("m", 1, "v", "permutation", what, data, 3, 3, weights),
        row={one.column: one.cell for one in weights},
        answer="yes",
        score=0.9,
        base=0.5,
    )


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[[Explanation], list[str]]:
    def tell(found: Explanation) -> list[str]:
        explain_report.tell(found)
        return capsys.readouterr().out.splitlines()[-len(found.weights) :]

    return tell


def test_what_is_below_zero_lies_left_of_a_line(told: Callable[[Explanation], list[str]]) -> None:
    found = of_row(Weight("age", 0.4, cell=3), Weight("名前", -0.2, cell="é"), Weight("c", -0.0))
    up, down, none = told(found)
    assert up.partition("│")[2].startswith("█")
    assert down.partition("│")[2] == ""
    assert "█│" in down
    assert "█" not in none
    assert max(map(len, (up, down, none))) <= 80


def test_without_anything_below_zero_there_is_no_line(
    told: Callable[[Explanation], list[str]],
) -> None:
    assert not any("│" in line for line in told(of_row(Weight("age", 0.4, cell=3))))


def test_a_missing_value_is_called_so(told: Callable[[Explanation], list[str]]) -> None:
    found = of_row(Weight("age", -0.4))
    assert told(found)[0].startswith("  age is missing  ")
    assert "age is missing" in picture.svg(found)
    assert "<td>missing</td>" in picture.page(found)
