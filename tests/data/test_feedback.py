"""What turned out to be true finds its prediction, whenever and however often it is told."""

import time
from pathlib import Path
from typing import Any

import pytest

from mlops_cli.core.config_log import LogSettings
from mlops_cli.core.repository import Repository, create
from mlops_cli.data import prediction_log as log
from mlops_cli.data.feedback import Feedback, Label, Recorded
from mlops_cli.data.prediction_writer import PredictionWriter, Ticket
from mlops_cli.data.predictions import labels, soundness
from mlops_cli.data.predictions.labels import Labels
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.errors import RequestError

SOURCE = log.Source("iris", 2, "ab" * 32, ("petal",), ("no", "yes"))


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return create(tmp_path)


def answered(writer: PredictionWriter, rows: int = 1, source: log.Source = SOURCE) -> Ticket:
    ticket = writer.reserve(source, rows)
    shares = [[0.5, 0.5]] * rows if source.classes else None
    writer.record(ticket, [[1.0] * rows], ["yes"] * rows, shares)
    return ticket


def _not_told(_: int) -> None:
    """Take no notice of progress."""


def open_log(repo: Repository, **settings: Any) -> PredictionWriter:
    return PredictionWriter(
        repo.layout.predictions, warn=pytest.fail, settings=LogSettings(**settings)
    )


def test_labels_are_joined_with_what_was_predicted(repo: Repository) -> None:
    writer = open_log(repo)
    ticket = answered(writer, 3)
    writer.close()
    labels = [Label(f"{ticket.segment}-{n}", value, 5) for n, value in ((0, "no"), (2, "yes"))]
    feedback = Feedback(repo.layout.predictions)
    assert feedback.record(labels) == Recorded(new=2)
    (part,) = log.batches(repo, "iris", labelled=True)
    assert part.labels is not None
    assert part.labels.tolist() == ["no", None, "yes"]
    assert part.labelled_us is not None
    assert part.labelled_us.tolist() == [5, 0, 5]
    assert log.find(repo, f"{ticket.segment}-2").label == "yes"
    (bare,) = log.batches(repo, "iris")
    assert bare.labels is None


def test_the_same_again_changes_nothing_and_another_replaces(repo: Repository) -> None:
    writer = open_log(repo)
    ticket = answered(writer, 2)
    writer.close()
    first = Label(f"{ticket.segment}-0", "no", 5)
    feedback, other = Feedback(repo.layout.predictions), Feedback(repo.layout.predictions)
    assert feedback.record([first]) == Recorded(new=1)
    assert other.record([first]) == Recorded(same=1)
    assert other.record([Label(first.id, "yes", 6)]) == Recorded(replaced=1)
    assert feedback.record([first]) == Recorded(replaced=1)
    (path,) = repo.layout.predictions.rglob("*.labels")
    with path.open("ab") as file:
        file.write(b'[1,"torn')
    assert feedback.record([Label(f"{ticket.segment}-1", "yes", 7)]) == Recorded(new=1)
    assert [one.label for one in (log.find(repo, f"{ticket.segment}-{n}") for n in (0, 1))] == [
        "no",
        "yes",
    ]


def test_a_label_may_come_before_its_prediction_is_written(repo: Repository) -> None:
    writer = open_log(repo)
    answered(writer)
    end = time.monotonic() + 30
    while writer.waiting and time.monotonic() < end:
        time.sleep(0.005)
    ticket = writer.reserve(SOURCE, 1)
    feedback = Feedback(repo.layout.predictions)
    early = Label(f"{ticket.segment}-{ticket.first}", "yes", 5)
    assert feedback.record([early]) == Recorded(new=1)
    writer.record(ticket, [[1.0]], ["no"], [[0.5, 0.5]])
    writer.close()
    assert log.find(repo, early.id).label == "yes"
    beyond = f"{ticket.segment}-{ticket.first + 1}"
    found = feedback.record([Label(beyond, "yes", 5)])
    assert (found.unknown, found.examples) == (1, (beyond,))


def test_ids_that_nobody_knows_are_told(repo: Repository) -> None:
    writer = open_log(repo, sample=0.5)
    tickets = [answered(writer) for _ in range(40)]
    writer.close()
    kept = {int(n) for part in log.batches(repo, "iris") for n in part.numbers}
    labels = [Label(f"{one.segment}-{one.first}", "yes", 5) for one in tickets]
    strangers = [Label("0" * 16 + "-1", "yes", 5), Label("../../etc/passwd", "yes", 5)]
    found = Feedback(repo.layout.predictions).record([*labels, *strangers])
    assert found.new == len(kept)
    assert found.unlogged == 40 - len(kept)
    assert found.unknown == 2
    assert "../../etc/passwd" in found.examples


def test_a_damaged_line_of_labels_is_told_and_the_others_are_read(repo: Repository) -> None:
    writer = open_log(repo)
    segment = answered(writer, rows=3).segment
    writer.close()
    ids = [f"{segment}-{number}" for number in range(3)]
    feedback = Feedback(repo.layout.predictions)
    feedback.record([Label(one, "yes", 1) for one in ids])
    (file,) = repo.layout.predictions.rglob("*.labels")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + b"\xff" + lines[1] + lines[2])
    tally = Tally()
    (part,) = log.batches(repo, SOURCE.model, labelled=True, tally=tally)
    assert part.labels is not None
    assert part.labels.tolist() == ["yes", None, "yes"]
    assert tally.files == {str(file): 1}
    assert "damaged place" in str(log.find(repo, ids[1]).skipped)


