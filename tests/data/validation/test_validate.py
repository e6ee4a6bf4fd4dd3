"""Versions against declared schemas: which schema, which verdict, and what is not read again."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository, create
from mlops_cli.data.add import add
from mlops_cli.data.validation import declared
from mlops_cli.data.validation.validate import known, validate
from mlops_cli.errors import RequestError
from tests.conftest import git

SETTINGS = """\
data:
  data/raw.csv: {schema: schemas/raw.yaml}
  logs: {schema: schemas/logs.yaml}
"""
SCHEMA = "columns: {id: {type: integer, unique: true}, day: {type: datetime, newest: 2d}}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    """Return a project with a table of three rows that passes its schema."""
    root = tmp_path / "shop"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch", "main")
    (root / ".mlops.yaml").write_text(SETTINGS)
    (root / "schemas").mkdir()
    (root / "schemas/raw.yaml").write_text(SCHEMA)
    (root / "schemas/logs.yaml").write_text("columns: {n: integer}\n")
    (root / "data").mkdir()
    write(root, "1", "2", "3")
    return create(root)


def write(root: Path, *ids: str) -> None:
    rows = "".join(f"{one},2026-06-01\n" for one in ids)
    (root / "data/raw.csv").write_text("id,day\n" + rows)


NOW = datetime(2026, 6, 2, tzinfo=UTC)
LATER = datetime(2026, 7, 2, tzinfo=UTC)


def commit(shop: Repository) -> None:
    add(shop, [shop.root / "data/raw.csv"])
    git(shop.root, "add", "--all")
    git(shop.root, "commit", "--quiet", "--message", "Data")


def test_a_verdict_is_made_once_for_a_content_and_a_schema(shop: Repository) -> None:
    assert known(shop, "data/raw.csv") is None
    first = validate(shop, "data/raw.csv", now=NOW)
    assert (first.holds, first.cached, first.rows) == (True, False, 3)
    again = validate(shop, "data/raw.csv", now=NOW)
    assert (again.holds, again.cached, again.failures) == (True, True, ())
    (shop.root / "schemas/raw.yaml").write_text("# a comment\n" + SCHEMA)
    assert validate(shop, "data/raw.csv", now=NOW).cached
    (shop.root / "schemas/raw.yaml").write_text(SCHEMA + "rows: {min: 4}\n")
    assert validate(shop, "data/raw.csv", now=NOW).failures[0].check == "rows"
    write(shop.root, "1", "x", "1")
    failed = validate(shop, "data/raw.csv", now=NOW)
    kept = validate(shop, "data/raw.csv", now=NOW)
    assert kept.cached
    assert kept.failures == failed.failures
    assert [one.line for failure in kept.failures for one in failure.examples] == [3, 4]


def test_a_cached_verdict_still_grows_old(shop: Repository) -> None:
    assert validate(shop, "data/raw.csv", now=NOW).holds
    late = validate(shop, "data/raw.csv", now=LATER)
    assert late.cached
    assert [one.check for one in late.failures] == ["newest"]
    assert validate(shop, "data/raw.csv", now=LATER, fresh=False).holds


def test_damaged_verdicts_are_made_again(shop: Repository) -> None:
    validate(shop, "data/raw.csv", now=NOW)
    for file in shop.layout.validated.iterdir():
        file.write_bytes(b'{"mlo": 1}')
    assert not validate(shop, "data/raw.csv", now=NOW).cached
    assert validate(shop, "data/raw.csv", now=NOW).cached


def test_versions_are_read_from_the_store(shop: Repository) -> None:
    commit(shop)
    write(shop.root, "1", "1")
    assert not validate(shop, "data/raw.csv", now=NOW).holds
    version = validate(shop, "data/raw.csv@HEAD", now=NOW)
    assert (version.holds, version.table, version.rows) == (True, "data/raw.csv@HEAD", 3)
    assert not list(shop.layout.tmp.glob("validate-*"))


def test_rows_are_compared_with_the_last_version_that_differs(shop: Repository) -> None:
    (shop.root / "schemas/raw.yaml").write_text("rows: {max_change: 50%}\n")
    assert validate(shop, "data/raw.csv").holds, "there is no version before"
    commit(shop)
    assert validate(shop, "data/raw.csv").holds, "it is the only version"
    write(shop.root, *map(str, range(9)))
    told = validate(shop, "data/raw.csv").failures[0].problem
    assert told.startswith("has 9 rows, 200 % more than the 3 of the version before")
    commit(shop)
    assert not validate(shop, "data/raw.csv").holds, "committing it makes it no smaller"
    assert not validate(shop, "data/raw.csv@HEAD").holds
    assert validate(shop, "data/raw.csv@HEAD~1").holds


def test_a_schema_is_for_a_path_or_for_a_folder_above(shop: Repository) -> None:
    (shop.root / "logs").mkdir()
    (shop.root / "logs/a.csv").write_text("n\n1\n")
    (shop.root / "logs/b.csv").write_text("n\nx\n")
    assert validate(shop, "logs/a.csv").holds
    both = validate(shop, "logs")
    assert [one.file for one in both.failures[0].examples] == ["b.csv"]
    assert declared.schema_of(shop, "elsewhere.csv") is None
    with pytest.raises(RequestError, match=r"no schema is declared for 'schemas/raw\.yaml'"):
        validate(shop, "schemas/raw.yaml")


def test_a_schema_of_a_revision_is_read_from_git(shop: Repository) -> None:
    commit(shop)
    (shop.root / "schemas/raw.yaml").write_text("rows: {min: 1}\n")
    then = declared.schema_of(shop, "data/raw.csv", rev="HEAD")
    assert then is not None
    assert (then.where, len(then.columns)) == ("schemas/raw.yaml@HEAD", 2)
    (shop.root / "schemas/raw.yaml").unlink()
    with pytest.raises(RequestError, match=r"the schema 'schemas/raw\.yaml' cannot be read"):
        declared.schema_of(shop, "data/raw.csv")


def test_the_ending_of_a_name_is_part_of_what_is_known(shop: Repository) -> None:
    schema = declared.load(shop, "schemas/logs.yaml")
    (shop.root / "a.csv").write_text("n\n1\n")
    (shop.root / "a.jsonl").write_text("n\n1\n")
    assert validate(shop, "a.csv", schema).holds
    told = validate(shop, "a.jsonl", schema).failures[0]
    assert told.check == "format"
    assert told.problem.startswith("'a.jsonl' line 1 is no JSON")


def test_old_verdicts_are_dropped(shop: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlops_cli.data.validation import verdicts

    monkeypatch.setattr(verdicts, "MOST", 4)
    for count in range(6):
        write(shop.root, *map(str, range(count)))
        validate(shop, "data/raw.csv", now=NOW)
    assert len(list(shop.layout.validated.iterdir())) <= 5
    assert validate(shop, "data/raw.csv", now=NOW).cached


def test_files_that_match_a_pattern_are_one_table_here_and_of_a_version(shop: Repository) -> None:
    schema = declared.load(shop, "schemas/raw.yaml")
    for name in ("data/part-1.csv", "data/part-2.csv"):
        (shop.root / name).write_text("id,day\n1,2026-06-01\n")
    add(shop, [shop.root / f"data/part-{n}.csv" for n in (1, 2)])
    git(shop.root, "add", "--all")
    git(shop.root, "commit", "--quiet", "--message", "Parts")
    for pattern in ("data/part-*.csv", "data/part-*.csv@HEAD"):
        found = validate(shop, pattern, schema, now=NOW)
        assert (found.rows, found.holds, found.cached) == (2, False, False)
        assert [(one.check, one.column) for one in found.failures] == [("unique", "id")]
        assert found.failures[0].examples[0].file == "data/part-2.csv"
