"""`mlo drift` as a user types it."""

import numpy as np
import pandas as pd
import pytest

from tests.conftest import Mlo, git


@pytest.fixture
def tables(project):
    """Write two tables: `speed` is faster in the second, `road` is the same."""
    rng = np.random.default_rng(4)
    for name, shift in (("before.csv", 0.0), ("after.csv", 1.0)):
        frame = pd.DataFrame(
            {"speed": rng.normal(shift, size=200), "road": rng.choice(["a", "b"], 200)}
        )
        frame.to_csv(project / name, index=False)
    return project


def test_drift_is_shown_worst_first_and_exits_with_1(tables, mlo_here: Mlo):
    shown = mlo_here("drift", "--reference", "before.csv", "--current", "after.csv", code=1).stdout
    lines = shown.splitlines()
    assert lines[0] == "after.csv, 200 rows, against before.csv, 200 rows"
    assert lines[1] == "drift: 1 of 2 columns (speed) drifted"
    assert " ".join(lines[3].split()) == "verdict column effect q before now change"
    assert lines[4].startswith("drift    speed")
    assert " -> " in lines[4]
    assert "█" in lines[4]
    assert lines[5].startswith("ok       road")
    assert max(map(len, lines)) <= 80


def test_no_drift_exits_with_0(tables, mlo_here: Mlo):
    shown = mlo_here("drift", "--reference", "before.csv", "--current", "before.csv").stdout
    assert "ok: no column drifted" in shown


def test_json_has_what_was_compared_beside_what_was_found(tables, mlo_here: Mlo):
    line = ("drift", "--reference", "before.csv", "--current", "after.csv", "--json")
    found = mlo_here(*line, code=1).json
    assert (found["verdict"], found["model"], found["reference_rows"]) == ("drift", None, 200)
    assert found["current"] == {"path": "after.csv", "rev": None, "oid": None, "kept": False}
    speed = found["columns"][0]
    assert (speed["name"], speed["verdict"], speed["test"]) == (
        "speed",
        "drift",
        "anderson-darling",
    )
    assert len(speed["shapes"]["current"]) == len(speed["shapes"]["bins"])


def test_few_rows_are_said_plainly(tables, mlo_here: Mlo):
    pd.read_csv("after.csv").head(3).to_csv("few.csv", index=False)
    shown = mlo_here("drift", "--reference", "before.csv", "--current", "few.csv").stdout
    assert shown.splitlines()[1:] == ["too few rows: 3 rows in the current data, 50 are needed"]


def test_a_missing_column_exits_with_1(tables, mlo_here: Mlo):
    pd.read_csv("before.csv").rename(columns={"speed": "speeds"}).to_csv("new.csv", index=False)
    line = ("drift", "--reference", "before.csv", "--current", "new.csv")
    shown = mlo_here(*line, code=1).stdout
    assert "not comparable: 1 of 2 columns (speed) cannot be compared" in shown
    assert "speed cannot be compared: not in the current data; was it renamed" in shown
    assert "not in the reference: speeds" in shown


def test_wide_tables_show_what_drifted_unless_all_is_asked_for(tables, mlo_here: Mlo):
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(rng.normal(size=(100, 20)), columns=[f"c{i}" for i in range(20)])
    frame.to_csv("wide.csv", index=False)
    frame.assign(c7=9.0).to_csv("wide2.csv", index=False)
    line = ("drift", "--reference", "wide.csv", "--current", "wide2.csv")
    shown = mlo_here(*line, code=1).stdout
    assert "and 19 columns without drift: --all lists them" in shown
    assert "c11" not in shown
    assert "c11" in mlo_here(*line, "--all", code=1).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "there is no model yet"),
        (("churn",), "there is no model 'churn'"),
        (("--reference", "before.csv", "--current", "no.csv"), "'no.csv' is not versioned"),
        (("--current", "after.csv", "--last", "5"), "no predictions are asked for"),
        (("--current", "after.csv", "--since", "24h"), "no predictions are asked for"),
        (("--since", "yesterday"), "write it as 24h, 7d or 2026-01-31T12:00:00Z"),
        (("--current", "after.csv", "--until", "24h"), "no predictions are asked for"),
        (("--last", "0"), "--last"),
    ],
)
def test_a_request_that_makes_no_sense_exits_with_2(tables, mlo_here: Mlo, arguments, says):
    assert says in mlo_here("drift", *arguments, code=2).stderr


