"""Files one below the other are in sum what one file with all their rows is."""

import pandas as pd
import pytest

from mlops_cli.data.parts import Part
from mlops_cli.errors import RequestError
from mlops_cli.monitor.sources import opened
from mlops_cli.monitor.sources.frame import of_frame
from tests.monitor.sources.conftest import ROWS, mixed
from tests.monitor.sources.test_opened import facts, same


def written(folder, kind, frames):
    """Write data frames to files of a kind, and return the files."""
    found = []
    for number, frame in enumerate(frames):
        path = folder / f"part-{number}.{kind}"
        if kind == "parquet":
            frame.to_parquet(path)
        else:
            frame.to_csv(path, index=False)
        found.append(Part(path.name, path))
    return found


@pytest.fixture(params=["csv", "csv.gz", "parquet"])
def kind(request):
    pytest.importorskip("pyarrow", reason="part of mlo[parquet]")
    return request.param


@pytest.mark.parametrize("budget", [400_000_000, 100])
def test_parts_are_what_the_whole_is(tmp_path, kind, budget, monkeypatch):
    monkeypatch.setattr("mlops_cli.monitor.sources.sums.BUDGET_BYTES", budget)
    whole = mixed()
    cut = [whole[:100], whole[100:101], whole[101:][whole.columns[::-1]]]
    same(opened.of_parts(written(tmp_path, kind, cut)), of_frame(whole))


def test_parts_may_be_estimated(tmp_path, kind):
    pytest.importorskip("datasketches", reason="part of mlo[sketches]")
    found = opened.of_parts(written(tmp_path, kind, [mixed(), mixed(seed=2)]), approx=True)
    assert found.rows == 2 * ROWS
    assert found.column("key").rows == 2 * ROWS
    assert sum(found.column("colour").categories.values()) == found.column("colour").present


def test_a_column_of_whole_numbers_may_have_gaps_in_another_part(tmp_path, kind):
    frames = [
        pd.DataFrame({"a": [1, 2]}),
        pd.DataFrame({"a": [None, 2.5]}),
        pd.DataFrame({"a": [None, None]}),
    ]
    found = opened.of_parts(written(tmp_path, kind, frames)).column("a")
    assert (found.kind, found.rows, found.nulls) == ("number", 6, 3)
    assert found.values.tolist() == [1.0, 2.0, 2.5]


def test_text_that_is_a_number_in_another_part_stays_as_it_is_written(tmp_path):
    (tmp_path / "1.csv").write_text("a\n007\n007\n2026-01-01\n")
    (tmp_path / "2.csv").write_text("a\n08\n08\n08\n08\n")
    files = [Part(name, tmp_path / name) for name in ("1.csv", "2.csv")]
    found = opened.of_parts(files).column("a")
    assert found.categories == {"007": 2, "2026-01-01": 1, "08": 4}


def test_types_that_differ_are_told_with_the_file(tmp_path):
    pytest.importorskip("pyarrow", reason="part of mlo[parquet]")
    frames = [pd.DataFrame({"age": [1]}), pd.DataFrame({"age": ["x"]})]
    with pytest.raises(RequestError, match=r"'age' has another type in 'part-1.parquet', .*string"):
        opened.of_parts(written(tmp_path, "parquet", frames))


def test_columns_that_differ_are_told_with_the_file(tmp_path, kind):
    frames = [pd.DataFrame({"a": [1], "b": [2]}), pd.DataFrame({"a": [1]})]
    with pytest.raises(RequestError, match=r"'part-1\.\S+' has no column 'b', unlike 'part-0"):
        opened.of_parts(written(tmp_path, kind, frames))


def test_more_files_than_can_be_open_are_read(tmp_path):
    resource = pytest.importorskip("resource")
    pytest.importorskip("pyarrow", reason="part of mlo[parquet]")
    parts = written(tmp_path, "parquet", [pd.DataFrame({"a": [1.5], "b": ["x"]})])
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, limits[1]))
    try:
        found = opened.of_parts(parts * 300)
        told = facts(found.column("a")), facts(found.column("b"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert told[0][1] == told[1][1] == 300
