"""A folder, or what matches a pattern, is one table: here, and as it was versioned."""

import pandas as pd
import pytest

from mlops_cli.core.repository import open_repository
from mlops_cli.data import parts
from mlops_cli.errors import RequestError
from tests.conftest import git


@pytest.fixture
def days(project, mlo_here):
    """Return a project with the folder `data/days` versioned, and two files each by itself."""
    for name in ("data/days/b.csv", "data/days/a.csv", "data/one-1.csv", "data/one-2.csv"):
        write(project / name)
    write(project / "data/days/2026/c.csv")
    for name in ("_notes.csv", ".hidden.csv", "_temporary/d.csv", "README.md"):
        write(project / "data/days" / name)
    mlo_here("add", "data/days", "data/one-1.csv", "data/one-2.csv")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "Add days")
    return project


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x\n1\n")


FOLDER = ["data/days/2026/c.csv", "data/days/a.csv", "data/days/b.csv"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("data/days", FOLDER),
        ("data/days/", FOLDER),
        ("data/days/*.csv", ["data/days/_notes.csv", *FOLDER[1:]]),
        ("data/da*", FOLDER),
        ("data/one-?.csv", ["data/one-1.csv", "data/one-2.csv"]),
        ("data/one-[1].csv", ["data/one-1.csv"]),
        ("data/one-1.csv", ["data/one-1.csv"]),
    ],
)
def test_what_is_here_is_found_by_its_name(days, text, found):
    assert [one.name for one in parts.here(days, text)] == found
    assert all(one.path.is_file() for one in parts.here(days, text))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("data/days", FOLDER),
        ("data/days@HEAD", FOLDER),
        ("data/days/*.csv@HEAD", FOLDER[1:]),
        ("data/days/**", FOLDER),
        ("data/da*@HEAD", FOLDER),
        ("data/one-?.csv@HEAD", ["data/one-1.csv", "data/one-2.csv"]),
        ("data/**/*.csv", [*FOLDER, "data/one-1.csv", "data/one-2.csv"]),
    ],
)
def test_what_is_versioned_is_found_though_it_is_not_here(days, text, found):
    repo = open_repository(days)
    meant = parts.version(repo, text, start=days)
    assert [name for name, _ in meant.files] == found
    assert all(repo.objects.has(oid) for _, oid in meant.files)
    assert meant.rev == ("HEAD" if "@" in text else None)


def test_nothing_is_told_from_no_table(days):
    assert parts.here(days, "data/none") is None
    assert parts.here(days, "data/none-*.csv") is None
    (days / "empty").mkdir()
    with pytest.raises(RequestError, match="no table in 'empty'"):
        parts.here(days, "empty")
    with pytest.raises(RequestError, match=r"no table matches '\*/\*/\*.md'"):
        parts.here(days, "*/*/*.md")
    with pytest.raises(RequestError, match=r"nothing matches 'data/none-\*.csv'"):
        parts.version(open_repository(days), "data/none-*.csv", start=days)


def test_files_of_two_kinds_are_not_one_table(days):
    write(days / "data/days/a.parquet")
    with pytest.raises(RequestError, match=r"two kinds, 'data/days/.*\.csv' and .*parquet'"):
        parts.here(days, "data/days")


def test_rows_have_the_columns_of_the_first_file_in_its_order():
    first, second = pd.DataFrame({"a": [1], "b": [2]}), pd.DataFrame({"b": [4], "a": [3]})
    found = list(parts.one_below_the_other(iter([("1.csv", first), ("2.csv", second)])))
    assert pd.concat(found).to_dict("list") == {"a": [1, 3], "b": [2, 4]}


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["a"], "'2.csv' has no column 'b', unlike '1.csv'"),
        (["a", "b", "c"], "'2.csv' has column 'c', unlike"),
        (["c", "d", "e", "f"], "has no columns 'a', 'b' and has columns 'c', 'd', 'e' and 1 more"),
        (["a", "b", "b"], "'2.csv' has other columns, unlike"),
    ],
)
def test_a_file_with_other_columns_is_named(names, says):
    with pytest.raises(RequestError, match=says):
        parts.check_names(("1.csv", ["a", "b"]), ("2.csv", names))
