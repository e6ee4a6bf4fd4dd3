"""Journals survive their writers."""

from pathlib import Path

from mlops_cli.core import journal


def test_records_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    for number in range(5):
        journal.append(path, {"n": number, "text": "ünï\n"})
    assert [record["n"] for record in journal.read(path)] == [0, 1, 2, 3, 4]
    assert list(journal.read(tmp_path / "none")) == []


def test_a_torn_last_line_is_skipped_and_spoils_no_later_one(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal.append(path, {"n": 1})
    with path.open("ab") as file:
        file.write(b'{"n": 2, "te')
    assert [record["n"] for record in journal.read(path)] == [1]
    journal.append(path, {"n": 3})
    assert [record["n"] for record in journal.read(path)] == [1, 3]