def test_a_terminal_without_block_characters_gets_plain_ones(tables, mlo: Mlo):
    line = ("drift", "--reference", "before.csv", "--current", "after.csv")
    shown = mlo(*line, code=1, env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}).stdout
    assert "#" in shown
    assert shown.isascii()


def test_two_tables_can_be_named_by_position(tables, mlo_here: Mlo):
    named = mlo_here("drift", "before.csv", "after.csv", code=1).stdout
    line = ("drift", "--reference", "before.csv", "--current", "after.csv")
    assert named == mlo_here(*line, code=1).stdout


def test_windows_are_marks_in_a_row(tables, mlo_here: Mlo):
    before, after = pd.read_csv("before.csv"), pd.read_csv("after.csv")
    pd.concat([before, after], ignore_index=True).to_csv("both.csv", index=False)
    found = mlo_here("drift", "before.csv", "both.csv", "--window", "100", code=1)
    lines = found.stdout.splitlines()
    assert lines[1].startswith("drift: 1 of 2 columns (speed) drifted; speed in 2 windows in a row")
    assert lines[3] == "4 windows of 100 rows, from row 1 on"
    assert lines[5].split()[:4] == ["drift", "speed", "▁▁██", "2"]
    assert "█ drift, ▁ no drift" in found.stderr


def test_windows_are_plain_marks_where_a_terminal_has_no_others(tables, mlo: Mlo):
    line = ("drift", "before.csv", "after.csv", "--window", "100")
    shown = mlo(*line, code=1, env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert "##" in shown.stdout
    assert shown.stdout.isascii()


def test_segments_have_a_line_each(tables, mlo_here: Mlo):
    shown = mlo_here("drift", "before.csv", "after.csv", "--segment", "road", code=1).stdout
    rows = [" ".join(line.split()) for line in shown.splitlines()]
    assert any(row.startswith("drift: 2 of 2 segments") for row in rows)
    assert any(row.startswith("drift a ") and row.endswith(" speed") for row in rows)


def test_markdown_has_nothing_of_the_user_s_as_markup(tables, mlo_here: Mlo):
    for name in ("before.csv", "after.csv"):
        pd.read_csv(name).rename(columns={"speed": "<b>|`x"}).to_csv(name, index=False)
    shown = mlo_here("drift", "before.csv", "after.csv", "--markdown", code=1).stdout
    assert shown.startswith("### Drift of after.csv\n\n**drift**: 1 of 2 columns")
    assert "| `` <b>\\|`x `` | drift |" in shown
    assert "<b>" not in shown.replace("`` <b>\\|`x ``", "")


def test_the_page_is_written_beside_what_is_printed(tables, mlo_here: Mlo):
    line = ("drift", "before.csv", "after.csv", "--html", "drift.html", "--tests", "all", "--json")
    found = mlo_here(*line, code=1)
    page = (tables / "drift.html").read_text()
    assert "<title>Drift of after.csv</title>" in page
    assert page.count("http") == page.count("http-equiv")
    assert "kolmogorov-smirnov" in page
    assert len(found.json["columns"][0]["shapes"]["current"]) == 24
    assert "wrote drift.html" in found.stderr


def test_a_page_of_500_columns_is_below_a_megabyte_and_says_what_is_left_out(tables, mlo_here: Mlo):
    rng = np.random.default_rng(4)
    names = [f"a rather long name of a column, number {i}" for i in range(500)]
    for name, shift in (("wide.csv", 0), ("wide2.csv", 3)):
        pd.DataFrame(rng.normal(shift, size=(60, 500)), columns=names).to_csv(name, index=False)
    mlo_here("drift", "wide.csv", "wide2.csv", "--html", "wide.html", code=1)
    page = (tables / "wide.html").read_text()
    assert len(page) < 1_000_000
    assert "the first 100 of 500" in page


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("before.csv",), "'before.csv' is a table, and one alone cannot be compared"),
        (("before.csv@HEAD",), "mlo drift before.csv@HEAD before.csv"),
        (("a", "b", "c"), "3 names were given"),
        (("before.csv", "after.csv", "--current", "x.csv"), "one more by an option"),
        (("before.csv", "after.csv", "--window", "1d"), "--time COLUMN"),
        (("before.csv", "after.csv", "--window", "9", "--segment", "road"), "one at a time"),
        (("before.csv", "after.csv", "--predictions"), "a table was named"),
    ],
)
def test_names_that_make_no_sense_are_refused_with_what_to_type(
    tables, mlo_here: Mlo, arguments, says
):
    assert says in mlo_here("drift", *arguments, code=2).stderr