def test_whatever_bit_of_the_labels_flips_none_is_taken_for_another(repo: Repository) -> None:
    writer = open_log(repo)
    segment = answered(writer, rows=3).segment
    writer.close()
    said = [Label(f"{segment}-{n}", value, 170) for n, value in enumerate(("no", 1, 2.5))]
    Feedback(repo.layout.predictions).record(said)
    (file,) = repo.layout.predictions.rglob("*.labels")
    whole = file.read_bytes()
    right = {n: (one.value, 170) for n, one in enumerate(said)}
    assert Labels(file).refresh().by_number == right
    for bit in range(8 * len(whole)):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        file.write_bytes(data)
        tally = Tally()
        found = labels.of(file, tally)
        assert found.by_number.items() <= right.items(), bit
        assert tally.blocks >= 1, bit
        assert [one for one in soundness.flaws(file, _not_told) if not one.doubt], bit


def test_labels_of_another_segment_and_older_ones_without_a_checksum(repo: Repository) -> None:
    names = []
    for _ in range(2):
        writer = open_log(repo)
        names.append(answered(writer).segment)
        writer.close()
    Feedback(repo.layout.predictions).record([Label(f"{names[0]}-0", "no", 5)])
    (file,) = repo.layout.predictions.rglob("*.labels")
    other = file.with_name(f"{names[1]}.labels")
    other.write_bytes(
        file.read_bytes() + b'[0,"yes",5]\n[1.5,"yes",5]\n{"a":1,"b":2,"c":3,"d":4}\n"four"\n7\n'
    )
    found = Labels(other).refresh()
    assert (found.by_number, found.damaged) == ({0: ("yes", 5)}, 5)


def test_labels_for_a_segment_with_a_damaged_head_stop_no_others(repo: Repository) -> None:
    ids = []
    for _ in range(2):
        writer = open_log(repo)
        ids.append(f"{answered(writer).segment}-0")
        writer.close()
    (file,) = repo.layout.predictions.rglob(ids[0].partition("-")[0] + ".seg")
    file.write_bytes(b"x" + file.read_bytes())
    said = Feedback(repo.layout.predictions).record([Label(one, True, 1) for one in ids])
    assert (said.new, said.unlogged, said.examples) == (1, 1, (ids[0],))


def test_what_can_be_no_label_is_refused_and_nothing_kept(repo: Repository) -> None:
    writer = open_log(repo)
    ticket = answered(writer)
    writer.close()
    feedback = Feedback(repo.layout.predictions)
    good = Label(f"{ticket.segment}-0", "yes", 5)
    for value, message in (
        (None, "is null"),
        ("x" * 100_000, "has 100002 bytes"),
        ({1}, "no JSON"),
    ):
        with pytest.raises(RequestError, match=message):
            feedback.record([good, Label(good.id, value, 5)])
    with pytest.raises(RequestError, match="no moment"):
        feedback.record([Label(good.id, 1, -1)])
    assert log.find(repo, good.id).label is None


def test_predictions_of_format_1_take_labels_too(repo: Repository) -> None:
    folder = repo.layout.predictions / "churn"
    folder.mkdir()
    segment = "00c0ffee00c0ffee"
    (folder / f"{segment}.jsonl").write_text(
        f'{{"v":1,"segment":"{segment}","model":"churn","version":3,"version_id":"{"ab" * 32}",'
        '"columns":["age"],"classes":null,"started":"2026-01-31T12:00:00Z"}\n'
        "[17,1769860800250000,[41.0],5.5,null]\n"
    )
    labels = [Label(f"{segment}-{n}", 6.5, 5) for n in (16, 17)]
    found = Feedback(repo.layout.predictions).record(labels)
    assert (found.new, found.unknown + found.unlogged) == (1, 1)
    assert log.find(repo, f"{segment}-17").label == 6.5


def test_text_becomes_the_class_or_number_that_it_says(repo: Repository) -> None:
    writer = open_log(repo)
    numbers = log.Source("price", 1, "cd" * 32, ("rooms",))
    codes = log.Source("codes", 1, "ef" * 32, ("rooms",), (0, 1))
    tickets = [answered(writer, 1, one) for one in (numbers, codes, SOURCE)]
    writer.close()
    feedback = Feedback(repo.layout.predictions)
    feedback.record(
        [
            Label(f"{one.segment}-0", value, 5)
            for one, value in zip(tickets, ("9.5", "1", "1"), strict=True)
        ],
        text=True,
    )
    assert [log.find(repo, f"{one.segment}-0").label for one in tickets] == [9.5, 1, "1"]


def test_what_cannot_count_is_not_kept_and_never_replaces_what_can(repo: Repository) -> None:
    writer = open_log(repo)
    numbers = log.Source("price", 1, "cd" * 32, ("rooms",))
    priced = writer.reserve(numbers, 3)
    writer.record(priced, [[1.0] * 3], [2.5] * 3, None)
    classed = answered(writer, 2)
    writer.close()
    feedback = Feedback(repo.layout.predictions)
    first, *others = [f"{priced.segment}-{number}" for number in range(3)]
    yes, new = [f"{classed.segment}-{number}" for number in range(2)]
    feedback.record([Label(first, 9.5, 5), Label(yes, "yes", 5)])
    odd = [
        Label(first, "abc", 6),
        Label(others[0], float("inf"), 6),
        Label(others[1], "7.5", 6),
        Label(yes, "maybe", 6),
        Label(new, "maybe", 6),
    ]
    said = feedback.record(odd)
    assert said == Recorded(new=2, strange=1, unusable=3, examples=(first, others[0], yes))
    kept = [log.find(repo, one).label for one in (first, *others, yes, new)]
    assert kept == [9.5, None, "7.5", "yes", "maybe"]
