from benchmarks.measure import Row
from benchmarks.table import table


def last(row: Row) -> list[str]:
    """Return the cells of the line that shows a row."""
    return [cell.strip() for cell in table([row]).splitlines()[-1].strip("|").split("|")]


def test_a_row_within_its_limit_is_ok() -> None:
    row = Row("add", 1.0, "DVC", 6.0, 1 / 6)
    assert row.holds
    assert last(row) == ["add", "1.000 s", "DVC", "6.000 s", "0.17", "0.17", "ok"]


def test_a_row_over_its_limit_says_so() -> None:
    row = Row("memory", 300, "200 MiB", 200, 1.0, "MiB")
    assert not row.holds
    assert last(row) == ["memory", "300 MiB", "200 MiB", "200 MiB", "1.50", "1.00", "OVER"]


def test_a_row_without_a_limit_only_tells() -> None:
    row = Row("add", 1.0, "cp", 0.5, None)
    assert row.holds
    assert last(row)[-2:] == ["", ""]


def test_a_row_whose_peer_is_missing_is_neither_kept_nor_over() -> None:
    row = Row("add", 1.0, "borg (not installed)", None, 0.5)
    assert row.holds
    assert last(row) == ["add", "1.000 s", "borg (not installed)", "", "", "0.50", ""]


def test_columns_line_up() -> None:
    rows = [Row("a", 1.0, "b", 1.0, 1.0), Row("longer", 10.0, "much longer", 100.0, None)]
    assert len({len(line) for line in table(rows).splitlines()}) == 1
