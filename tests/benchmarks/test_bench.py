from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.measure import Cost, Row
from benchmarks.storage import report
from benchmarks.storage.bench import Bench, Step, follow
from benchmarks.storage.place import Place, place

ROW = Row("row", 1.0, "peer", 2.0, 1.0)


def bench(only: tuple[str, ...] = ()) -> Bench:
    return Bench(Place(Path(), "none"), {"mlo": "1", "DVC": "3", "borg": None}, 3, only)


def steps(done: list[tuple[str, int]]) -> list[Step]:
    """Return three steps, of which the third builds on the first."""

    def measure(name: str, times: int) -> list[Row]:
        done.append((name, times))
        return [ROW]

    return [
        Step("many.add", lambda times: measure("add", times), lays=True),
        Step("many.status", lambda times: measure("status", times)),
        Step("many.push", lambda times: measure("push", times)),
    ]


def test_without_a_choice_all_is_measured() -> None:
    done: list[tuple[str, int]] = []
    assert follow(bench(), steps(done)) == [ROW] * 3
    assert done == [("add", 3), ("status", 3), ("push", 3)]


def test_what_a_chosen_row_builds_on_is_done_once_and_not_shown() -> None:
    done: list[tuple[str, int]] = []
    assert follow(bench(only=("many.push",)), steps(done)) == [ROW]
    assert done == [("add", 1), ("push", 3)]


def test_nothing_is_done_after_the_last_chosen_row() -> None:
    done: list[tuple[str, int]] = []
    follow(bench(only=("many.add",)), steps(done))
    assert done == [("add", 3)]


def test_a_part_is_chosen_by_its_first_word() -> None:
    assert bench(only=("many",)).wants("many.push")
    assert not bench(only=("many",)).wants("large.push")


def test_a_tool_that_is_missing_is_shown_and_one_not_asked_for_is_not() -> None:
    costs = {"mlo": Cost(1.0, 10), "DVC": Cost(4.0, 10)}
    rows = bench().compare("add", costs, {"DVC": 0.5, "borg": 0.5, "git": 0.5})
    assert rows == [
        Row("add", 1.0, "DVC", 4.0, 0.5),
        Row("add", 1.0, "borg (not installed)", None, 0.5),
    ]


def test_a_row_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["storage", "--only", "many.fly"])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert "there is no row 'many.fly'" in error
    assert all(name in error for name in report.NAMES)


def test_half_a_group_of_rows_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["storage", "--write", "--only", "large,many.pull"])
    assert ended.value.code == 2
    assert "--only many" in capsys.readouterr().err


def test_a_place_is_empty_again_when_interrupted(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), place(tmp_path) as found:
        (found.folder / "file").write_text("left")
        found.settle()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
