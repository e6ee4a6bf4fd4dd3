"""`mlo retrain` says what it did, and ends as scripts need it."""

import pytest

from tests.conftest import Mlo
from tests.monitor.retrain.conftest import Loop, rows


def test_the_command_says_how_it_stands(loop: Loop, mlo_here: Mlo) -> None:
    none = mlo_here("retrain", "m", code=1)
    assert none.stdout == "m: too few rows: there is no row with a truth in the prediction log\n"
    assert "mlo feedback" in none.stderr
    damaged = loop.repo.layout.predictions / "m" / "00c0ffee00c0ffee.seg"
    damaged.parent.mkdir(parents=True)
    damaged.touch()
    assert "has a damaged place, skipped" in mlo_here("retrain", "m", code=1).stderr
    damaged.unlink()
    assert mlo_here("retrain", "m", "--if-needed").stdout.startswith("m: not needed")
    assert "no retraining of m is under way" in mlo_here("retrain", "m", "--stop", code=2).stderr
    assert "--stop goes alone" in mlo_here("retrain", "m", "--stop", "--force", code=2).stderr
    assert "there is no model 'n'" in mlo_here("retrain", "n", code=2).stderr
    loop.answer(rows(400, 1))
    loop.answer(rows(600, 2, "b"))
    loop.settings("rise: 0.9")
    not_yet = mlo_here("retrain", "m", "--if-needed").stdout
    assert "errors did not rise: " in not_yet
    assert "% of 1,000 labelled answers of v1 were wrong" in " ".join(not_yet.split())
    loop.settings()
    would = mlo_here("retrain", "m", "--if-needed", "--dry-run")
    assert "train on 480 rows of the prediction log" in would.stdout
    done = mlo_here("retrain", "m", "--reason", "Ada said so", "--json")
    assert (done.json["status"], done.json["version"]) == ("promoted", 2)
    assert "registered v2" in done.stderr
    record = mlo_here("audit", "m").stdout
    assert "retrain: begin" in record
    assert "retrain: promoted" in record
    assert "Ada said so" in mlo_here("trace", "m").stdout


@pytest.mark.parametrize(
    "words", [("retrain", "m", "--dry-run"), ("retrain", "m"), ("monitor", "status")]
)
def test_fresh_rows_that_no_step_reads_are_refused(
    loop: Loop, mlo_here: Mlo, words: tuple[str, ...]
) -> None:
    loop.settings()
    path = loop.root / ".mlops.yaml"
    rules = "monitor: {rules: {asked: {volume: m, min: 1}}, "
    path.write_text(
        path.read_text().replace("monitor: {", rules).replace("into: train", "into: no")
    )
    refused = mlo_here(*words, code=2)
    assert "no step depends on 'no.csv': m would not be trained on the fresh rows" in refused.stderr
    assert "monitor.retrain.m.into to train.csv" in refused.stderr


def test_the_monitor_says_what_it_looked_at_where_there_are_no_rules(
    loop: Loop, mlo_here: Mlo
) -> None:
    loop.settings("if_needed: true")
    loop.answer(rows(400, 1))
    done = mlo_here("monitor", "--once")
    assert "m: not needed: errors did not rise: " in " ".join(done.stderr.split())
    assert done.stdout == "no rules: it is only looked at whether models need a retraining\n"
