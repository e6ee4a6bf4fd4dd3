"""`mlo diff` as users type it."""

from pathlib import Path

import pytest

from tests.conftest import Mlo, git

OLD = "id,city,n\n1,Oslo,1\n2,Cork,2\n3,Oslo,3\n"
NEW = "id,city,n,vip\n1,Oslo,1,no\n2,Lima,2.5,no\n4,Oslo,9,yes\n"


@pytest.fixture
def people(project: Path, mlo_here: Mlo) -> Path:
    """Return a table whose first version is committed, and whose second is in the work tree."""
    table = project / "data/people.csv"
    table.parent.mkdir()
    table.write_text(OLD)
    (project / "data/notes.txt").write_text("hello")
    mlo_here("add", "data/people.csv", "data/notes.txt")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "First")
    table.write_text(NEW)
    return table


def test_rows_columns_and_statistics_are_told(people: Path, mlo_here: Mlo) -> None:
    assert mlo_here("diff", "--exit-code", code=1).stdout == (
        """\
~ data/people.csv  37 B -> 53 B
    rows 3 -> 3 (1 added, 1 removed, 1 changed)
    key id (inferred: unique in both)
    columns added: vip
    column retyped: n  integer -> number
      ~ id=2  city: Cork -> Lima, n: 2 -> 2.5
      + id=4  city=Oslo, n=9
      - id=3  city=Oslo, n=3

    column  statistic  before    after
    city    = Cork     1
            = Lima               1
    n       mean       2         4.16667
            std        0.816497  3.47211
            max        3         9
"""
    )


def test_the_key_is_as_asked_or_as_declared(people: Path, mlo_here: Mlo) -> None:
    assert "key city, id (as asked)" in mlo_here("diff", "--key", "city, id").stdout
    assert "no column 'town'" in mlo_here("diff", "--key", "town", code=2).stderr
    (people.parents[1] / ".mlops.yaml").write_text("data: {data: {key: id}}\n")
    found = mlo_here("diff", "--json").json["changes"][0]["table"]["key"]
    assert (found["columns"], found["origin"]) == (["id"], "settings")


def test_as_many_rows_and_statistics_are_shown_as_asked(people: Path, mlo_here: Mlo) -> None:
    none = mlo_here("diff", "--rows", "0", "--no-stats", "--key", "id").stdout
    assert none.splitlines()[1:] == [
        "    rows 3 -> 3 (1 added, 1 removed, 1 changed)",
        "    key id (as asked)",
        "    columns added: vip",
    ]
    every = mlo_here("diff", "--stats").stdout
    assert "= Oslo" in every
    assert every.count("missing") == 3


def test_json_has_all_of_it(people: Path, mlo_here: Mlo) -> None:
    (change,) = mlo_here("diff", "--json").json["changes"]
    table = change["table"]
    assert (change["state"], change["size_before"], change["size_after"]) == ("changed", 37, 53)
    assert table["columns_retyped"] == [{"column": "n", "before": "integer", "after": "number"}]
    assert table["examples"][0] == {
        "state": "changed",
        "key": {"id": "2"},
        "cells": [
            {"column": "city", "before": "Cork", "after": "Lima"},
            {"column": "n", "before": "2", "after": "2.5"},
        ],
        "row": None,
    }
    assert [one["column"] for one in table["statistics"]] == ["id", "city", "n"]


def test_a_moved_file_is_told_as_moved(people: Path, mlo_here: Mlo) -> None:
    people.write_text(OLD)
    for name in ("notes.txt", "notes.txt.mlo"):
        (people.parent / name).rename(people.parent / f"old-{name}")
    assert mlo_here("diff", "HEAD").stdout == "> data/notes.txt -> data/old-notes.txt  5 B\n"
    (change,) = mlo_here("diff", "HEAD", "--json").json["changes"]
    assert (change["state"], change["path_before"]) == ("renamed", "data/notes.txt")


def test_short_forms(people: Path, mlo_here: Mlo) -> None:
    assert mlo_here("diff", "--name-only").stdout == "data/people.csv\n"
    assert mlo_here("diff", "--files").stdout == "~ data/people.csv  37 B -> 53 B\n"
    assert mlo_here("diff", "--stat").stdout == (
        "~ data/people.csv  37 B -> 53 B  rows +1 -1 ~1\n1 file: 1 changed; +16 B\n"
    )
    assert "one form of output" in mlo_here("diff", "--stat", "--md", code=2).stderr


def test_markdown_holds_nothing_that_the_data_could_turn_into_markup(
    people: Path, mlo_here: Mlo
) -> None:
    people.write_text(NEW.replace("Lima", "<b>|@me*"))
    told = mlo_here("diff", "--md").stdout
    assert told.startswith("### Data: pointers to work tree\n\n|  | file | size | rows |\n")
    assert "| changed | id=2 | city: Cork → &lt;b&gt;\\|&#64;me\\*, n: 2 → 2.5 |" in told


def test_a_table_that_cannot_be_read_is_still_a_file_that_differs(
    people: Path, mlo_here: Mlo
) -> None:
    people.write_text('id,city\n1,"Oslo\n')
    told = mlo_here("diff").stdout
    assert "compared as a file only: a quote is not closed" in told
    people.write_bytes(b"\0\1")
    assert "is no text" in mlo_here("diff").stdout


def test_versions_between_commits_are_compared_from_the_store(people: Path, mlo_here: Mlo) -> None:
    project = people.parents[1]
    mlo_here("add", "data/people.csv")
    git(project, "commit", "--quiet", "--all", "--message", "Second")
    people.unlink()
    there = mlo_here("diff", "HEAD~1", "HEAD", "--json").json["changes"][0]["table"]
    back = mlo_here("diff", "HEAD", "HEAD~1", "--json").json["changes"][0]["table"]
    assert (there["rows_added"], there["columns_added"]) == (1, ["vip"])
    assert (back["rows_removed"], back["columns_removed"]) == (1, ["vip"])
    assert {one.suffix for one in (project / ".mlo/tmp").iterdir()} <= {".lock"}


def test_a_range_of_git_leads_to_two_revisions(project: Path, mlo_here: Mlo) -> None:
    said = mlo_here("diff", "v1..v2", code=2).stderr
    assert said == (
        "mlo: 'v1..v2' is neither a path nor a revision\n  try: two revisions: mlo diff v1 v2\n"
    )
