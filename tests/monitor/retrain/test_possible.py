"""Settings by which no retraining can end well are refused at once, in a dry run too."""

import pytest

from mlops_cli.errors import RequestError
from mlops_cli.monitor.retrain import record
from tests.monitor.retrain.conftest import SETTINGS, Loop, rows

_SPLIT = """\
steps:
  split: {cmd: cp raw.csv train.csv, deps: [raw.csv], outs: [train.csv]}
"""


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("metric: acuracy", "metric is 'acuracy', which classification does not have"),
        ("metric: rmse", "metric is 'rmse', which classification does not have"),
        ("into: by_a.skops", "into is 'by_a.skops', which is no table"),
        ("steps: [tarin]", "no step 'tarin'"),
        ("steps: [look]", "no step of look makes 'model.skops', which m is"),
        ("stage: shadowy", "'shadowy' is not a stage of m"),
    ],
)
def test_a_mistake_is_told_before_anything_is_done(loop: Loop, said: str, why: str) -> None:
    key = said.partition(":")[0]
    text = SETTINGS.format(model="", more="" if key == "into" else f", {said}")
    text = text.replace("steps:\n", "steps:\n  look: {cmd: 'true', deps: [train.csv]}\n", 1)
    if key == "into":
        text = text.replace("into: train.csv", said)
    (loop.root / ".mlops.yaml").write_text(text)
    loop.answer(rows(400, 1))
    for dry_run in (True, False):
        with pytest.raises(RequestError) as caught:
            loop.retrain(dry_run=dry_run)
        assert why in caught.value.message
    assert record.read(loop.repo, "m").attempt is None


def test_a_table_that_a_step_makes_cannot_take_fresh_rows(loop: Loop) -> None:
    path = loop.root / ".mlops.yaml"
    path.write_text(path.read_text().replace("steps:\n", _SPLIT, 1))
    with pytest.raises(RequestError, match=r"step split makes 'train\.csv'") as caught:
        loop.retrain(dry_run=True)
    assert "into to raw.csv" in str(caught.value.hint)
