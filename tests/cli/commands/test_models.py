"""What `mlo models` and `mlo explain` print, and how their options are wired."""

import json
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression

from mlops_cli.audit import chain
from mlops_cli.core.repository import open_repository
from mlops_cli.data.prediction_log import Source
from mlops_cli.data.prediction_writer import PredictionWriter
from mlops_cli.registry import formats, models, signature
from mlops_cli.registry.promote import alias
from mlops_cli.registry.register import Said, register
from tests.conftest import Mlo


@pytest.fixture
def churn(project: Path) -> Path:
    import pandas as pd

    (project / "data").mkdir()
    table = pd.DataFrame({"age": range(18, 78), "city": ["Bern", "Zürich", "Genève"] * 20})
    table.assign(left=[0] * 30 + [1] * 30).to_csv(project / "data/train.csv", index=False)
    repo = open_repository(project)
    for strength in (1.0, 0.001):
        model = LogisticRegression(C=strength).fit(table[["age"]], [0] * 30 + [1] * 30)
        described = signature.for_model(model, table)
        formats.save(model, project / "model", described, target="left")
        register(
            repo,
            "churn",
            path=project / "model",
            data=project / "data/train.csv",
            said=Said(compile=False, licence="MIT"),
        )
    return project


def test_a_version_is_shown_with_all_that_is_known(churn: Path, mlo_here: Mlo) -> None:
    text = mlo_here("models", "show", "churn@v1")
    for told in (
        "60 rows",
        "licence    MIT",
        "age     integer  18 to 77",
        'example    {"age": 18}',
    ):
        assert told in text.stdout
    assert "mlo models card churn@v1" in text.stderr
    held = mlo_here("models", "show", "churn@v1", "--json").json
    assert held["example"] == [{"age": 18}, {"age": 19}, {"age": 20}]
    assert held["profile"]["rows"] == 60
    assert held["stages"] == []


def test_one_is_told_as_one_and_two_rows_as_two(churn: Path, mlo_here: Mlo) -> None:
    (churn / "two.csv").write_text("age,left\n20,0\n70,1\n")
    said = mlo_here("register", "few", "--path", "model", "--data", "two.csv", "--no-compile")
    assert said.stderr == "next: mlo promote few@v1 staging\n"
    assert "  takes    1 column\n" in said.stdout
    assert "  example  2 rows as they are" in said.stdout


def test_a_record_of_one_entry_is_told_as_one(project: Path, mlo_here: Mlo) -> None:
    chain.record(open_repository(project), "import", "data", {})
    told = mlo_here("audit", "--verify").stdout
    assert told == "the record holds: 1 entry, 0 events of models\n"


def test_the_list_leaves_out_what_nobody_has(churn: Path, mlo_here: Mlo) -> None:
    assert mlo_here("models", "list").stdout == "model  newest\nchurn  v2\n"
    mlo_here("promote", "churn@v1", "staging")
    assert "staging v1" in mlo_here("models", "list").stdout


def test_of_many_moves_the_last_are_shown_and_all_in_json(churn: Path, mlo_here: Mlo) -> None:
    repo = open_repository(churn)
    for number in range(23):
        alias(repo, "churn@v1", f"a{number:02}")
    told = mlo_here("models", "show", "churn")
    assert "alias a22" in told.stdout
    assert "alias a03" in told.stdout
    assert "alias a02" not in told.stdout
    assert "and 3 moves before: mlo audit churn" in told.stderr
    events = json.loads(mlo_here("models", "show", "churn", "--json").stdout)["events"]
    assert len(events) == 25


def test_versions_are_compared_in_three_forms(churn: Path, mlo_here: Mlo) -> None:
    assert "size, bytes" in mlo_here("models", "compare", "churn", "--all").stdout
    assert "### churn v1 and churn v2" in mlo_here("models", "compare", "churn", "--md").stdout
    held = mlo_here("models", "compare", "churn@v1", "churn@v2", "--json").json
    assert held["names"] == ["churn v1", "churn v2"]
    assert "one form" in mlo_here("models", "compare", "churn", "--md", "--json", code=2).stderr


