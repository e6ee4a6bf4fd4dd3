"""A card says what is known, keeps what somebody wrote, and loses none of either."""

import pytest

from mlops_cli.audit import chain
from mlops_cli.core.ids import ObjectId
from mlops_cli.errors import RequestError
from mlops_cli.registry import card, models
from mlops_cli.registry.evaluation.evaluate import evaluate
from mlops_cli.registry.register import Said, register
from tests.registry.conftest import Workshop


@pytest.fixture
def made(workshop: Workshop) -> Workshop:
    said = Said(licence="other: see LICENSE", description="Who *leaves* us", compile=False)
    register(workshop.repo, "churn", run=workshop.run({"auc": 0.9}), said=said)
    return workshop


def shown(shop: Workshop) -> str:
    return card.read(shop.repo, models.resolve(shop.repo, "churn"))


def test_it_begins_with_what_is_known(made: Workshop) -> None:
    text = shown(made)
    assert text.startswith('---\nlicense: "other: see LICENSE"\nlibrary_name: sklearn\n')
    for told in (
        "# churn v1",
        "Who *leaves* us",
        "| age | integer | 20 to 70 | 45 ± 17.08 | 0 |",
        "fitted on `data/train.csv`",
        "6 rows",
        "| strength | 1.0 |",
        "| auc | 0.9 |",
        "| predicts | left |",
        '-d \'{"rows":[{"age":20,"income":1.5}]}\'',
        "*To fill in: Where it is known to be wrong",
    ):
        assert told in text


def test_later_evaluations_appear_in_it(made: Workshop) -> None:
    evaluate(made.repo, models.resolve(made.repo, "churn"), "data/train.csv", target="left")
    text = shown(made)
    assert "On `data/train.csv`" in text
    assert "| accuracy |" in text
    assert text.count("<!-- mlo:metrics -->") == 1


def test_what_somebody_wrote_stays_and_every_card_is_on_record(made: Workshop) -> None:
    before = models.resolve(made.repo, "churn").card
    assert before is not None
    text = shown(made).replace("*To fill in: What it is for", "For letters. *Not for")
    after = card.edit(made.repo, "churn", text, reason="Say what for")
    assert after.card != before
    assert "For letters." in shown(made)
    entry = chain.entries(made.repo)[-1]
    assert (entry.action, entry.detail["card"], entry.detail["reason"]) == (
        "describe",
        after.card,
        "Say what for",
    )
    assert made.repo.objects.get(ObjectId(before)).startswith(b"---")
    assert card.edit(made.repo, "churn", text) == after
    assert len(models.model(made.repo, "churn").events) == 2


def test_metrics_are_left_alone_once_somebody_took_the_marks_out(made: Workshop) -> None:
    card.edit(made.repo, "churn", card.bare(shown(made)).replace("0.9", "excellent"))
    assert "| auc | excellent |" in shown(made)


@pytest.mark.parametrize("text", ["", "  \n", "x" * (card.MOST_BYTES + 1)])
def test_a_card_is_neither_empty_nor_a_book(made: Workshop, text: str) -> None:
    with pytest.raises(RequestError, match="card"):
        card.edit(made.repo, "churn", text)


def test_text_from_outside_is_no_markup(workshop: Workshop) -> None:
    run = workshop.run({"a|b <script>": 0.9})
    register(workshop.repo, "churn", run=run, said=Said(compile=False))
    assert "| a\\|b &lt;script> | 0.9 |" in shown(workshop)
