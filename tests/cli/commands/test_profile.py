"""`mlo profile` as a user types it."""

import pandas as pd
import pytest

from tests.conftest import Mlo


@pytest.fixture
def table(project):
    frame = pd.DataFrame(
        {
            "width": [float(n % 37) for n in range(200)],
            "city": ["Bonn", "Ulm", "ulm ", "Trier"] * 50,
            "when": pd.date_range("2026-01-01", periods=200).strftime("%Y-%m-%d"),
            "gap": [None, 1.5] * 100,
        }
    )
    frame.to_csv(project / "raw.csv", index=False)
    return project / "raw.csv"


def test_a_table_is_told_in_80_columns(table, mlo_here: Mlo):
    shown = mlo_here("profile", "raw.csv").stdout
    lines = shown.splitlines()
    assert lines[0].startswith("raw.csv, ")
    assert "200 rows, 4 columns" in lines[0]
    assert lines[3].startswith("width   number")
    assert "2026-01-01 .. 2026-07-19" in shown
    assert "city: 'Ulm' and 'ulm ' differ only in case or spaces" in shown
    assert max(map(len, lines)) <= 80


def test_json_has_every_number_and_the_page_is_written_beside_it(table, mlo_here: Mlo):
    found = mlo_here("profile", "raw.csv", "--json", "--html", "raw.html").json
    assert (found["path"], found["oid"], found["profile"]["repeated"]) == ("raw.csv", None, 0)
    width = found["profile"]["columns"][0]
    assert (width["low"], width["high"], width["distinct"]) == (0, 36, 37)
    page = (table.parent / "raw.html").read_text()
    assert "<title>raw.csv</title>" in page
    assert "https:" not in page


def test_a_version_is_told_as_it_was(table, mlo_here: Mlo):
    mlo_here("add", "raw.csv")
    table.unlink()
    shown = mlo_here("profile", "raw.csv").stdout
    assert shown.startswith("raw.csv@")
    assert "200 rows" in shown


def test_estimates_say_nothing_of_whole_rows(table, mlo_here: Mlo):
    found = mlo_here("profile", "raw.csv", "--approx", "--json").json["profile"]
    assert (found["repeated"], found["pairs"], found["rows"]) == (None, [], 200)


def test_a_file_needs_no_repository_but_a_version_does(tmp_path, mlo_here: Mlo, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3,4\n")
    assert "2 rows, 2 columns" in mlo_here("profile", "a.csv").stdout
    assert "there is no file 'b.csv'" in mlo_here("profile", "b.csv", code=2).stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "0 rows, 0 columns"), (b"x,y\n", "0 rows, 2 columns"), (b"x\n7\n", "1 row, 1 column,")],
)
def test_odd_files_are_told_too(project, mlo_here: Mlo, content, says):
    (project / "odd.csv").write_bytes(content)
    assert says in mlo_here("profile", "odd.csv").stdout


def test_a_file_that_is_no_table_is_refused(project, mlo_here: Mlo):
    (project / "notes.txt").write_text("hello")
    assert "'notes.txt' is not a table" in mlo_here("profile", "notes.txt", code=2).stderr
    (project / "latin.csv").write_bytes(b"x\n\xff\n")
    assert "cannot be read as a table" in mlo_here("profile", "latin.csv", code=2).stderr
    pytest.importorskip("pyarrow", reason="part of mlo[parquet]")
    (project / "bad.parquet").write_text("hello")
    assert "cannot be read as a table" in mlo_here("profile", "bad.parquet", code=2).stderr


def test_an_estimate_is_marked_and_never_more_than_there_are_rows(project, mlo_here: Mlo):
    pytest.importorskip("datasketches")
    frame = pd.DataFrame({"x": [n / 7 for n in range(30_000)], "letter": ["a", "b"] * 15_000})
    frame.to_csv("many.csv", index=False)
    shown = mlo_here("profile", "many.csv", "--approx").stdout
    found = mlo_here("profile", "many.csv", "--approx", "--json").json["profile"]["columns"]
    assert found[0]["distinct"] <= 30_000
    assert f"~{found[0]['distinct']:,}" in shown
    assert found[1]["distinct"] == 2


def test_texts_of_one_length_and_empty_tables_are_told_plainly(project, mlo_here: Mlo):
    frame = pd.DataFrame({"code": [chr(0x4E00 + n) for n in range(60)]})
    frame.to_csv("codes.csv", index=False)
    assert "1 letter\n" in mlo_here("profile", "codes.csv").stdout
    (project / "none.csv").write_text("a,b\n")
    assert "0 % missing cells" in mlo_here("profile", "none.csv").stdout