def test_a_card_goes_out_and_comes_back(churn: Path, mlo_here: Mlo) -> None:
    text = mlo_here("models", "card", "churn@v1").stdout
    assert "<!-- mlo:metrics -->" in text
    (churn / "card.md").write_text(text.replace("*To fill in: What it is.*", "Who leaves"))
    said = mlo_here("models", "card", "churn@v1", "--edit", "card.md", "-m", "why").stdout
    assert said.startswith("churn v1 has the card ")
    assert "Who leaves" in mlo_here("models", "card", "churn@v1").stdout
    assert mlo_here("models", "card", "churn@v1", "--edit", "-", stdin="Short.\n").code == 0
    assert mlo_here("models", "card", "churn@v1").stdout == "Short.\n"
    assert mlo_here("models", "card", "churn@v1", "--json").json["text"] == "Short.\n"
    assert "cannot read" in mlo_here("models", "card", "churn", "--edit", "no.md", code=2).stderr
    assert "--edit" in mlo_here("models", "card", "churn", "-m", "why", code=2).stderr


def test_an_explanation_is_bars_numbers_or_a_drawing(churn: Path, mlo_here: Mlo) -> None:
    text = mlo_here("explain", "churn@v1", "--data", "data/train.csv").stdout
    assert text.startswith("churn v1: which columns it goes by\n  loss of roc_auc")
    assert "█" in text
    assert max(map(len, text.splitlines())) <= 80
    row = mlo_here("explain", "churn@v1", '{"age": 70}', "--json").json
    assert row["answer"] == 1
    assert row["weights"][0]["cell"] == 70
    mlo_here("explain", "churn@v1", "3", "-o", "row.svg")
    assert (churn / "row.svg").read_text().startswith("<svg")
    mlo_here("explain", "churn@v1", "--rows", "20", "--repeats", "2", "-o", "all.html")
    assert "<!doctype html>" in (churn / "all.html").read_text()
    assert "no kind" in mlo_here("explain", "churn", "-o", "all.pdf", code=2).stderr
    assert "cannot write" in mlo_here("explain", "churn", "-o", "no/all.svg", code=5).stderr


def test_register_takes_what_only_people_know(churn: Path, mlo_here: Mlo) -> None:
    made = mlo_here(
        *("register", "other", "--path", "model", "--data", "data/train.csv", "--no-example"),
        *("--license", "CC0-1.0", "--description", "A second", "--json"),
    ).json["version"]
    assert (made["licence"], made["description"], made["example"]) == ("CC0-1.0", "A second", None)
    assert json.dumps(made["profile"])
    wrong = mlo_here("register", "other", "--data", "data/train.csv", code=2)
    assert "--data is for --path" in wrong.stderr


def test_a_name_alone_is_judged_as_the_newest_and_answers_as_in_production(
    churn: Path, mlo_here: Mlo
) -> None:
    mlo_here("promote", "churn@v1", "production")
    asked = ("churn", "--data", "data/train.csv")
    told = mlo_here("explain", *asked, "--rows", "20", "--repeats", "1")
    assert told.stdout.startswith("churn v2")
    note = "churn alone means churn@v2 here, its newest; v1 is in production: churn@production"
    assert note in told.stderr
    told = mlo_here("evaluate", *asked)
    assert told.stdout.startswith("churn v2")
    assert note in told.stderr
    (churn / "one.csv").write_text("age\n20\n")
    assert "by churn v1" in mlo_here("predict", "churn", "one.csv", "out.csv").stdout
    assert note not in mlo_here("evaluate", "churn@v2", "--data", "data/train.csv").stderr
    mlo_here("promote", "churn", "production")
    assert note not in mlo_here("evaluate", *asked).stderr


def test_a_prediction_is_explained_by_the_version_that_made_it(churn: Path, mlo_here: Mlo) -> None:
    first = models.resolve(open_repository(churn), "churn@v1")
    writer = PredictionWriter(open_repository(churn).layout.predictions, warn=pytest.fail)
    ticket = writer.reserve(Source("churn", first.number, first.id, ("age",), (0, 1)), 1)
    writer.record(ticket, [[20]], [1], [[0.25, 0.75]])
    writer.close()
    asked = f"{ticket.segment}-{ticket.first}"
    told = mlo_here("explain", "churn", asked, "--data", "data/train.csv")
    assert told.stdout.startswith("churn v1")
    assert "alone means" not in told.stderr
