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

from mlops_cli.core.config_log import LogSettings
from mlops_cli.core.repository import Repository, create
from mlops_cli.data import prediction_log as log
from mlops_cli.data.prediction_writer import FLUSH_S, PredictionWriter
from mlops_cli.data.predictions import retention
from mlops_cli.data.predictions.holdings import holdings
from mlops_cli.data.predictions.segment import Segment, Tally
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

    def open_writer(**limits: Any) -> PredictionWriter:
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
    (path,) = (repo.layout.predictions / model).glob("*.seg")
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
    assert log.find(repo, seen.id(0)).features["petal"] == 6.0
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


def test_a_torn_block_is_skipped_and_written_past(repo: Repository, opened: Opened) -> None:
    writer = opened()
    first = answer(writer)
    wait_until(lambda: not writer.waiting)
    with only_segment(repo).open("ab") as file:
        file.write(only_segment(repo).read_bytes()[-80:-10])
    later = answer(writer)
    writer.close()
    assert [p.id for p in log.each(repo, "iris")] == [first, later]
    assert log.find(repo, later).prediction == "yes"


def test_a_damaged_head_costs_its_segment_alone(repo: Repository, opened: Opened) -> None:
    writer = opened()
    lost = answer(writer)
    writer.close()
    path = only_segment(repo)
    writer = opened()
    kept = answer(writer)
    writer.close()
    whole = path.read_bytes()
    path.write_bytes(b"{" + whole)
    tally = Tally()
    assert [part.id(0) for part in log.batches(repo, "iris", tally=tally)] == [kept]
    assert tally.files == {str(path): 1}
    assert len(log.window(repo, "iris").predictions) == 1
    (held,) = holdings(repo, tally=(tally := Tally()))
    assert (held.rows, held.segments, tally.blocks) == (1, 1, 1)
    with pytest.raises(IntegrityError, match="head of"):
        log.find(repo, lost)


def test_a_segment_that_is_being_written_is_no_damage(repo: Repository, opened: Opened) -> None:
    writer = opened()
    writer.reserve(SOURCE, 1)
    wait_until(lambda: bool(log.models(repo)))
    path = only_segment(repo)
    os.truncate(path, 20)
    tally = Tally()
    assert not list(log.batches(repo, "iris", tally=tally))
    assert not tally.blocks
    assert sorted(one.name for one in path.parent.iterdir()) == [path.name]


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


def test_segments_of_format_1_are_read_as_the_others_are(repo: Repository) -> None:
    segment, version = "00c0ffee00c0ffee", "ab" * 32
    head = {
        "v": 1, "segment": segment, "model": "churn", "version": 3, "version_id": version,
        "columns": ["age", "plan"], "classes": ["no", "yes"], "started": "2026-01-31T12:00:00Z",
    }  # fmt: skip
    rows = [
        [17, 1769860800250000, [41.0, "basic"], "yes", [0.2, 0.8]],
        [19, 1769860800350000, [42.5, None], "no", [0.7, 0.3]],
    ]
    folder = repo.layout.predictions / "churn"
    folder.mkdir()
    text = "".join(json.dumps(line) + "\n" for line in (head, *rows))
    (folder / f"{segment}.jsonl").write_text(text + "[20,17698608")
    found = log.find(repo, f"{segment}-17")
    assert found.time == "2026-01-31T12:00:00.250000Z"
    assert found.features == {"age": 41.0, "plan": "basic"}
    assert found.probabilities == {"no": 0.2, "yes": 0.8}
    assert [one.prediction for one in log.each(repo, "churn", version_ids=[version])] == [
        "yes",
        "no",
    ]
    assert log.window(repo, "churn").features["age"].tolist() == [41.0, 42.5]
    assert log.models(repo) == ["churn"]


def test_the_bytes_are_those_that_the_format_shows(repo: Repository) -> None:
    page = Path(__file__).parents[2] / "docs" / "design" / "format.md"
    shown = page.read_text().partition("```segment\n")[2].partition("```")[0]
    data = bytes.fromhex("".join(line.partition("#")[0] for line in shown.splitlines()))
    folder = repo.layout.predictions / "churn"
    folder.mkdir()
    (folder / "00c0ffee00c0ffee.seg").write_bytes(data)
    found = log.find(repo, "00c0ffee00c0ffee-17")
    assert found.time == "2026-01-31T12:00:00.250000Z"
    assert (found.model, found.version, found.role) == ("churn", 3, "answer")
    assert found.features == {"age": 41.0, "plan": "basic"}
    assert found.probabilities == {"no": 0.2, "yes": 0.8}
    assert found.prediction == "yes"


VALUES: list[list[Any]] = [
    [1.5, float("inf"), -0.0],
    [1.5, None, 2],
    [None, None, None],
    [2**62, -(2**62), 0],
    [-(2**63), 2**63 - 1, 5],
    [2**63, 1, 2],
    [1, None, -3],
    [2**60, 1.5, 2],
    [True, False, None],
    [True, False, True],
    [True, 1, 0.5],
    ["a", "ü\U0001f600", ""],
    ["a", None, "\ud800"],
    [{"deep": [1]}, [None], "x"],
    ["2026-01-01", "2026-01-02", None],
]


