"""Of each segment it is known whether it was closed, and whether it is whole since."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository, create
from mlops_cli.data import prediction_log as log
from mlops_cli.data.prediction_writer import PredictionWriter, Ticket
from mlops_cli.data.predictions import retention, soundness
from mlops_cli.data.predictions.gathered import Answered, frames
from mlops_cli.data.predictions.seal import OPEN, SEAL_BYTES
from mlops_cli.data.predictions.segment import Head, Segment, Tally, head_frame
from mlops_cli.errors import RequestError

SOURCE = log.Source("iris", 2, "ab" * 32, ("petal",), ("no", "yes"))
Cut = Callable[..., tuple[int, int, int]]


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return create(tmp_path)


def answer(writer: PredictionWriter) -> Ticket:
    ticket = writer.reserve(SOURCE, 1)
    record(writer, ticket)
    return ticket


def record(writer: PredictionWriter, ticket: Ticket) -> None:
    writer.record(ticket, [[1.5]], ["yes"], [[0.25, 0.75]])


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    assert condition()


def _not_told(_: int) -> None:
    """Take no notice of progress."""


def only_segment(repo: Repository) -> Path:
    (path,) = repo.layout.predictions.rglob("*.seg")
    return path


@pytest.fixture
def cut(repo: Repository) -> Cut:
    """Return a function that cuts a segment of two blocks, and says what is left of it."""
    writer = PredictionWriter(repo.layout.predictions, warn=pytest.fail)
    for _ in range(2):
        answer(writer)
        wait_until(lambda: not writer.waiting)
    writer.close()
    path = only_segment(repo)
    whole = path.read_bytes()
    with Segment.opened(path) as segment:
        assert segment is not None
        ends = [segment.first, *(frame.end for frame in segment.frames(Tally()))]
        opened_seal = OPEN.encoded(segment.head.seed)

    def left(block: int, beyond: int = 0, *, killed: bool = False) -> tuple[int, int, int]:
        data = bytearray(whole[: ends[block] + beyond])
        if killed:
            data[ends[0] - SEAL_BYTES : ends[0]] = opened_seal
        path.write_bytes(data)
        tally = Tally()
        return sum(map(len, log.batches(repo, "iris", tally=tally))), tally.blocks, tally.rows

    return left


def test_a_closed_segment_that_was_cut_anywhere_is_damaged_and_says_how_many_it_lost(
    cut: Cut,
) -> None:
    assert cut(2) == (2, 0, 0)
    assert cut(2, -1) == (1, 1, 1)
    assert cut(1) == (1, 1, 1)  # after a whole block
    assert cut(1, -1) == (0, 1, 2)
    assert cut(0) == (0, 1, 2)
    assert cut(0, -1)[:2] == (0, 1)  # within the seal
    assert cut(0, -SEAL_BYTES - 1) == (0, 1, 0)  # within the head


def test_the_end_of_a_killed_writer_is_no_damage(cut: Cut) -> None:
    for torn in (0, 1, SEAL_BYTES + 5):
        assert cut(1, torn, killed=True) == (1, 0, 0), torn
    assert cut(0, killed=True) == (0, 0, 0)


def test_what_an_id_without_a_prediction_means(repo: Repository, cut: Cut) -> None:
    name = only_segment(repo).stem

    def told(number: int) -> str:
        with pytest.raises(RequestError) as caught:
            log.find(repo, f"{name}-{number}")
        return f"{caught.value}; {caught.value.hint}"

    assert f"was ever given the id '{name}-2'" in told(2)
    assert f"the last is {name}-1" in told(2)
    cut(1)
    assert "1 predictions or more, skipped" in told(1)
    assert "was ever given" in told(2)
    cut(1, killed=True)
    assert "it was lost, or never given out" in told(1)
    assert f"was killed, which loses its last moments; the last that is there is {name}-0" in told(
        1
    )


def test_fsck_tells_a_segment_that_was_cut_from_one_whose_writer_was_killed(
    repo: Repository, cut: Cut
) -> None:
    def told() -> list[tuple[str, bool]]:
        return [(one.what, one.doubt) for one in soundness.flaws(only_segment(repo), _not_told)]

    assert told() == []
    cut(1)
    ((what, doubt),) = told()
    assert "cut after it was closed" in what
    assert what.endswith("of its 2 predictions 1 are gone")
    assert not doubt
    cut(1, 3, killed=True)
    ((what, doubt),) = told()
    assert "never closed: its writer was killed" in what
    assert "torn block" in what
    assert doubt
    path = only_segment(repo)
    data = bytearray(path.read_bytes())
    with Segment.opened(path) as segment:
        assert segment is not None
        data[segment.first - 30] ^= 1
    path.write_bytes(data)
    assert any("says of its end is damaged" in what for what, _ in told())
    tally = Tally()
    assert sum(map(len, log.batches(repo, "iris", tally=tally))) == 1
    assert tally.blocks == 1


def test_an_answer_that_comes_after_its_segment_was_closed_is_kept(repo: Repository) -> None:
    writer = PredictionWriter(repo.layout.predictions, warn=pytest.fail, segment_bytes=1)
    answer(writer)
    late = writer.reserve(SOURCE, 1)
    wait_until(lambda: late.file.full and not writer.waiting)
    other = answer(writer)
    record(writer, late)
    writer.close()
    assert other.segment != late.segment
    tally = Tally()
    parts = list(log.batches(repo, "iris", tally=tally))
    assert (sum(map(len, parts)), tally.blocks) == (3, 0)
    for path in log.segments(repo.layout.predictions, "iris"):
        assert list(soundness.flaws(path, _not_told)) == []


def test_segments_of_format_2_have_no_seal_and_are_read(repo: Repository) -> None:
    head = Head("00c0ffee00c0ffee", SOURCE, SOURCE.columns, seed=5)
    folder = repo.layout.predictions / "iris"
    folder.mkdir()
    path = folder / "00c0ffee00c0ffee.seg"
    answered = Answered(0, 1, [[1.5, 2.5]], ["yes", "no"], [[0.5, 0.5]] * 2)
    ((frame, _),) = frames(head, [answered], hashes=str)
    path.write_bytes(head_frame(head, None) + frame)
    tally = Tally()
    (part,) = log.batches(repo, "iris", tally=tally)
    assert (len(part), tally.blocks) == (2, 0)
    assert list(soundness.flaws(path, _not_told)) == []
    with pytest.raises(RequestError, match="not in the log"):
        log.find(repo, "00c0ffee00c0ffee-2")


def test_small_blocks_that_are_put_together_stay_sealed(repo: Repository, cut: Cut) -> None:
    assert retention.pack(repo.layout.predictions, now_s=time.time() + 3600).packed == 1
    path = only_segment(repo)
    with Segment.opened(path) as segment:
        assert segment is not None
        assert segment.seal is not None
        assert (segment.seal.closed, segment.seal.rows, segment.seal.given) == (True, 2, 2)
        assert segment.seal.size == path.stat().st_size
    assert list(soundness.flaws(path, _not_told)) == []
