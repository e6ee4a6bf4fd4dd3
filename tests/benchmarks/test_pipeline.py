"""Every part of the pipeline benchmark, on a few steps; no time is looked at."""

from pathlib import Path

import pytest

from benchmarks.measure import Row
from benchmarks.pipeline import report
from benchmarks.pipeline.report import Bench, Scale
from benchmarks.pipeline.tools import CHANGED, Make, Mlo, Tool

TINY = Scale(chain=CHANGED, many=2)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, {"mlo": "1", "make": "1", "DVC": None}, times=1, scale=TINY)


def test_all_rows_are_there_also_for_tools_that_are_missing(bench: Bench) -> None:
    rows = report.rows(bench)
    assert named(rows, "all to be run, two jobs").limit == 1 / 10
    assert named(rows, "nothing to do").against == "DVC (not installed)"
    assert {row.against for row in rows} >= {"make", "10 ms", "dvc exp run (not installed)"}
    assert named(rows, "what a step costs").theirs == 10.0


@pytest.mark.parametrize("kind", [Mlo, Make])
def test_a_changed_parameter_reaches_the_end_of_the_chain(kind: type[Tool], tmp_path: Path) -> None:
    tool = kind(tmp_path / "home")
    tool.begin(tool.chain(CHANGED + 1))
    tool.run().run()
    tool.record()
    last = tool.project / f"s{CHANGED + 1}.txt"
    assert last.read_text() == "0\n1\n2\n0\n4\n"
    tool.change(7)
    tool.run().run()
    assert last.read_text() == "0\n1\n2\n7\n4\n"


@pytest.mark.parametrize("kind", [Mlo, Make])
def test_steps_from_a_list_each_write_a_file(kind: type[Tool], tmp_path: Path) -> None:
    tool = kind(tmp_path / "home")
    tool.begin(tool.many(3))
    tool.run(jobs=2).run()
    assert [(tool.project / f"out{n}.txt").read_text() for n in range(3)] == [
        "0\n0\n",
        "0\n1\n",
        "0\n2\n",
    ]


def named(rows: list[Row], words: str) -> Row:
    return next(row for row in rows if words in row.what)