@pytest.mark.parametrize("values", VALUES, ids=str)
def test_every_value_comes_back_as_it_was(
    repo: Repository, opened: Opened, values: list[Any]
) -> None:
    writer = opened()
    source = log.Source("any", 1, "cd" * 32, ("it", "one"))
    put(writer, source, [values, [0.5] * 3], values, None)
    writer.close()
    (part,) = log.batches(repo, "any")
    assert part.columns["it"].tolist() == values
    assert part.predictions.tolist() == values
    assert [log.find(repo, part.id(row)).prediction for row in range(3)] == values
    assert len(log.window(repo, "any")) == 3


def test_a_prediction_that_is_no_number_is_kept_as_that(repo: Repository, opened: Opened) -> None:
    writer = opened()
    put(writer, REGRESSION, [[1]], [float("nan")], None)
    writer.close()
    (found,) = log.each(repo, "price")
    assert found.prediction != found.prediction


def test_many_small_and_large_answers_are_all_there_in_order(
    repo: Repository, opened: Opened
) -> None:
    writer = opened()
    sizes = [1, 5000, 1, 1, 700, 1] * 3
    source = log.Source("big", 1, "cd" * 32, ("a", "b"), ("n", "y"))
    at = 0
    for size in sizes:
        a = [float(at + i) for i in range(size)]
        put(writer, source, [a, [-x for x in a]], ["y"] * size, [[x, 1.0] for x in a])
        at += size
    writer.close()
    a = [x for part in log.batches(repo, "big") for x in part.columns["a"].tolist()]
    b = [x for part in log.batches(repo, "big") for x in part.columns["b"].tolist()]
    assert a == [float(i) for i in range(at)]
    assert b == [-x for x in a]
    shares = [row[0] for part in log.batches(repo, "big") for row in part.shares.tolist()]
    assert shares == a


def test_a_damaged_block_is_skipped_and_counted_never_silently(
    repo: Repository, opened: Opened
) -> None:
    writer = opened()
    ids = []
    for petal in range(5):
        ids.append(answer(writer, float(petal)))
        wait_until(lambda: not writer.waiting)
    writer.close()
    path = only_segment(repo)
    whole = path.read_bytes()
    with Segment.opened(path) as segment:
        assert segment is not None
        frames = list(segment.frames(Tally()))
    for name, place in (("payload", 70), ("head", 20), ("magic", 1)):
        damaged = bytearray(whole)
        damaged[frames[1].offset + place] ^= 0xFF
        path.write_bytes(damaged)
        tally = Tally()
        found = [part.id(0) for part in log.batches(repo, "iris", tally=tally)]
        assert found == [ids[0], *ids[2:]], name
        assert tally.blocks == 1
        assert "1 predictions" in str(tally) or name != "payload"
        with pytest.raises(RequestError, match="not in the log") as caught:
            log.find(repo, ids[1])
        assert "damaged place" in str(caught.value.hint) or name != "payload"


def test_text_that_looks_like_a_block_is_no_block(repo: Repository, opened: Opened) -> None:
    writer = opened()
    answer(writer)
    writer.close()
    path = only_segment(repo)
    whole = path.read_bytes()
    with Segment.opened(path) as segment:
        assert segment is not None
        (frame,) = segment.frames(Tally())
    block = whole[frame.offset :]
    other = opened()
    put(other, log.Source("evil", 1, "cd" * 32, ("x",)), [[block.decode("latin-1")]], [1], None)
    other.close()
    evil = only_segment(repo, "evil")
    evil.write_bytes(evil.read_bytes()[:-30] + block)
    assert list(log.each(repo, "evil")) == []


