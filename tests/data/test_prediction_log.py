"""What was answered can be found again, whatever happened to the process or the disk."""

import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops_cli.core.repository import Repository, create
from mlops_cli.data import prediction_log as log
from mlops_cli.data.prediction_writer import FLUSH_S, PredictionWriter, Ticket, _lines, _Segment
from mlops_cli.errors import IntegrityError, RequestError

SOURCE = log.Source("iris", 2, "ab" * 32, ("petal", "soil"), ("no", "yes"))
REGRESSION = log.Source("price", 1, "cd" * 32, ("rooms",))


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return create(tmp_path)


@pytest.fixture
def warnings() -> list[str]:
    return []


Opened = Callable[..., PredictionWriter]


@pytest.fixture
def opened(repo: Repository, warnings: list[str]) -> Iterator[Opened]:
    writers: list[PredictionWriter] = []

    def open_writer(**limits: int) -> PredictionWriter:
        writers.append(PredictionWriter(repo.layout.predictions, warn=warnings.append, **limits))
        return writers[-1]

    yield open_writer
    for writer in writers:
        writer.close()


def answer(writer: PredictionWriter, petal: float = 1.5, soil: str | None = "loam") -> str:
    return put(writer, SOURCE, [[petal], [soil]], ["yes"], [[0.25, 0.75]])


def put(writer: PredictionWriter, source: log.Source, *rows: Any) -> str:
    """Log rows and return the id of the first."""
    ticket = writer.reserve(source, len(rows[1]))
    writer.record(ticket, *rows)
    return f"{ticket.segment}-{ticket.first}"


