"""fsck finds every damage, names who needs what is damaged, and calls a whole store whole."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_cli.core import canonical
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.packs import Entry
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data import prediction_log
from mlops_cli.data.add import add
from mlops_cli.data.fsck import check
from mlops_cli.data.pointer import read
from mlops_cli.data.prediction_writer import PredictionWriter
from tests.conftest import git, versioned
from tests.data.conftest import flip, pack


@pytest.fixture
def repo(project: Path) -> Repository:
    images = {"one": b"first image", "two": b"second image"}
    return versioned(project, {"images": images, "big": bytes(range(256)) * 2000})


def test_a_whole_store_has_no_problems(repo: Repository) -> None:
    found = check(repo)
    assert (found.problems, found.absent) == ((), ())
    assert found.packs == 1
    assert found.bytes == pack(repo).stat().st_size


def test_a_fresh_store_is_whole(tmp_path: Path) -> None:
    (tmp_path / ".mlops.yaml").touch()
    assert check(open_repository(tmp_path)).problems == ()


def test_a_flipped_byte_is_named_with_all_that_needs_it(repo: Repository) -> None:
    at = pack(repo).read_bytes().index(b"second image")
    flip(pack(repo), at)
    (problem,) = check(open_repository(repo.root)).problems
    assert problem.where == pack(repo).name
    commit = git(repo.root, "rev-parse", "HEAD")[:10]
    assert problem.needed_by == ("images", f"images@{commit}")


def test_a_damaged_chunk_damages_what_it_is_a_piece_of(repo: Repository) -> None:
    stored, entry = repo.objects.stored(repo.objects.chunks(_big(repo))[0])
    flip(stored.path, entry.offset + 5)
    problems = check(open_repository(repo.root)).problems
    assert {"big" in problem.needed_by for problem in problems} == {True}
    assert _big(repo) in {problem.oid for problem in problems}


def _big(repo: Repository) -> ObjectId:
    found = read(repo, "big")
    assert found is not None
    return found.oid


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found(repo: Repository, share: float, bit: int) -> None:
    path = pack(repo)
    data = path.read_bytes()
    damaged = bytearray(data)
    damaged[int(share * len(data))] ^= 1 << bit
    path.write_bytes(damaged)
    try:
        assert check(open_repository(repo.root)).problems
    finally:
        path.write_bytes(data)


@pytest.mark.parametrize("keep", [0, 10, -1, -60])
def test_a_pack_that_is_cut_short_is_found(repo: Repository, keep: int) -> None:
    data = pack(repo).read_bytes()
    pack(repo).write_bytes(data[:keep])
    found = check(open_repository(repo.root))
    assert len(found.problems) == 1
    assert "cannot be listed" in found.problems[0].what
    assert found.absent == ("big", "images")


def test_a_pack_under_another_name_is_found(repo: Repository) -> None:
    pack(repo).rename(repo.layout.packs / ("0" * 64 + ".pack"))
    assert check(open_repository(repo.root)).problems


def test_what_one_pack_damages_another_may_hold(repo: Repository) -> None:
    whole = pack(repo)
    with repo.objects.writer() as writer:
        writer.put_stored(_big(repo), *_stored(repo))
    assert check(open_repository(repo.root)).problems == ()
    assert whole.exists()


def _stored(repo: Repository) -> tuple[Entry, bytes]:
    stored, entry = repo.objects.stored(_big(repo))
    return entry, stored.payload(entry)


def test_a_damaged_refs_file_and_a_ref_to_nothing_are_found(repo: Repository) -> None:
    event = {"v": 1, "prev": "0" * 64, "model": "churn", "number": 1}
    oid = repo.objects.put(canonical.encode(event), Kind.EVENT)
    repo.refs.move({"models/churn": (None, oid)})
    (problem,) = check(repo).problems
    assert problem.oid == "0" * 64
    assert "'models/churn' leads to it" in problem.what
    flip(repo.layout.refs, 20)
    (problem,) = check(repo).problems
    assert "damaged" in problem.what


def test_a_run_and_a_model_that_need_an_object_are_named(repo: Repository) -> None:
    weights = repo.objects.put(b"weights of the model")
    run = repo.objects.put(canonical.encode({"outputs": [{"oid": weights}]}), Kind.RUN)
    event = {"prev": None, "model": "churn", "number": 3, "artifact": {"oid": weights}}
    repo.objects.put(canonical.encode(event), Kind.EVENT)
    stored, entry = repo.objects.stored(weights)
    flip(stored.path, entry.offset)
    (problem,) = check(open_repository(repo.root)).problems
    assert set(problem.needed_by) == {f"run {run[:10]}", "model churn v3"}


def test_what_was_not_fetched_is_no_damage(repo: Repository) -> None:
    git(repo.root, "clone", "--quiet", ".", "clone")
    found = check(open_repository(repo.root / "clone"))
    assert (found.problems, found.absent) == ((), ("big", "images"))


def test_after_damage_the_next_add_believes_only_what_is_stored(repo: Repository) -> None:
    pack(repo).write_bytes(b"")
    check(open_repository(repo.root))
    pack(repo).unlink()
    add(open_repository(repo.root), [repo.root / "images", repo.root / "big"])
    assert check(open_repository(repo.root)).problems == ()
    assert check(open_repository(repo.root)).absent == ()
    assert os.listdir(repo.layout.packs)


def test_the_prediction_log_and_its_labels_are_read_too(repo: Repository) -> None:
    source = prediction_log.Source("iris", 1, "ab" * 32, ("petal",), None)
    writer = PredictionWriter(repo.layout.predictions, warn=str)
    ticket = writer.reserve(source, 2)
    writer.record(ticket, [[1.5, 2.5]], [1, 2], None)
    writer.close()
    (path,) = repo.layout.predictions.rglob("*.seg")
    labels = path.with_suffix(".labels")
    labels.write_bytes(b'[0,1,5]\n[1,"torn')
    found = check(repo)
    assert (found.problems, found.log) == ((), ())
    assert [one.partition(": ")[2] for one in found.doubts] == [
        "its last line is torn: its writer was killed"
    ]
    whole = path.read_bytes()
    flip(path, len(whole) - 1)
    labels.write_bytes(b"[0,1\n[1,2,5]\n")
    flipped = {one.where.rpartition(".")[2]: one.what for one in check(repo).log}
    assert flipped["seg"].endswith("is damaged, with 2 predictions")
    assert flipped["labels"] == "line 1 is damaged"
    for size, what in ((0, "the file is empty"), (9, "is damaged"), (len(whole) - 1, "it was cut")):
        path.write_bytes(whole[:size])
        assert what in check(repo).log[-1].what
    path.unlink()
    assert "is not here" in check(repo).log[0].what
