"""What to type next, and what the record says of a thing under each of its names."""

from pathlib import Path

import pytest

from mlops_cli.audit import chain
from mlops_cli.core.repository import open_repository
from mlops_cli.registry.register import register
from tests.conftest import Mlo, git
from tests.registry.conftest import SETTINGS, Workshop


@pytest.fixture
def shop(project: Path) -> Workshop:
    """A project with two runs, of which the first is churn v1 and the second v2."""
    workshop = Workshop(open_repository(project))
    workshop.settings(SETTINGS)
    for auc in (0.9, 0.7):
        run = workshop.run({"auc": auc}, strength=auc)
        chain.record(workshop.repo, "run", run.key, {"run": run.id, "status": "done"})
        register(workshop.repo, "churn", run=run)
    return workshop


def test_promote_says_where_a_version_goes_next(shop: Workshop, mlo_here: Mlo) -> None:
    refused = mlo_here("promote", "churn@v1", "production", code=1)
    assert refused.stderr == "next: mlo promote churn@v1 staging\n"
    moved = mlo_here("promote", "churn@v1", "staging")
    assert moved.stderr == "next: mlo promote churn@v1 production\n"
    assert mlo_here("promote", "churn@v1", "production").stderr == ""
    mlo_here("promote", "churn@v2", "staging", "--json")
    assert mlo_here("promote", "churn@v2", "production", code=1).stderr == ""
    assert mlo_here("promote", "churn@v2", "staging").stderr == ""


@pytest.mark.parametrize("line", ["serve who", "promote who staging", "predict who a.csv b.csv"])
def test_an_unknown_model_leads_to_the_known(shop: Workshop, mlo_here: Mlo, line: str) -> None:
    said = "mlo: there is no model 'who'\n  try: mlo models list\n"
    assert mlo_here(*line.split(), code=2).stderr == said


def test_status_of_an_empty_project_says_how_to_begin(project: Path, mlo_here: Mlo) -> None:
    ended = mlo_here("status")
    assert ended.stdout == "nothing is versioned yet, and there is no step\n"
    assert ended.stderr == "next: mlo add PATH, or mlo run -- COMMAND\n"
    (project / "a.csv").write_text("a\n1\n")
    mlo_here("add", "a.csv")
    assert mlo_here("status").stdout == "all is as it should be: 1 versioned path\n"


def test_the_record_of_a_thing_is_found_by_any_of_its_names(
    shop: Workshop, mlo_here: Mlo, project: Path
) -> None:
    mlo_here("promote", "churn@v1", "staging")
    mlo_here("predict", "churn@v1", "data/train.csv", "out.csv")
    (project / "b.csv").write_text("b\n1\n")
    mlo_here("add", "b.csv")

    def did(subject: str) -> list[str]:
        return [one["action"] for one in mlo_here("audit", subject, "--json").json]

    assert did("churn") == ["register", "register", "promote", "predict"]
    assert did("churn@staging") == did("churn v1") + ["predict"] == [
        "register", "promote", "predict"
    ]  # fmt: skip
    assert did("run-2") == did("000000000002") == ["run"]
    assert did("data/train.csv") == ["run", "run", "predict"]
    assert did("out.csv") == ["predict"]
    assert did("b.csv") == []
    assert mlo_here("audit", "b.csv").stderr == "nothing about 'b.csv' among 6 entries\n"
    assert "promote to staging" in mlo_here("audit", "churn", "--last", "2").stdout
    unknown = mlo_here("audit", "chrun", code=2)
    assert unknown.stderr.startswith("mlo: nothing about 'chrun' among 6 entries\n")
    assert "has nothing at 'nowhere'" in mlo_here("audit", "churn@nowhere", code=2).stderr
    assert "nothing about '/etc'" in mlo_here("audit", "/etc", code=2).stderr


def test_remotes_are_added_and_removed_in_json(project: Path, mlo_here: Mlo) -> None:
    added = mlo_here("remote", "add", "origin", "../store", "--json").json
    at = (project.parent / "store").as_uri()
    assert added["at"] in (at, str(project.parent / "store"))
    assert (added["name"], added["url"]) == ("origin", "../store")
    gone = mlo_here("remote", "remove", "origin", "--json").json
    assert gone == {"name": "origin", "url": "../store"}


def test_checkout_takes_a_path_with_its_revision(project: Path, mlo_here: Mlo) -> None:
    for text in ("a\n1\n", "a\n2\n"):
        (project / "a.csv").write_text(text)
        (project / "x@1.csv").write_text(text)
        mlo_here("add", "a.csv", "x@1.csv")
        git(project, "add", "--all")
        git(project, "commit", "--quiet", "--message", "Data")
    ended = mlo_here("checkout", "a.csv@HEAD~1")
    assert (project / "a.csv").read_text() == "a\n1\n"
    assert "`mlo checkout` goes back" in ended.stderr
    mlo_here("checkout", "x@1.csv@HEAD~1")
    assert (project / "x@1.csv").read_text() == "a\n1\n"
    mlo_here("checkout", "x@1.csv")
    assert (project / "x@1.csv").read_text() == "a\n2\n"
    assert "not a commit" in mlo_here("checkout", "a.csv@nowhere", code=2).stderr
    assert "not versioned" in mlo_here("checkout", "a@HEAD", code=2).stderr
    assert "both" in mlo_here("checkout", "a.csv@HEAD", "--rev", "HEAD", code=2).stderr


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("add daat/raw.csv", "did you mean 'data'?"),
        ("add data/row.csv", "did you mean 'data/raw.csv'?"),
        ("add data/zzz", "try: ls data"),
        ("mv data/row.csv x", "did you mean 'data/raw.csv'?"),
        ("rm zzz", "try: name what is versioned: data/raw.csv"),
        ("cat zzz", "try: name what is versioned: data/raw.csv"),
    ],
)
def test_a_path_that_is_not_there_leads_to_one_that_is(
    project: Path, mlo_here: Mlo, typed: str, hint: str
) -> None:
    (project / "data").mkdir()
    (project / "data/raw.csv").write_text("1")
    mlo_here("add", "data/raw.csv")
    assert mlo_here(*typed.split(), code=2).stderr.splitlines()[-1].strip() == hint


def test_where_nothing_is_versioned_that_is_said(project: Path, mlo_here: Mlo) -> None:
    said = mlo_here("rm", "nope", code=2).stderr
    assert said.endswith("try: mlo add PATH, for nothing is versioned yet\n")
