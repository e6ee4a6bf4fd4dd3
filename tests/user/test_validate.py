"""`mlo validate`, and what it keeps out of runs and commits, as users type and read it."""

import json
from pathlib import Path

import pytest

from tests.conftest import Mlo, git

SCHEMA = """\
columns:
  id: {type: integer, unique: true, nullable: false}
  age: {type: integer, min: 0, max: 120}
  plan: {type: text, values: [free, pro]}
rules:
  - {rule: plan == 'free' or age >= 18, name: adults pay, severity: warn}
"""
GOOD = "id,age,plan\n1,20,free\n2,30,pro\n3,40,free\n"
BAD = 'id,age,plan\n1,20,free\n2,-3,"gold"\n2,,pro\n4,17,pro\n'


@pytest.fixture
def shop(project: Path) -> Path:
    """Return a project with a table that passes the schema that is declared for it."""
    (project / "data").mkdir()
    (project / "data/raw.csv").write_text(GOOD)
    (project / "schemas").mkdir()
    (project / "schemas/raw.yaml").write_text(SCHEMA)
    (project / ".mlops.yaml").write_text("data:\n  data/raw.csv: {schema: schemas/raw.yaml}\n")
    return project


def test_what_fails_is_told_with_its_first_rows(shop: Path, mlo_here: Mlo) -> None:
    done = mlo_here("validate")
    assert done.stdout == "data/raw.csv  passes schemas/raw.yaml: 3 rows, 3 columns, 12 checks\n"
    (shop / "data/raw.csv").write_text(BAD)
    failed = mlo_here("validate", "data/raw.csv", code=1)
    assert failed.stdout == (
        "data/raw.csv  fails schemas/raw.yaml: 4 rows, 3 columns, 12 checks, 3 failed, 1 warning\n"
        "  error  age is below 0 in 1 of 3 rows (33.3 %)\n"
        "         line 3: age = -3\n"
        "  error  plan is none of free, pro in 1 of 4 rows (25 %)\n"
        "         line 3: plan = gold\n"
        "  error  id repeats an earlier row in 1 of 4 rows (25 %)\n"
        "         line 4: id = 2\n"
        "  warn   adults pay: 'plan == 'free' or age >= 18' does not hold in 2 of 3 rows (66.7 %)\n"
        "         line 3: plan = gold, age = -3\n"
        "         line 5: plan = pro, age = 17\n"
    )
    assert failed.stderr == ""


def test_json_and_markdown_say_the_same(shop: Path, mlo_here: Mlo) -> None:
    (shop / "data/raw.csv").write_text(BAD)
    (report,) = json.loads(mlo_here("validate", "--json", code=1).stdout)
    assert (report["holds"], report["rows"], report["cached"]) == (False, 4, False)
    assert report["failures"][0]["examples"] == [
        {"row": 2, "line": 3, "file": None, "values": {"age": "-3"}}
    ]
    (report,) = json.loads(mlo_here("validate", "--json", code=1).stdout)
    assert report["cached"]
    page = mlo_here("validate", "--md", code=1).stdout
    assert page.startswith("### Validation: 1 table, 1 of 1 failed\n")
    assert "| error | `age` | is below 0 in 1 of 3 rows (33.3 %) | line 3: age = -3 |" in page
    assert "line 3: plan = gold, age = -3<br>line 5: plan = pro, age = 17" in page
    mlo_here("validate", "--md", "--json", code=2)


def test_a_schema_is_inferred_declared_and_never_overwritten(project: Path, mlo_here: Mlo) -> None:
    (project / "raw.csv").write_text(GOOD)
    assert "mlo validate PATH --infer" in mlo_here("validate", code=2).stderr
    done = mlo_here("validate", "raw.csv", "--infer")
    assert done.stdout == (
        "schemas/raw.yaml: 3 columns of raw.csv, from 3 rows\n  .mlops.yaml names it now\n"
    )
    assert "schema: schemas/raw.yaml" in (project / ".mlops.yaml").read_text()
    mlo_here("validate")
    refused = mlo_here("validate", "raw.csv", "--infer", code=2).stderr
    assert "the schema 'schemas/raw.yaml' is there already" in refused
    mlo_here("validate", "raw.csv", "--infer", "--force")
    mlo_here("validate", "raw.csv", "--infer", "--schema", "other.yaml")
    assert (project / "other.yaml").exists()


