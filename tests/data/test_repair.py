"""Repair makes a store whole again from what is good, the work tree, and a remote."""

import os
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_cli.core import canonical
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data.add import add
from mlops_cli.data.fsck import check
from mlops_cli.data.pointer import read
from mlops_cli.data.repair import Repaired, repair
from tests.conftest import Mlo, git, noise, versioned
from tests.data.conftest import flip, pack


@pytest.fixture
def repo(project: Path) -> Repository:
    images = {"one": b"first image", "inner/two": b"second image"}
    return versioned(project, {"images": images, "big": noise(700_000)})


def mend(repo: Repository) -> Repaired:
    return repair(open_repository(repo.root), bring=None)


def whole(repo: Repository) -> bool:
    found = check(open_repository(repo.root))
    return (found.problems, found.absent) == ((), ())


def test_a_whole_store_is_left_alone(repo: Repository) -> None:
    before = pack(repo).stat()
    done = mend(repo)
    assert (done.found, done.aside, done.lost) == ((), (), ())
    assert pack(repo).stat() == before


def test_a_damaged_object_is_stored_again_from_the_work_tree(repo: Repository) -> None:
    damaged = pack(repo)
    flip(damaged, damaged.read_bytes().index(b"second image"))
    done = mend(repo)
    assert done.from_work_tree == ("images",)
    assert done.aside == (f"damaged/{damaged.name}",)
    assert (repo.layout.damaged / damaged.name).exists()
    assert done.lost == ()
    assert whole(repo)


def test_of_an_edited_folder_the_files_that_are_as_they_were_are_taken(repo: Repository) -> None:
    flip(pack(repo), pack(repo).read_bytes().index(b"second image"))
    (repo.root / "images/one").write_bytes(b"edited since")
    assert mend(repo).from_work_tree == ("images/inner/two",)
    assert whole(repo)


def test_a_chunk_of_a_large_file_is_stored_again(repo: Repository) -> None:
    found = read(repo, "big")
    assert found is not None
    stored, entry = repo.objects.stored(repo.objects.chunks(found.oid)[1])
    flip(stored.path, entry.offset + 5)
    assert mend(repo).from_work_tree == ("big",)
    assert whole(repo)


def test_what_cannot_be_had_is_told_with_who_needs_it(repo: Repository) -> None:
    flip(pack(repo), pack(repo).read_bytes().index(b"second image"))
    (repo.root / "images/inner/two").write_bytes(b"edited since")
    done = mend(repo)
    commit = git(repo.root, "rev-parse", "HEAD")[:10]
    assert [one.needed_by for one in done.lost] == [("images", f"images@{commit}")]
    found = check(open_repository(repo.root))
    assert found.problems == ()
    assert len(found.absent) == 1


def test_damage_to_what_nothing_needs_is_no_loss(repo: Repository) -> None:
    repo.objects.put(b"needed by nobody" * 4)
    for path in repo.layout.packs.iterdir():
        if b"needed by nobody" in path.read_bytes():
            flip(path, 20)
    done = mend(repo)
    assert len(done.found) == 1
    assert done.lost == ()
    assert whole(repo)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_is_put_right(repo: Repository, share: float, bit: int) -> None:
    shutil.rmtree(repo.root / ".mlo")
    add(open_repository(repo.root), [repo.root / "images", repo.root / "big"])
    path = pack(repo)
    data = bytearray(path.read_bytes())
    data[int(share * len(data))] ^= 1 << bit
    path.write_bytes(data)
    done = mend(repo)
    assert done.found
    assert done.lost == ()
    assert whole(repo)


@pytest.mark.parametrize("keep", [0, 10, 100_000, -1, -60])
def test_a_pack_that_is_cut_short_is_put_right(repo: Repository, keep: int) -> None:
    pack(repo).write_bytes(pack(repo).read_bytes()[:keep])
    assert mend(repo).lost == ()
    assert whole(repo)


@pytest.mark.parametrize("from_end", [4, 10, 30, 50, 55, 60, 200])
def test_objects_are_saved_from_a_pack_whose_end_was_changed(
    repo: Repository, from_end: int
) -> None:
    """The work tree cannot help here."""
    size = pack(repo).stat().st_size
    flip(pack(repo), size - from_end)
    shutil.rmtree(repo.root / "images")
    (repo.root / "big").unlink()
    done = mend(repo)
    after = check(open_repository(repo.root))
    assert after.problems == ()
    assert after.objects >= 10
    if from_end <= 56:
        assert (done.lost, after.absent) == ((), ())


def test_a_pack_under_another_name_is_put_right(repo: Repository) -> None:
    shutil.rmtree(repo.root / "images")
    (repo.root / "big").unlink()
    pack(repo).rename(repo.layout.packs / ("0" * 64 + ".pack"))
    assert mend(repo).lost == ()
    assert whole(repo)


