"""What drift's speed is measured on, and what is held against what."""

from pathlib import Path

import pytest

from benchmarks.drift import logged, speed, tables
from benchmarks.drift.peers import EVIDENTLY, NANNYML, WHYLOGS
from benchmarks.measure import Cost
from mlops_cli.core.repository import open_repository
from mlops_cli.monitor import live


def test_tables_have_columns_of_each_kind_and_are_always_the_same() -> None:
    pytest.importorskip("pyarrow", reason="part of mlo[parquet]")
    table = tables.mixed(100, 20, 1)
    kinds = {str(column.type) for column in table.columns}
    assert kinds == {"double", "int64", "string", "bool"}
    assert table.num_columns == 20
    assert table.column("c6").null_count > 0
    assert table.equals(tables.mixed(100, 20, 1))
    assert not table.equals(tables.mixed(100, 20, 0))


def test_the_log_is_one_that_drift_reads_and_finds_unchanged(tmp_path: Path) -> None:
    logged.write(tmp_path / "project", 5_000)
    found = live.check(open_repository(tmp_path / "project"), "churn", predictions=False)
    assert (found.verdict, found.report.current_rows) == ("ok", 5_000)
    assert found.reference.kept
    assert len(found.report.columns) == logged.COLUMNS


def test_the_quickest_of_the_others_has_a_limit_too() -> None:
    costs = {
        "mlo": Cost(1.0, 100),
        EVIDENTLY.name: Cost(5.0, 100),
        NANNYML.name: Cost(3.0, 100),
        WHYLOGS.name: Cost(1.5, 100),
    }
    rows = {row.against: row for row in speed._against_others(costs, speed.SIZES[0])}
    assert rows[EVIDENTLY.name].holds is False
    assert rows[NANNYML.name].limit is None
    assert (rows[WHYLOGS.name].limit, rows[WHYLOGS.name].holds) == (0.5, False)
    assert rows["alibi-detect (not installed)"].theirs is None