def test_two_files_need_no_repository(tables, tmp_path, monkeypatch, mlo_here: Mlo):
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("before.csv", "after.csv"):
        (outside / name).write_bytes((tables / name).read_bytes())
    monkeypatch.chdir(outside)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    shown = mlo_here("drift", "before.csv", "after.csv", code=1).stdout
    assert "drift: 1 of 2 columns (speed) drifted" in shown
    assert (
        "there is no file 'gone.csv'" in mlo_here("drift", "before.csv", "gone.csv", code=2).stderr
    )


def test_columns_that_were_not_tested_are_not_said_to_be_without_drift(tables, mlo_here: Mlo):
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(rng.normal(size=(100, 14)), columns=[f"c{i}" for i in range(14)])
    frame.assign(key=range(100)).to_csv("wide.csv", index=False)
    shown = mlo_here("drift", "wide.csv", "wide.csv").stdout
    assert "14 columns without drift, 1 not tested: --all lists them" in shown
    shown = mlo_here("drift", "wide.csv", "wide.csv", "--md").stdout
    assert "14 columns without drift, 1 not tested" in shown


def test_one_result_has_one_form(tables, mlo_here: Mlo):
    for line in (("drift", "before.csv", "after.csv"), ("performance",)):
        told = mlo_here(*line, "--json", "--markdown", code=2).stderr
        assert "--json and --markdown are two forms of the same" in told


def test_other_tests_are_told_where_they_were_asked_for(tables, mlo_here: Mlo):
    shown = mlo_here("drift", "before.csv", "after.csv", "--tests", "all", code=1).stdout
    assert "speed by other tests: kolmogorov-smirnov 0." in shown


def test_an_unknown_segment_says_how_many_columns_there_are(tables, mlo_here: Mlo):
    frame = pd.DataFrame({f"c{i}": range(100) for i in range(12)})
    frame.to_csv("wide.csv", index=False)
    told = mlo_here("drift", "wide.csv", "wide.csv", "--segment", "nope", code=2).stderr
    assert "c7 and 4 more" in told


def test_ranges_are_told_by_the_name_of_their_column(tables, mlo_here: Mlo):
    line = ("drift", "before.csv", "before.csv", "--segment", "speed")
    shown = mlo_here(*line).stdout
    assert " < speed <= " in shown
    assert " . " not in shown


def test_files_in_parts_are_one_table_here_and_as_a_version(tables, mlo_here: Mlo):
    frame = pd.read_csv("after.csv")
    (tables / "parts").mkdir()
    for number in range(4):
        frame[number::4].to_csv(f"parts/{number}.csv", index=False)
    mlo_here("add", "parts")
    for current in ("parts", "parts/*.csv", "parts/[0-3]*"):
        found = mlo_here("drift", "before.csv", current, "--json", code=1).json
        assert (found["current_rows"], found["current"]["path"]) == (200, current)
    (tables / "parts/3.csv").unlink()
    git(tables, "add", "-A")
    git(tables, "commit", "-qm", "Add parts")
    for reference, rows in (("parts@HEAD", 200), ("parts/[01].csv@HEAD", 100)):
        shown = mlo_here("drift", reference, "parts").stdout
        assert shown.splitlines()[0] == f"parts, 150 rows, against {reference}, {rows} rows"
    shown = mlo_here("drift", "parts/0.csv", "parts/1.csv", "parts/2.csv", code=2).stderr
    assert "3 names were given" in shown
    assert "by a pattern in quotes" in shown
    pd.DataFrame({"speed": [1.0]}).to_csv("parts/9.csv", index=False)
    assert (
        "'parts/9.csv' has no column 'road'"
        in mlo_here("drift", "before.csv", "parts", code=2).stderr
    )