def test_the_newest_events_are_found_again_when_refs_are_damaged(repo: Repository) -> None:
    first = repo.objects.put(canonical.encode({"prev": None, "model": "churn"}), Kind.EVENT)
    second = repo.objects.put(canonical.encode({"prev": first, "model": "churn"}), Kind.EVENT)
    repo.refs.move({"models/churn": (None, second)})
    flip(repo.layout.refs, 20)
    done = mend(repo)
    assert done.aside == ("damaged/refs",)
    assert open_repository(repo.root).refs.get("models/churn") == second
    assert whole(repo)


def test_what_was_done_since_the_last_push_is_named_again_too(
    repo: Repository, mlo_here: Mlo, tmp_path: Path
) -> None:
    mlo_here("remote", "add", "origin", tmp_path / "remote")
    mlo_here("run", "--", "true")
    mlo_here("push")
    mlo_here("run", "--", "true")
    before = open_repository(repo.root).refs.all()
    flip(repo.layout.refs, 20)
    mlo_here("fsck", "--repair")
    assert open_repository(repo.root).refs.all() == before
    assert mlo_here("audit", "--verify").code == 0


def test_only_what_is_missing_is_asked_for_elsewhere(repo: Repository) -> None:
    asked: list[Collection[ObjectId]] = []

    def bring(wanted: Collection[ObjectId]) -> int:
        asked.append(wanted)
        return 0

    flip(pack(repo), pack(repo).read_bytes().index(b"second image"))
    repair(open_repository(repo.root), bring=bring)
    assert asked == []
    shutil.rmtree(repo.layout.packs)
    repo.layout.packs.mkdir()
    assert check(open_repository(repo.root)).absent
    add(open_repository(repo.root), [repo.root / "images", repo.root / "big"])
    flip(pack(repo), pack(repo).read_bytes().index(b"second image"))
    (repo.root / "images/inner/two").unlink()
    repair(open_repository(repo.root), bring=bring)
    assert [len(wanted) for wanted in asked] == [1]


def _flip_object(repo: Repository) -> None:
    flip(pack(repo), pack(repo).read_bytes().index(b"second image"))


def _cut_pack(repo: Repository) -> None:
    pack(repo).write_bytes(pack(repo).read_bytes()[:-5])


def _no_pack(repo: Repository) -> None:
    pack(repo).write_bytes(b"")


@pytest.mark.parametrize("harm", [_flip_object, _cut_pack, _no_pack])
def test_a_remote_makes_good_what_nobody_has_here(
    repo: Repository, mlo_here: Mlo, tmp_path: Path, harm: Callable[[Repository], None]
) -> None:
    mlo_here("remote", "add", "origin", tmp_path / "remote")
    mlo_here("push")
    harm(repo)
    shutil.rmtree(repo.root / "images")
    (repo.root / "big").unlink()
    assert "needed by" in mlo_here("fsck", code=4).stdout or harm is not _flip_object
    done = mlo_here("fsck", "--repair")
    assert "brought" in done.stdout
    assert mlo_here("fsck").stdout.startswith("whole")
    mlo_here("checkout")
    assert (repo.root / "images/inner/two").read_bytes() == b"second image"
    assert (repo.root / "big").read_bytes() == noise(700_000)


def test_a_remote_that_is_damaged_too_is_no_help(
    repo: Repository, mlo_here: Mlo, tmp_path: Path
) -> None:
    mlo_here("remote", "add", "origin", tmp_path / "remote")
    mlo_here("push")
    (there,) = (tmp_path / "remote/packs").iterdir()
    there.chmod(0o644)
    for path in (pack(repo), there):
        flip(path, path.read_bytes().index(b"second image"))
    (repo.root / "images/inner/two").unlink()
    done = mlo_here("fsck", "--repair", "origin", code=4)
    assert "needed by images" in done.stdout
    assert "1 problem" in done.stderr


def test_a_broken_pointer_is_a_finding(repo: Repository, mlo_here: Mlo) -> None:
    (repo.root / "big.mlo").write_text("mlo: 1\n<<<<<<< ours\n")
    done = mlo_here("fsck", code=4)
    assert "big.mlo" in done.stdout
    done = mlo_here("fsck", "--repair", code=4)
    assert "big.mlo" in done.stdout


def test_without_git_all_bytes_are_proven_still(
    repo: Repository, mlo_here: Mlo, tmp_path: Path
) -> None:
    flip(pack(repo), pack(repo).read_bytes().index(b"second image"))
    done = mlo_here("fsck", code=4, env={"PATH": os.fspath(tmp_path)})
    assert "needed by images" in done.stdout
    assert "git was not found" in done.stderr
    shutil.rmtree(repo.root / ".git")
    assert "needed by images" in mlo_here("fsck", code=4).stdout