def wait_until(condition: Callable[[], bool]) -> None:
    """Return as soon as `condition` holds; fail after 30 seconds."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


def only_segment(repo: Repository, model: str = "iris") -> Path:
    (path,) = (repo.layout.predictions / model).glob("*.jsonl")
    return path


def test_an_id_finds_its_prediction(repo: Repository, opened: Opened) -> None:
    writer = opened()
    ids = [answer(writer, petal) for petal in (1.0, 2.0, 3.0)]
    writer.close()
    found = log.find(repo, ids[1])
    assert found.id == ids[1]
    assert (found.model, found.version, found.version_id) == ("iris", 2, "ab" * 32)
    assert found.features == {"petal": 2.0, "soil": "loam"}
    assert found.prediction == "yes"
    assert found.probabilities == {"no": 0.25, "yes": 0.75}
    assert found.time.endswith("Z")


def test_rows_of_one_answer_have_ids_in_a_row(repo: Repository, opened: Opened) -> None:
    writer = opened()
    answer(writer)
    first = put(writer, SOURCE, [[1.0, 2.0], ["clay", None]], ["no", "yes"], [[1, 0], [0, 1]])
    writer.close()
    segment, _, number = first.partition("-")
    assert number == "1"
    assert log.find(repo, f"{segment}-2").features == {"petal": 2.0, "soil": None}


def test_an_unknown_id_and_no_id_at_all_are_told_apart(repo: Repository) -> None:
    with pytest.raises(RequestError, match="no prediction") as caught:
        log.find(repo, "0" * 16 + "-0")
    assert "last second may not be written yet" in str(caught.value.hint)
    for text in ("iris@v3", "0" * 16, "../" * 5 + "0" * 16 + "-1", "0" * 16 + "-01", ""):
        with pytest.raises(RequestError, match="not a prediction id"):
            log.find(repo, text)


def test_a_window_holds_features_and_answers_in_time_order(
    repo: Repository, opened: Opened
) -> None:
    writers = opened(), opened()
    for petal in range(10):
        answer(writers[petal % 2], float(petal))
        wait_until(lambda: not any(writer.waiting for writer in writers))
    seen = log.window(repo, "iris", last=4)
    assert list(seen.features.columns) == ["petal", "soil"]
    assert seen.features["petal"].tolist() == [6.0, 7.0, 8.0, 9.0]
    assert seen.features["petal"].dtype == "float64"
    assert seen.probabilities["yes"].tolist() == [0.75] * 4
    assert seen.predictions.tolist() == ["yes"] * 4
    assert seen.versions.tolist() == ["ab" * 32] * 4
    assert seen.times.is_monotonic_increasing
    assert log.find(repo, seen.features.index[0]).features["petal"] == 6.0
    assert len(seen) == 4


def test_a_window_of_a_model_nobody_served_is_empty(repo: Repository) -> None:
    assert len(log.window(repo, "iris")) == 0
    assert list(log.each(repo, "iris")) == []
    assert log.models(repo) == []


def test_versions_and_models_are_kept_apart(repo: Repository, opened: Opened) -> None:
    writer = opened()
    answer(writer)
    put(writer, REGRESSION, [[3]], [99.5], None)
    newer = log.Source("iris", 3, "ef" * 32, ("petal",))
    put(writer, newer, [[7.0]], ["no"], None)
    writer.close()
    assert log.models(repo) == ["iris", "price"]
    assert [found.version for found in log.each(repo, "iris", version_ids=["ef" * 32])] == [3]
    assert {found.version for found in log.each(repo, "iris")} == {2, 3}
    (price,) = log.each(repo, "price")
    assert (price.prediction, price.probabilities) == (99.5, None)
    both = log.window(repo, "iris")
    assert both.features["soil"].isna().tolist() == [False, True]


def test_predictions_are_chosen_by_time(repo: Repository, opened: Opened) -> None:
    writer = opened()
    ids = []
    for petal in range(3):
        ids.append(answer(writer, float(petal)))
        time.sleep(0.00001)
    writer.close()
    second = log.find(repo, ids[1]).time
    assert [p.id for p in log.each(repo, "iris", since=second)] == ids[1:]
    assert [p.id for p in log.each(repo, "iris", until=second)] == ids[:1]
    assert list(log.each(repo, "iris", since="2100-01-01")) == []
    with pytest.raises(RequestError, match="not a moment"):
        list(log.each(repo, "iris", since="yesterday"))
    with pytest.raises(RequestError, match="begins at 2026-02-01, after its end at 2026-01-01"):
        list(log.each(repo, "iris", since="2026-02-01", until="2026-01-01"))


def test_a_torn_last_line_is_skipped_and_written_past(repo: Repository, opened: Opened) -> None:
    writer = opened()
    first = answer(writer)
    wait_until(lambda: not writer.waiting)
    with only_segment(repo).open("ab") as file:
        file.write(b"[1,17000000000")
    later = answer(writer)
    writer.close()
    assert [p.id for p in log.each(repo, "iris")] == [first, later]
    assert log.find(repo, later).prediction == "yes"


def test_a_damaged_first_line_is_an_error_and_a_torn_one_is_empty(
    repo: Repository, opened: Opened
) -> None:
    writer = opened()
    answer(writer)
    writer.close()
    path = only_segment(repo)
    whole = path.read_bytes()
    path.write_bytes(b"{" + whole)
    with pytest.raises(IntegrityError, match="first line"):
        list(log.each(repo, "iris"))
    path.write_bytes(whole[:20])
    assert list(log.each(repo, "iris")) == []


def test_a_segment_that_is_full_is_followed_by_another(repo: Repository, opened: Opened) -> None:
    writer = opened(segment_bytes=600)
    ids = []
    for _ in range(12):
        ids.append(answer(writer))
        wait_until(lambda: not writer.waiting)
    writer.close()
    assert len(list((repo.layout.predictions / "iris").iterdir())) > 1
    assert [p.id for p in log.each(repo, "iris")] == ids


def test_a_full_queue_drops_counts_and_warns(
    repo: Repository, opened: Opened, warnings: list[str]
) -> None:
    writer = opened(queue_rows=3)
    ids = [answer(writer) for _ in range(5)]
    writer.close()
    assert len(set(ids)) == 5
    assert (writer.counters.written, writer.counters.dropped) == (3, 2)
    assert len(warnings) == 1
    assert "2 predictions were answered but not logged" in warnings[0]
    with pytest.raises(RequestError, match="its line is not in the log") as caught:
        log.find(repo, ids[4])
    assert "last second may not be written yet" in str(caught.value.hint)


def test_a_full_disk_is_reported_and_nothing_is_lost_once_there_is_room(
    repo: Repository, opened: Opened, warnings: list[str]
) -> None:
    writer = opened()
    before = answer(writer)
    wait_until(lambda: not writer.waiting)
    size = only_segment(repo).stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, limits[1]))
        after = answer(writer)
        wait_until(lambda: bool(warnings))
        assert only_segment(repo).stat().st_size == size
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    wait_until(lambda: not writer.waiting)
    assert [p.id for p in log.each(repo, "iris")] == [before, after]
    assert writer.counters.failures >= 1
    assert "serving goes on" in warnings[0]


def test_a_folder_that_was_deleted_is_made_again(repo: Repository, opened: Opened) -> None:
    writer = opened()
    answer(writer)
    wait_until(lambda: not writer.waiting)
    only_segment(repo).unlink()
    only_parent = repo.layout.predictions / "iris"
    only_parent.rmdir()
    kept = answer(writer)
    writer.close()
    assert [p.id for p in log.each(repo, "iris")] == [kept]


def test_the_bytes_are_those_that_the_design_shows(repo: Repository) -> None:
    page = Path(__file__).parents[2] / "docs" / "design" / "serving.md"
    shown = page.read_text().partition("```jsonl\n")[2].partition("```")[0]
    head, line, _ = shown.split("\n")
    churn = log.Source("churn", 3, json.loads(head)["version_id"], ("age", "plan"), ("no", "yes"))
    segment = "00c0ffee00c0ffee"
    assert log.header(segment, churn, 1769860800000000).decode() == head + "\n"
    folder = repo.layout.predictions / "churn"
    folder.mkdir()
    (folder / f"{segment}.jsonl").write_text(shown)
    found = log.find(repo, f"{segment}-17")
    assert found.time == "2026-01-31T12:00:00.250000Z"
    assert found.features == {"age": 41.0, "plan": "basic"}
    assert found.probabilities == {"no": 0.2, "yes": 0.8}
    file = _Segment(segment, churn, folder, 0)
    ticket = Ticket(segment, 17, file, 1769860800250000)
    written = _lines(ticket, [[41.0], ["basic"]], ["yes"], [[0.2, 0.8]])
    assert written.decode() == line + "\n"


def test_kill_9_loses_at_most_the_flush_window(repo: Repository) -> None:
    program = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from mlops_cli.data.prediction_log import Source
        from mlops_cli.data.prediction_writer import PredictionWriter
        writer = PredictionWriter(Path(sys.argv[1]), warn=print)
        source = Source("iris", 2, "ab" * 32, ("petal", "soil"), ("no", "yes"))
        while True:
            ticket = writer.reserve(source, 1)
            writer.record(ticket, [[1.5], ["loam"]], ["yes"], [[0.25, 0.75]])
            print(f"{time.monotonic()} {ticket.segment}-{ticket.first}", flush=True)
            time.sleep(0.0005)
        """
    )
    command = [sys.executable, "-c", program, str(repo.layout.predictions)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        seen = [child.stdout.readline().split() for _ in range(1500)]
        os.kill(child.pid, signal.SIGKILL)
        seen += [line.split() for line in child.stdout.read().splitlines()]
    logged = {p.id for p in log.each(repo, "iris")}
    died = float(seen[-1][0])
    due = [prediction for at, prediction in seen if float(at) < died - 3 * FLUSH_S]
    assert len(due) > 100
    assert set(due) <= logged
    for line in only_segment(repo).read_bytes().splitlines():
        json.loads(line)