def test_a_sample_keeps_whole_requests_and_the_same_ones_each_time(
    repo: Repository, opened: Opened
) -> None:
    writer = opened(settings=LogSettings(sample=0.3))
    ticket = writer.reserve(SOURCE, 3000)
    values = [[float(i) for i in range(3000)], ["loam"] * 3000]
    writer.record(ticket, values, ["yes"] * 3000, [[0.5, 0.5]] * 3000, sizes=[3] * 1000)
    alone = [answer(writer) for _ in range(1000)]
    writer.close()
    kept = [int(number) for part in log.batches(repo, "iris") for number in part.numbers]
    together = {number // 3 for number in kept if number < 3000}
    assert kept[: 3 * len(together)] == [
        n for r in sorted(together) for n in range(3 * r, 3 * r + 3)
    ]
    assert 230 < len(together) < 370
    assert 230 < len(kept) - 3 * len(together) < 370
    assert writer.counters.left_out == 4000 - len(kept)
    missing = next(one for one in alone if int(one.partition("-")[2]) not in kept)
    with pytest.raises(RequestError, match="not in the log") as caught:
        log.find(repo, missing)
    assert "serving.log.sample is 0.3" in str(caught.value.hint)


def test_redacted_columns_are_nowhere_in_the_file_and_hashes_of_equal_values_are_equal(
    repo: Repository, opened: Opened
) -> None:
    source = log.Source("people", 1, "cd" * 32, ("email", "age", "user"))
    for _ in range(2):
        writer = opened(settings=LogSettings(redact=("email",), hash=("user",)))
        put(writer, source, [["grace@x.org", None], [1.0, 2.0], ["grace", None]], [1, 2], None)
        writer.close()
    found = list(log.each(repo, "people"))
    assert found[0].features.keys() == {"age", "user"}
    assert (found[0].left_out, found[0].hashed) == (("email",), ("user",))
    assert found[0].features["user"] == found[2].features["user"] != "grace"
    assert found[1].features["user"] is None
    for path in repo.layout.predictions.rglob("*.seg"):
        assert b"grace" not in path.read_bytes()
    assert (repo.layout.predictions / "salt").stat().st_mode & 0o777 == 0o600


def test_a_column_to_hide_that_is_none_is_told(
    repo: Repository, opened: Opened, warnings: list[str]
) -> None:
    writer = opened(settings=LogSettings(redact=("petal", "emial")))
    answer(writer)
    writer.close()
    assert len(warnings) == 1
    assert "names the column 'emial', and iris v2 takes none of that name" in warnings[0]
    (found,) = log.each(repo, "iris")
    assert found.features == {"soil": "loam"}


def test_shadows_are_kept_and_not_taken_for_answers(repo: Repository, opened: Opened) -> None:
    writer = opened()
    answer(writer)
    shadow = log.Source("iris", 3, "ef" * 32, ("petal", "soil"), ("no", "yes"), role="shadow")
    ticket = writer.reserve(shadow, 1)
    row: Any = [[2.0], ["clay"]], ["no"], [[1.0, 0.0]]
    writer.record(ticket, *row, requests=["req-7"], keys=["user-1"])
    writer.close()
    assert [part.source.version for part in log.batches(repo, "iris")] == [2]
    assert [part.source.version for part in log.batches(repo, "iris", roles=["shadow"])] == [3]
    assert len(log.window(repo, "iris")) == 1
    found = log.find(repo, f"{ticket.segment}-0")
    assert (found.role, found.request, found.key) == ("shadow", "req-7", "user-1")


def test_what_is_too_old_or_too_much_goes_but_not_what_is_being_written(
    repo: Repository, opened: Opened
) -> None:
    first = opened()
    answer(first)
    first.close()
    old = only_segment(repo)
    writer = opened()
    kept = answer(writer)
    wait_until(lambda: not writer.waiting)
    folder, now = repo.layout.predictions, time.time() + 40 * 86400
    settings = LogSettings(retain=30 * 86400)
    assert retention.prune(folder, settings, now_s=time.time()).files == 0
    assert retention.prune(folder, settings, now_s=now, dry_run=True).files == 1
    assert old.exists()
    assert retention.prune(folder, settings, now_s=now).files == 1
    assert [one.id for one in log.each(repo, "iris")] == [kept]
    writer.close()
    assert retention.prune(folder, LogSettings(max_bytes=1), now_s=now).files == 1
    assert list(log.each(repo, "iris")) == []


def test_small_blocks_are_put_together_and_nothing_else_changes(
    repo: Repository, opened: Opened
) -> None:
    writer = opened()
    for petal in range(6):
        answer(writer, float(petal), None if petal % 2 else "loam")
        wait_until(lambda: not writer.waiting)
    before = list(log.each(repo, "iris"))
    path, later = only_segment(repo), time.time() + 3600
    assert retention.pack(repo.layout.predictions, now_s=later).packed == 0  # it is written still
    writer.close()
    size = path.stat().st_size
    assert retention.pack(repo.layout.predictions, now_s=later).packed == 1
    assert path.stat().st_size < size
    assert list(log.each(repo, "iris")) == before
    assert retention.pack(repo.layout.predictions, now_s=later).packed == 0
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_window_of_many_rows_is_an_even_part_of_them(repo: Repository, opened: Opened) -> None:
    writer = opened()
    values = [[float(i) for i in range(5000)], ["loam"] * 5000]
    put(writer, SOURCE, values, ["yes"] * 5000, [[0.5, 0.5]] * 5000)
    writer.close()
    seen = log.window(repo, "iris", most=1000)
    assert seen.sampled
    assert 300 < len(seen) <= 1000
    assert 2200 < seen.features["petal"].mean() < 2800
    assert seen.features["petal"].equals(log.window(repo, "iris", most=1000).features["petal"])
    newest = log.window(repo, "iris", last=3)
    assert newest.features["petal"].tolist() == [4997.0, 4998.0, 4999.0]


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
    tally = Tally()
    with Segment.opened(only_segment(repo)) as segment:
        assert segment is not None
        assert sum(frame.rows for frame in segment.frames(tally)) == len(logged)
    assert tally.blocks == 0
