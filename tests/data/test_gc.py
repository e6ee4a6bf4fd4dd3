"""Gc drops what nothing names, all of it, and never anything else."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_cli.core import canonical
from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.lockfile import LockedOutput, LockedStep, encode
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data import pointer
from mlops_cli.data.add import add
from mlops_cli.data.fsck import check
from mlops_cli.data.gc import Collected, collect
from mlops_cli.errors import ExternalError, IntegrityError, MloError, RequestError, StateError
from tests.conftest import git, noise

FIRST, SECOND = b"the first version", b"the second version"


@pytest.fixture
def repo(project: Path) -> Repository:
    return open_repository(project)


def gc(repo: Repository, *, grace_s: float = 0, removed: tuple[str, ...] = ()) -> Collected:
    return collect(open_repository(repo.root), removed=lambda: removed, grace_s=grace_s)


def version(repo: Repository, content: bytes, path: str = "data.csv") -> ObjectId:
    """Make `content` a version of `path`, and return its id."""
    repo = open_repository(repo.root)
    (repo.root / path).write_bytes(content)
    (added,) = add(repo, [repo.root / path])
    return added.oid


def commit(repo: Repository) -> None:
    git(repo.root, "add", "--all")
    git(repo.root, "commit", "--quiet", "--message", "A version")


def forget(repo: Repository) -> None:
    """Make git forget what only its reflog remembers."""
    git(repo.root, "reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")


def here(repo: Repository, oid: ObjectId) -> bool:
    """Return whether an object is in the store, whole."""
    objects = open_repository(repo.root).objects
    return objects.has(oid) and object_id(objects.get(oid)) == oid


def test_a_version_that_only_the_work_tree_had_goes_when_it_has_another(repo: Repository) -> None:
    first, second = version(repo, FIRST), version(repo, SECOND)
    collected = gc(repo)
    assert (collected.objects, here(repo, first), here(repo, second)) == (1, False, True)
    assert collected.biggest[0].oid == first
    assert gc(repo).objects == 0


def test_a_store_of_which_nothing_is_needed_becomes_empty(repo: Repository) -> None:
    version(repo, noise(3_000_000))
    (repo.root / "folder/inner").mkdir(parents=True)
    version(repo, b"small", "folder/inner/file")
    for file in repo.root.rglob("*.mlo"):
        if file.is_file():
            file.unlink()
    collected = gc(repo)
    assert list(repo.layout.packs.iterdir()) == []
    assert collected.bytes > 3_000_000
    assert (collected.kept_objects, collected.kept_bytes) == (0, 0)


def _branch(repo: Repository) -> None:
    git(repo.root, "switch", "--quiet", "--create", "other")
    commit(repo)
    git(repo.root, "switch", "--quiet", "-")
    forget(repo)


def _tag(repo: Repository) -> None:
    git(repo.root, "switch", "--quiet", "--detach")
    commit(repo)
    git(repo.root, "tag", "--annotate", "v1", "--message", "v1")
    git(repo.root, "switch", "--quiet", "-")
    forget(repo)


def _remote_branch(repo: Repository) -> None:
    git(repo.root, "switch", "--quiet", "--detach")
    commit(repo)
    git(repo.root, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(repo.root, "switch", "--quiet", "-")
    forget(repo)


def _reflog(repo: Repository) -> None:
    commit(repo)
    git(repo.root, "reset", "--quiet", "--hard", "HEAD~1")


def _stash(repo: Repository) -> None:
    git(repo.root, "stash", "push", "--quiet", "--include-untracked")


def _index(repo: Repository) -> None:
    git(repo.root, "add", "data.csv.mlo")
    (repo.root / "data.csv.mlo").unlink()


def _replaced_commit(repo: Repository) -> None:
    before = git(repo.root, "rev-parse", "HEAD").strip()
    commit(repo)
    made = git(repo.root, "rev-parse", "HEAD").strip()
    git(repo.root, "replace", made, before)
    forget(repo)


def _merge_alone(repo: Repository) -> None:
    """Have only a merge commit hold the version, neither of its parents."""
    start = git(repo.root, "rev-parse", "HEAD").strip()
    git(repo.root, "add", "--all")
    tree = git(repo.root, "write-tree").strip()
    git(repo.root, "reset", "--quiet", "--hard")
    parents = []
    for name in ("left", "right"):
        same = git(repo.root, "rev-parse", f"{start}^{{tree}}").strip()
        parents.append(git(repo.root, "commit-tree", same, "-p", start, "-m", name).strip())
    merge = git(
        repo.root, "commit-tree", tree, "-p", parents[0], "-p", parents[1], "-m", "merge"
    ).strip()
    git(repo.root, "branch", "merged", merge)
    forget(repo)


def _other_worktree(repo: Repository) -> None:
    other = repo.root.parent / "other work tree"
    git(repo.root, "worktree", "add", "--quiet", "--detach", str(other))
    shutil.move(repo.root / "data.csv.mlo", other / "data.csv.mlo")


def _other_index(repo: Repository) -> None:
    _other_worktree(repo)
    other = repo.root.parent / "other work tree"
    git(other, "add", "data.csv.mlo")
    (other / "data.csv.mlo").unlink()


def _merge_under_way(repo: Repository) -> None:
    git(repo.root, "switch", "--quiet", "--detach")
    commit(repo)
    made = git(repo.root, "rev-parse", "HEAD").strip()
    git(repo.root, "switch", "--quiet", "-")
    forget(repo)
    (repo.root / ".git/MERGE_HEAD").write_text(made + "\n")


def _open_run(repo: Repository) -> None:
    oid = (repo.root / "data.csv.mlo").read_text().split()[3]
    (repo.layout.open_runs / "key").mkdir()
    (repo.layout.open_runs / "key/steps.jsonl").write_text(f'{{"outs": {{"x": "{oid}"}}}}\n')
    (repo.root / "data.csv.mlo").unlink()


def _journal(repo: Repository) -> None:
    oid = (repo.root / "data.csv.mlo").read_text().split()[3]
    (repo.layout.open_runs / "key.jsonl").write_text(f'{{"environment":"{oid}"}}\n')
    (repo.root / "data.csv.mlo").unlink()


def _merge_left_open(repo: Repository) -> None:
    oid = (repo.root / "data.csv.mlo").read_text().split()[3]
    (repo.layout.mlo / "conflicts").write_text(f'{{"data.csv":{{"theirs":"{oid}"}}}}\n')
    (repo.root / "data.csv.mlo").unlink()


@pytest.mark.parametrize(
    "hide",
    [
        _branch, _tag, _remote_branch, _reflog, _stash, _index, _replaced_commit, _merge_alone,
        _other_worktree, _other_index, _merge_under_way, _open_run, _journal,
        _merge_left_open,
    ],
)  # fmt: skip
def test_a_version_stays_wherever_it_is_named(
    repo: Repository, hide: Callable[[Repository], None]
) -> None:
    oid = version(repo, FIRST)
    hide(repo)
    (repo.root / "data.csv.mlo").unlink(missing_ok=True)
    gc(repo)
    assert here(repo, oid)


def test_a_version_that_git_has_forgotten_goes(repo: Repository) -> None:
    oid = version(repo, FIRST)
    _reflog(repo)
    forget(repo)
    gc(repo)
    assert not here(repo, oid)


def test_all_sides_of_a_conflict_stay_until_a_broken_pointer_is_mended(repo: Repository) -> None:
    version(repo, b"base")
    commit(repo)
    git(repo.root, "switch", "--quiet", "--create", "theirs")
    theirs = version(repo, FIRST)
    commit(repo)
    git(repo.root, "switch", "--quiet", "-")
    ours = version(repo, SECOND)
    commit(repo)
    subprocess.run(["git", "merge", "--quiet", "theirs"], cwd=repo.root, capture_output=True)
    with pytest.raises(RequestError, match=r"data\.csv\.mlo"):
        gc(repo)
    git(repo.root, "show", ":2:data.csv.mlo")
    (repo.root / "data.csv.mlo").write_text(git(repo.root, "show", ":2:data.csv.mlo"))
    gc(repo)
    assert here(repo, ours)
    assert here(repo, theirs)


def test_outputs_in_an_old_lock_file_stay(repo: Repository) -> None:
    made, other = repo.objects.put(b"made by a step"), repo.objects.put(b"made by nobody")
    outs = {"out": LockedOutput(made, "file", 14)}
    step = LockedStep("true", {}, {}, outs, {}, "key")
    repo.layout.lockfile.write_bytes(encode({"step": step}))
    commit(repo)
    git(repo.root, "rm", "--quiet", "mlo.lock")
    commit(repo)
    gc(repo)
    assert here(repo, made)
    assert not here(repo, other)


def test_what_runs_and_models_name_stays_and_goes_with_removed_runs(repo: Repository) -> None:
    kept, gone, weights = (repo.objects.put(word) for word in (b"kept", b"gone", b"weights"))
    runs = [
        repo.objects.put(canonical.encode({"key": key, "outputs": [{"oid": oid}]}), Kind.RUN)
        for key, oid in (("one", kept), ("two", gone))
    ]
    event = {"prev": None, "model": "churn", "number": 1, "artifact": {"oid": weights}}
    repo.objects.put(canonical.encode(event), Kind.EVENT)
    told = repo.objects.put(canonical.encode({"detail": {"run": runs[1]}}), Kind.AUDIT)
    gc(repo, removed=("two",))
    assert [here(repo, oid) for oid in (kept, runs[0], weights, told)] == [True] * 4
    assert [here(repo, oid) for oid in (gone, runs[1])] == [False] * 2


def test_a_removed_run_that_made_a_model_stays_with_all_it_names(repo: Repository) -> None:
    data = repo.objects.put(b"what it was trained on")
    run = repo.objects.put(canonical.encode({"key": "one", "inputs": [{"oid": data}]}), Kind.RUN)
    repo.objects.put(canonical.encode({"model": "churn", "run": run}), Kind.EVENT)
    gc(repo, removed=("one",))
    assert here(repo, run)
    assert here(repo, data)


def test_all_that_a_folder_holds_stays_and_what_was_beside_it_goes(repo: Repository) -> None:
    (repo.root / "folder/inner").mkdir(parents=True)
    (repo.root / "folder/big").write_bytes(noise(500_000))
    (repo.root / "folder/inner/small").write_bytes(b"small")
    (repo.root / "folder/inner/gone").write_bytes(noise(300_000, 2))
    add(repo, [repo.root / "folder"])
    (repo.root / "folder/inner/gone").unlink()
    add(open_repository(repo.root), [repo.root / "folder"])
    before = sum(path.stat().st_size for path in repo.layout.packs.iterdir())
    gc(repo)
    after = sum(path.stat().st_size for path in repo.layout.packs.iterdir())
    assert before - after > 290_000
    found = check(open_repository(repo.root))
    assert (found.problems, found.absent) == ((), ())


def test_the_bases_of_deltas_stay(repo: Repository) -> None:
    rows = [f"{i},{noise(12, i).hex()}\n" for i in range(20_000)]
    version(repo, "".join(rows).encode())
    rows[50::200] = ["changed\n"] * len(rows[50::200])
    later = version(repo, "".join(rows).encode())
    indexes = repo.objects.indexes()
    assert gc(repo).objects > 0
    assert here(repo, later)
    assert check(open_repository(repo.root)).problems == ()
    assert len(indexes) == 2


def test_a_tree_whose_bytes_were_a_file_before_keeps_what_it_lists(repo: Repository) -> None:
    (repo.root / "folder").mkdir()
    (repo.root / "folder/file").write_bytes(b"content")
    (added,) = add(repo, [repo.root / "folder"])
    listing = repo.objects.get(added.oid)
    for path in repo.layout.packs.iterdir():
        path.unlink()
    repo.layout.stat_cache.unlink()
    again = open_repository(repo.root)
    again.objects.put(listing, Kind.BLOB)
    add(again, [repo.root / "folder"])
    gc(repo)
    assert check(open_repository(repo.root)).absent == ()
    assert here(repo, object_id(b"content"))


def test_an_old_commit_may_hold_anything(repo: Repository) -> None:
    oid = version(repo, FIRST)
    newer = (repo.root / "data.csv.mlo").read_bytes().replace(b"mlo: 1", b"mlo: 9")
    for content in (b"no pointer at all \xff", newer, b""):
        (repo.root / "data.csv.mlo").write_bytes(content)
        commit(repo)
    git(repo.root, "rm", "--quiet", "data.csv.mlo")
    commit(repo)
    gc(repo)
    assert here(repo, oid)


def _broken_in_work_tree(repo: Repository) -> None:
    (repo.root / "data.csv.mlo").write_bytes(b"mlo: 1\n")


def _broken_in_index(repo: Repository) -> None:
    whole = (repo.root / "data.csv.mlo").read_bytes()
    _broken_in_work_tree(repo)
    git(repo.root, "add", "--all")
    (repo.root / "data.csv.mlo").write_bytes(whole)


def _broken_lock(repo: Repository) -> None:
    repo.layout.lockfile.write_text("<<<<<<< ours\n")


def _damaged_refs(repo: Repository) -> None:
    repo.layout.refs.write_text("mlo refs 1\n")


def _no_git(repo: Repository) -> None:
    shutil.rmtree(repo.root / ".git")


def _partial(repo: Repository) -> None:
    git(repo.root, "config", "remote.origin.promisor", "true")


def _lost_worktree(repo: Repository) -> None:
    _other_worktree(repo)
    shutil.rmtree(repo.root.parent / "other work tree")


def _damaged_history(repo: Repository) -> None:
    commit(repo)
    head = git(repo.root, "rev-parse", "HEAD").strip()
    (repo.root / ".git/objects" / head[:2] / head[2:]).unlink()


@pytest.mark.parametrize(
    ("harm", "error", "says"),
    [
        (_broken_in_work_tree, RequestError, "data.csv.mlo"),
        (_broken_in_index, RequestError, "data.csv.mlo@the index"),
        (_broken_lock, RequestError, "merge conflict"),
        (_damaged_refs, IntegrityError, "refs"),
        (_no_git, StateError, "not in a git repository"),
        (_partial, StateError, "partial"),
        (_lost_worktree, StateError, "other work tree"),
        (_damaged_history, ExternalError, "git"),
    ],
)
def test_nothing_is_guessed(
    repo: Repository, harm: Callable[[Repository], None], error: type[MloError], says: str
) -> None:
    gone = version(repo, SECOND)
    version(repo, FIRST)
    harm(repo)
    with pytest.raises(error, match=says):
        gc(repo)
    assert here(repo, gone)


def test_a_shallow_clone_is_refused(repo: Repository) -> None:
    version(repo, FIRST)
    commit(repo)
    shallow = repo.root.parent / "shallow"
    git(repo.root, "clone", "--quiet", "--depth=1", f"file://{repo.root}", str(shallow))
    with pytest.raises(StateError, match="shallow") as caught:
        gc(open_repository(shallow))
    assert caught.value.hint == "git fetch --unshallow"


def test_a_damaged_tree_stops_it(repo: Repository) -> None:
    (repo.root / "folder").mkdir()
    (repo.root / "folder/file").write_bytes(b"content")
    (added,) = add(repo, [repo.root / "folder"])
    stored, entry = repo.objects.stored(added.oid)
    with stored.path.open("r+b") as file:
        file.seek(entry.offset + 12)
        file.write(b"\xff")
    with pytest.raises(IntegrityError):
        gc(repo)


def test_young_packs_stay_whole(repo: Repository) -> None:
    first = version(repo, FIRST)
    version(repo, SECOND)
    collected = gc(repo, grace_s=3600)
    assert (collected.objects, collected.young_objects) == (0, 1)
    assert here(repo, first)


def test_a_pack_from_the_future_is_young_and_one_from_long_ago_is_not(repo: Repository) -> None:
    first = version(repo, FIRST)
    version(repo, SECOND)
    stored = repo.objects.stored(first)[0].path
    os.utime(stored, (time.time() + 1e6, time.time() + 1e6))
    gc(repo)
    assert here(repo, first)
    os.utime(stored, (1, 1))
    gc(repo, grace_s=3600)
    assert not here(repo, first)


def test_what_a_young_object_needs_stays_too(repo: Repository) -> None:
    (repo.root / "folder").mkdir()
    (repo.root / "folder/file").write_bytes(noise(300_000))
    repo.objects.put(noise(300_000))
    for path in repo.layout.packs.iterdir():
        os.utime(path, (1, 1))
    (added,) = add(repo, [repo.root / "folder"])
    (repo.root / "folder.mlo").unlink()
    gc(repo, grace_s=3600)
    assert here(repo, added.oid)
    assert here(repo, object_id(noise(300_000)))


def test_merging_small_packs_makes_nothing_young(repo: Repository) -> None:
    old = repo.objects.put(b"old")
    os.utime(repo.objects.stored(old)[0].path, (1, 1))
    old_too = repo.objects.put(b"old too")
    os.utime(repo.objects.stored(old_too)[0].path, (2, 2))
    for number in range(40):
        repo.objects.put(str(number).encode())
    assert len(list(repo.layout.packs.iterdir())) < 20
    assert gc(repo, grace_s=3600).objects == 2
    assert not here(repo, old)


def test_a_dry_run_says_what_would_go_and_leaves_it(repo: Repository) -> None:
    first = version(repo, FIRST)
    version(repo, SECOND)
    told = collect(repo, removed=tuple, grace_s=0, dry_run=True)
    assert here(repo, first)
    done = gc(repo)
    assert told.dry_run
    assert (told.objects, told.bytes, told.biggest) == (done.objects, done.bytes, done.biggest)
    assert not here(repo, first)


def test_what_went_can_be_added_again(repo: Repository) -> None:
    """The stat cache says that the folder is stored; it no longer is."""
    (repo.root / "folder").mkdir()
    (repo.root / "folder/file").write_bytes(noise(200_000))
    (added,) = add(repo, [repo.root / "folder"])
    open_before = open_repository(repo.root)
    assert open_before.stat_cache.blocks[b"folder"].stored
    assert open_before.objects.has(added.oid)
    (repo.root / "folder.mlo").unlink()
    gc(repo)
    assert not here(repo, added.oid)
    add(open_before, [repo.root / "folder"])
    assert check(open_repository(repo.root)).absent == ()
    (repo.root / "folder.mlo").unlink()
    gc(repo)
    add(open_repository(repo.root), [repo.root / "folder"])
    assert check(open_repository(repo.root)).absent == ()


WRITER = """
import sys
from pathlib import Path
from mlops_cli.core.repository import open_repository
from mlops_cli.data import pointer
from mlops_cli.data.pointer import Pointer