def test_a_folder_a_version_and_a_file_of_elsewhere(
    shop: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    mlo_here("add", "data/raw.csv")
    git(shop, "add", "--all")
    git(shop, "commit", "--quiet", "--message", "Data")
    (shop / "data/raw.csv").write_text(BAD)
    assert "passes" in mlo_here("validate", "data/raw.csv@HEAD").stdout
    assert "data/raw.csv  fails" in mlo_here("validate", "data", code=1).stdout
    (tmp_path / "new.csv").write_text(GOOD)
    done = mlo_here("validate", tmp_path / "new.csv", "--schema", "schemas/raw.yaml")
    assert "new.csv  passes" in done.stdout
    assert "no schema is declared" in mlo_here("validate", ".mlops.yaml", code=2).stderr


def test_a_mistake_in_a_schema_is_one_line(shop: Path, mlo_here: Mlo) -> None:
    (shop / "schemas/raw.yaml").write_text("columns:\n  id: {typ: integer}\n")
    told = mlo_here("validate", code=2).stderr
    where = "mlo: schemas/raw.yaml:2: 'columns.id.typ' is not a known key\n"
    assert told == where + "  did you mean 'type'?\n"


STEPS = """\
steps:
  train:
    cmd: sed s/free/FREE/ data/raw.csv > out.csv
    deps: [data/raw.csv]
    outs: [out.csv]
    validate: true
"""


def test_a_step_is_refused_data_that_fails(shop: Path, mlo_here: Mlo) -> None:
    with (shop / ".mlops.yaml").open("a") as file:
        file.write(STEPS)
    (shop / "data/raw.csv").write_text(BAD)
    failed = mlo_here("run", code=1)
    assert "step 'train': data/raw.csv fails schemas/raw.yaml: age: is below 0" in failed.stderr
    assert not (shop / "out.csv").exists()
    assert "failed" in mlo_here("runs", "list").stdout
    assert "line 3: age=-3" in mlo_here("runs", "show", "last", "--log").stdout
    (shop / "data/raw.csv").write_text(GOOD)
    mlo_here("run")
    assert "nothing is stale" in mlo_here("run").stdout
    (shop / "schemas/raw.yaml").write_text(SCHEMA.replace("max: 120", "max: 25"))
    assert "data/raw.csv is not validated yet" in mlo_here("status").stdout
    assert "is above 25" in mlo_here("run", code=1).stderr
    assert "data/raw.csv fails schemas/raw.yaml" in mlo_here("status").stdout


def test_a_step_whose_output_fails_has_failed(shop: Path, mlo_here: Mlo) -> None:
    settings = (shop / ".mlops.yaml").read_text() + "  out.csv: {schema: schemas/raw.yaml}\n"
    (shop / ".mlops.yaml").write_text(settings + STEPS.replace("true", "[out.csv]"))
    told = mlo_here("run", code=1).stderr
    assert "step 'train': out.csv fails schemas/raw.yaml: plan: is none of free, pro" in told
    (shop / "schemas/raw.yaml").write_text(SCHEMA.replace("[free,", "[free, FREE,"))
    mlo_here("run")
    assert "nothing is stale" in mlo_here("run").stdout


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("true", "'steps.train.validate' validates nothing"),
        ("[other.csv]", "names 'other.csv', which is no data that the step needs or writes"),
        ("[data/raw.csv]", "names 'data/raw.csv', which has no schema"),
        ("[]", "'steps.train.validate' names nothing"),
    ],
)
def test_a_step_that_validates_nothing_is_a_mistake(
    project: Path, mlo_here: Mlo, said: str, told: str
) -> None:
    (project / ".mlops.yaml").write_text(STEPS.replace("true", said))
    assert told in mlo_here("status", code=2).stderr


def test_commits_are_refused_data_that_fails(shop: Path) -> None:
    from mlops_cli.core.repository import open_repository
    from mlops_cli.data.add import add
    from mlops_cli.data.staged import inspect

    def stopped() -> list[tuple[str, str]]:
        git(shop, "add", "--all")
        found = inspect(shop, None, lambda *_: False)
        return [(one.path, one.problem) for one in found if one.stops]

    def put(text: str) -> None:
        (shop / "data/raw.csv").write_text(text)
        add(open_repository(shop), [shop / "data/raw.csv"])

    put(GOOD)
    assert stopped() == []
    put(BAD)
    failing = "it fails schemas/raw.yaml: age: is below 0 in 1 of 3 rows (33.3 %), and 2 more"
    assert stopped() == [("data/raw.csv", failing + " failed checks")]
    put(GOOD)
    git(shop, "commit", "--quiet", "--message", "Data")
    (shop / "schemas/raw.yaml").write_text(SCHEMA.replace("max: 120", "max: 25"))
    ((path, problem),) = stopped()
    assert (path, "is above 25" in problem) == ("data/raw.csv", True)
    (shop / "schemas/raw.yaml").write_text("columns: {id: {typ: x}}\n")
    ((path, problem),) = stopped()
    assert (path, "is not a known key" in problem) == ("schemas/raw.yaml", True)


def test_tables_that_git_keeps_are_looked_at_too(shop: Path) -> None:
    from mlops_cli.data.staged import inspect

    (shop / "data/raw.csv").write_text(BAD)
    git(shop, "add", "--all")
    (shop / "data/raw.csv").write_text(GOOD)  # what is staged counts
    found = inspect(shop, None, lambda *_: False)
    assert [(one.path, one.stops) for one in found] == [("data/raw.csv", True)]