repo = open_repository(Path(sys.argv[1]))
with repo.writing():
    with repo.objects.writer() as writer:
        oid = writer.put(sys.argv[2].encode())
        print(len(writer.published), flush=True)
    sys.stdin.readline()
    pointer.write(repo, Pointer("data.csv", oid, "file", len(sys.argv[2]), 1))
"""


def test_what_a_writer_found_here_stays_until_it_has_named_it(repo: Repository) -> None:
    """The writer finds the object, so does not write it; gc must wait, then see the pointer."""
    oid = repo.objects.put(FIRST)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, repo.root, FIRST.decode()],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert writer.stdout is not None
    assert writer.stdout.readline() == "0\n"
    waits = threading.Event()
    collector = open_repository(repo.root)
    collector.on_wait = lambda _: waits.set()
    done: list[Collected] = []
    thread = threading.Thread(
        target=lambda: done.append(collect(collector, removed=tuple, grace_s=0))
    )
    thread.start()
    assert waits.wait(30)
    writer.communicate("go\n")
    thread.join()
    assert done[0].objects == 0
    assert here(repo, oid)


def test_what_a_fetch_brings_below_a_name_that_was_known_is_looked_into(repo: Repository) -> None:
    """A pointer names a folder that is not here. While gc marks, another process brings its tree,
    and finds the file in the store already.
    """
    (repo.root / "folder").mkdir()
    (repo.root / "folder/file").write_bytes(FIRST)
    (added,) = add(repo, [repo.root / "folder"])
    listing = repo.objects.get(added.oid)
    for path in repo.layout.packs.iterdir():
        path.unlink()
    file = open_repository(repo.root).objects.put(FIRST)
    collector = open_repository(repo.root)
    brought = threading.Event()

    def bring(_: str) -> None:
        open_repository(repo.root).objects.put(listing, Kind.TREE)
        brought.set()

    collector.on_wait = bring  # it has marked, and waits to be alone
    with repo.writing():
        thread = threading.Thread(target=lambda: collect(collector, removed=tuple, grace_s=0))
        thread.start()
        assert brought.wait(30)
    thread.join()
    assert here(repo, added.oid)
    assert here(repo, file)


def test_a_writer_waits_while_objects_go_and_then_looks_anew(repo: Repository) -> None:
    from mlops_cli.core.writing import alone

    oid = repo.objects.put(FIRST)
    waits = threading.Event()
    writer = open_repository(repo.root)
    writer.on_wait = lambda _: waits.set()
    assert writer.objects.has(oid)
    with alone(repo.layout.writing, wait_s=1) as objects_go:
        thread = threading.Thread(target=lambda: writer.objects.put(FIRST))
        thread.start()
        assert waits.wait(30)
        objects_go()
        for path in repo.layout.packs.iterdir():
            path.unlink()
    thread.join()
    assert here(repo, oid)


def test_ten_thousand_commits_are_read_in_seconds(repo: Repository) -> None:
    stream = []
    for number in range(10_000):
        data = pointer.encode(
            pointer.Pointer("x", object_id(str(number).encode()), "file", 1, 1)
        ).decode()
        path = f"data/{number % 50}/{number % 7}.mlo"
        stream.append(
            f"commit refs/heads/long\ncommitter A <a@b> {number} +0000\ndata 1\nx\n"
            f"M 100644 inline {path}\ndata {len(data)}\n{data}\n"
        )
    subprocess.run(
        ["git", "fast-import", "--quiet"], cwd=repo.root, input="".join(stream).encode(), check=True
    )
    old = repo.objects.put(b"17")
    begun = time.perf_counter()
    gc(repo)
    print(f"10,000 commits: {time.perf_counter() - begun:.2f} s")
    assert here(repo, old)
    assert time.perf_counter() - begun < 20
