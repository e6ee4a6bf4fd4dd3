"""The code of a run: a commit made beside the user's work, which comes back in any clone."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from mlops_cli.core import git_snapshot
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import StateError
from mlops_cli.runs import code, code_refs
from mlops_cli.runs.begin import begin
from mlops_cli.runs.finish import finish
from mlops_cli.runs.record import Run
from tests.conftest import Mlo, git


@pytest.fixture
def repo(repo: Repository) -> Repository:
    """Return a project with code that is committed."""
    (repo.root / "src").mkdir()
    (repo.root / "src/train.py").write_text("one\n")
    (repo.root / "gone.py").write_text("going\n")
    commit(repo)
    return repo


def commit(repo: Repository) -> str:
    git(repo.root, "add", "--all")
    git(repo.root, "commit", "--quiet", "--message", "x")
    return git(repo.root, "rev-parse", "HEAD").strip()


def recorded(repo: Repository) -> Run:
    run = begin(repo, "train", params={}, environ=os.environ)
    return finish(repo, run, status="done", exit_code=0)


def files(repo: Repository, snapshot: str | None) -> dict[str, str]:
    """Return the files of a commit but for those that every project has."""
    assert snapshot is not None
    names = git(repo.root, "ls-tree", "-r", "-z", "--name-only", snapshot).split("\0")[:-1]
    return {
        name: git(repo.root, "show", f"{snapshot}:{name}")
        for name in names
        if not name.startswith(".")
    }


def everything(root: Path) -> dict[str, bytes]:
    """Return all that the user and git have there, but for objects and our own refs."""
    ours = (".git/objects", ".git/refs/mlo", ".mlo")
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not str(path.relative_to(root)).startswith(ours)
    }


def edit(repo: Repository) -> None:
    """Change, stage, delete and add."""
    (repo.root / "src/train.py").write_text("two\n")
    git(repo.root, "add", "src/train.py")
    (repo.root / "src/train.py").write_text("three\n")
    (repo.root / "gone.py").unlink()
    (repo.root / "new file é.py").write_text("new\n")


def test_a_clean_work_tree_is_its_own_snapshot(repo: Repository) -> None:
    head = git(repo.root, "rev-parse", "HEAD").strip()
    found = code.state(repo)
    assert (found.commit, found.snapshot, found.branch) == (head, head, "main")
    assert (found.dirty, found.bundle, found.problem) == (False, b"", None)
    assert not git_snapshot.kept(repo.root)


def test_a_snapshot_has_what_was_not_committed_and_touches_nothing(repo: Repository) -> None:
    edit(repo)
    (repo.root / "script.sh").write_text("#!/bin/sh\n")
    (repo.root / "script.sh").chmod(0o755)
    (repo.root / "link").symlink_to("src")
    before = everything(repo.root)
    found = code.state(repo)
    assert everything(repo.root) == before
    assert found.dirty
    assert found.left_out == {}
    assert files(repo, found.snapshot) == {
        "link": "src",
        "new file é.py": "new\n",
        "script.sh": "#!/bin/sh\n",
        "src/train.py": "three\n",
    }
    modes = git(repo.root, "ls-tree", str(found.snapshot), "script.sh", "link")
    assert [line[:6] for line in modes.splitlines()] == ["120000", "100755"]
    assert git(repo.root, "rev-parse", f"{found.snapshot}^").strip() == found.commit


def test_an_edit_of_the_same_size_right_after_git_add_is_in_the_snapshot(repo: Repository) -> None:
    git(repo.root, "config", "core.trustctime", "false")
    path = repo.root / "src/train.py"
    long_ago = (1_000_000_000, 1_000_000_000)
    os.utime(path, long_ago)
    git(repo.root, "update-index", "--refresh")
    path.write_text("two\n")
    os.utime(path, long_ago)
    os.utime(repo.root / ".git/index", long_ago)  # all in one tick of the clock
    assert files(repo, code.state(repo).snapshot)["src/train.py"] == "two\n"


def test_the_same_code_is_the_same_snapshot_and_bundle(repo: Repository) -> None:
    edit(repo)
    one = code.state(repo)
    git(repo.root, "add", "--all")
    os.utime(repo.root / "src/train.py", (1, 1))
    assert code.state(repo) == one
    (repo.root / "src/train.py").write_text("four\n")
    assert code.state(repo).snapshot != one.snapshot


def test_a_snapshot_of_what_has_not_changed_is_not_made_again(repo: Repository) -> None:
    edit(repo)
    old = time.time() - 60
    for path in (repo.root / "src/train.py", repo.root / "new file é.py"):
        os.utime(path, (old, old))
    one = code.state(repo)
    later = time.time() + 0.1
    while not (repo.layout.mlo / "code").exists() and time.time() < later:
        assert code.state(repo) == one  # until a tick has passed since the files changed
    made = (repo.layout.mlo / "code").stat().st_ino
    assert code.state(repo) == one
    assert (repo.layout.mlo / "code").stat().st_ino == made
    (repo.layout.mlo / "code").write_bytes(b"mlo code 1\ndamaged")
    assert code.state(repo) == one
    git_snapshot.forget(repo.root, git_snapshot.kept(repo.root))
    assert code.state(repo) == one
    assert git_snapshot.kept(repo.root) == {one.snapshot}
    (repo.root / "src/train.py").write_text("3hree\n")
    os.utime(repo.root / "src/train.py", (old, old))
    assert code.state(repo).snapshot != one.snapshot


def test_the_lock_file_and_versioned_data_are_no_code(repo: Repository) -> None:
    lock = repo.root / "mlo.lock"
    lock.write_text("one\n")
    assert not code.state(repo).dirty
    commit(repo)
    for stage in (False, True):
        lock.write_text(f"{stage}\n")
        if stage:
            git(repo.root, "add", "mlo.lock")
        assert not code.state(repo).dirty
    (repo.root / "data").mkdir()
    (repo.root / "data/a.csv").write_text("x\n")
    (repo.root / "b.csv").write_text("x\n")
    for pointer in ("data.mlo", "b.csv.mlo"):
        (repo.root / pointer).write_text("a pointer\n")
    found = code.state(repo)
    assert files(repo, found.snapshot).keys() == {
        "b.csv.mlo", "data.mlo", "gone.py", "mlo.lock", "src/train.py",
    }  # fmt: skip
    assert files(repo, found.snapshot)["mlo.lock"] == "one\n"


def test_what_is_ignored_is_no_code(repo: Repository) -> None:
    (repo.root / ".gitignore").write_text("*.log\n")
    commit(repo)
    (repo.root / "a.log").write_text("x")
    assert not code.state(repo).dirty


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("large.bin", b"0" * 2000, "larger than 1000 bytes"),
        (".env", b"A=1", "may hold secrets"),
        ("notes.txt", b"key AKIA" + b"ABCDEFGHIJKLMNOP", "holds what looks like a secret"),
    ],
)
def test_what_git_should_not_hold_is_left_out_and_named(
    repo: Repository, name: str, content: bytes, why: str
) -> None:
    (repo.root / ".mlops.yaml").write_text("hooks: {max_file_bytes: 1000}\n")
    commit(repo)
    (repo.root / name).write_bytes(content)
    (repo.root / "new.py").write_text("x")
    run = recorded(open_repository(repo.root))
    assert run.code.left_out == {name: why}
    assert run.code.dirty
    assert name not in git(repo.root, "ls-tree", "-r", "--name-only", str(run.code.snapshot))
    assert "new.py" in files(repo, run.code.snapshot)


def test_a_huge_untracked_folder_is_left_out_whole(repo: Repository) -> None:
    (repo.root / "many").mkdir()
    for number in range(git_snapshot.MAX_UNTRACKED + 1):
        (repo.root / f"many/{number}").touch()
    (repo.root / "new.py").write_text("x")
    found = code.state(repo)
    assert found.left_out == {"many/": "1001 untracked files, 0 bytes"}
    assert "new.py" in files(repo, found.snapshot)


def test_a_file_that_cannot_be_read_or_went_stops_nothing(repo: Repository) -> None:
    standing = git_snapshot.standing(repo.root)
    assert standing is not None
    gone = git_snapshot.Change("never there.py", untracked=True)
    assert git_snapshot.make(standing, [gone], [], aside=repo.layout.tmp) is None
    os.mkfifo(repo.root / "pipe")
    assert not code.state(repo).dirty


def test_before_the_first_commit_there_is_a_snapshot_too(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".mlo").mkdir()
    repo = open_repository(tmp_path)
    assert code.state(repo) == code.State(None, "main")
    (tmp_path / "train.py").write_text("one\n")
    run = recorded(repo)
    assert (run.code.commit, run.code.dirty) == (None, True)
    assert files(repo, run.code.snapshot) == {"train.py": "one\n"}


def test_where_there_is_no_git_a_run_is_recorded_without(tmp_path: Path) -> None:
    (tmp_path / ".mlo").mkdir()
    run = recorded(open_repository(tmp_path))
    assert run.code.commit is None
    assert run.code.problem == "the project is in no git repository"


def test_where_git_is_missing_a_run_is_recorded_without(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = code.state(repo)
    assert (found.snapshot, found.problem) == (None, "git was not found")


def test_where_git_may_not_write_the_bundle_has_the_code(repo: Repository) -> None:
    edit(repo)
    git(repo.root, "add", "--all")
    (repo.root / "src/train.py").write_text("not in git\n")
    git(repo.root, "repack", "-adq")
    objects = repo.root / ".git/objects"
    for number in range(256):
        place = objects / f"{number:02x}"
        if place.exists() and any(place.iterdir()):
            continue
        if place.exists():
            place.rmdir()
        place.touch()  # nobody, root included, can write an object below a file
    run = recorded(repo)
    assert run.code.bundle is not None
    assert not git_snapshot.has(repo.root, str(run.code.snapshot))
    for number in range(256):
        place = objects / f"{number:02x}"
        if place.is_file():
            place.unlink()
    assert code.materialize(repo, run) == run.code.snapshot
    assert files(repo, run.code.snapshot)["src/train.py"] == "not in git\n"


def test_the_code_comes_back_in_a_clone_and_after_the_ref_went(repo: Repository) -> None:
    edit(repo)
    run = recorded(repo)
    clone = repo.root.parent / "clone"
    git(repo.root.parent, "clone", "--quiet", "--no-local", str(repo.root), "clone")
    assert "mlo" not in git(clone, "for-each-ref")
    shutil.copytree(repo.layout.packs, clone / ".mlo/packs")
    there = open_repository(clone)
    assert code.materialize(there, run) == run.code.snapshot
    assert files(there, run.code.snapshot) == files(repo, run.code.snapshot)
    assert git_snapshot.kept(clone) == {run.code.snapshot}
    assert git(clone, "status", "--porcelain") == ""


def test_code_on_a_commit_that_is_nowhere_says_so(repo: Repository, tmp_path: Path) -> None:
    git(repo.root.parent, "clone", "--quiet", str(repo.root), "old")
    head = commit_new(repo)
    clean = recorded(repo)
    assert clean.code.snapshot == head
    edit(repo)
    changed = recorded(repo)
    old = repo.root.parent / "old"
    shutil.copytree(repo.layout.packs, old / ".mlo/packs")
    there = open_repository(old)
    for run in (clean, changed):
        with pytest.raises(StateError, match="is not in this git repository") as caught:
            code.materialize(there, run)
        assert caught.value.hint == "git fetch --all"


def commit_new(repo: Repository) -> str:
    (repo.root / "more.py").write_text("more\n")
    return commit(repo)


def test_two_runs_differ_in_their_code_as_git_tells_it(repo: Repository) -> None:
    one = recorded(repo)
    edit(repo)
    two = recorded(repo)
    assert code.difference(repo, one, one) == ""
    told = code.difference(repo, one, two)
    assert "-one\n+three\n" in told
    assert "deleted file" in told


def test_snapshots_that_no_run_needs_go(repo: Repository) -> None:
    edit(repo)
    one = recorded(repo)
    (repo.root / "src/train.py").write_text("four\n")
    opened = begin(repo, "train", params={}, environ=os.environ)
    (repo.root / "src/train.py").write_text("five\n")
    code.state(repo)
    assert len(git_snapshot.kept(repo.root)) == 3
    assert code_refs.prune(repo, ()) == 1
    assert git_snapshot.kept(repo.root) == {one.code.snapshot, opened.head.code["snapshot"]}
    assert code_refs.prune(repo, [one.key]) == 1
    assert git_snapshot.kept(repo.root) == {opened.head.code["snapshot"]}


def test_gc_lets_go_of_the_code_of_removed_runs(repo: Repository, mlo_here: Mlo) -> None:
    edit(repo)
    run = recorded(repo)
    mlo_here("gc")
    assert git_snapshot.kept(repo.root) == {run.code.snapshot}
    mlo_here("runs", "rm", run.name)
    mlo_here("gc", "--dry-run")
    assert git_snapshot.kept(repo.root) == {run.code.snapshot}
    mlo_here("gc")
    assert not git_snapshot.kept(repo.root)


def test_a_plain_git_push_takes_no_snapshot_along(repo: Repository) -> None:
    git(repo.root.parent, "init", "--quiet", "--bare", "bare.git")
    edit(repo)
    code.state(repo)
    git(repo.root, "push", "--quiet", "../bare.git", "main")
    git(repo.root, "push", "--quiet", "--all", "../bare.git")
    assert "refs/mlo" not in git(repo.root, "ls-remote", "../bare.git")


def test_hooks_and_settings_of_the_user_change_nothing(repo: Repository) -> None:
    edit(repo)
    one = code.state(repo)
    hook = repo.root / ".git/hooks/reference-transaction"
    hook.write_text("#!/bin/sh\ntouch ran\nexit 1\n")
    hook.chmod(0o755)
    for setting in (
        "core.logAllRefUpdates=always", "i18n.commitEncoding=latin1", "commit.gpgSign=true",
        "status.showUntrackedFiles=no", "status.renames=true", "diff.noprefix=true",
        "core.quotePath=true", "core.splitIndex=true", "core.untrackedCache=true",
    ):  # fmt: skip
        git(repo.root, "config", *setting.split("="))
    git_snapshot.forget(repo.root, git_snapshot.kept(repo.root))
    git(repo.root, "update-index", "--split-index", "--untracked-cache")
    assert code.state(repo) == one
    assert not (repo.root / "ran").exists()
    assert not (repo.root / ".git/logs/refs/mlo").exists()


def test_a_merge_that_is_open_is_recorded_as_the_files_are(repo: Repository) -> None:
    git(repo.root, "checkout", "--quiet", "-b", "side")
    (repo.root / "src/train.py").write_text("side\n")
    commit(repo)
    git(repo.root, "checkout", "--quiet", "main")
    (repo.root / "src/train.py").write_text("main\n")
    commit(repo)
    subprocess.run(["git", "merge", "side"], cwd=repo.root, capture_output=True, check=False)
    assert "<<<<<<<" in files(repo, code.state(repo).snapshot)["src/train.py"]
    assert "UU src/train.py" in git(repo.root, "status", "--porcelain")


def test_a_submodule_is_recorded_at_its_commit_and_its_own_changes_are_named(
    repo: Repository,
) -> None:
    inner = repo.root.parent / "inner"
    inner.mkdir()
    git(inner, "init", "--quiet")
    (inner / "a.py").write_text("a\n")
    git(inner, "add", "a.py")
    git(inner, "commit", "--quiet", "--message", "x")
    git(repo.root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner))
    commit(repo)
    assert not code.state(repo).dirty
    (repo.root / "inner/a.py").write_text("b\n")
    found = code.state(repo)
    assert found.left_out == {"inner": "a submodule with changes of its own"}
    assert found.snapshot == found.commit
    git(repo.root / "inner", "commit", "--quiet", "--all", "--message", "y")
    moved = code.state(repo)
    head = git(repo.root / "inner", "rev-parse", "HEAD").strip()
    assert head in git(repo.root, "ls-tree", str(moved.snapshot), "inner")


def test_a_git_repository_in_the_project_that_is_no_submodule_is_named(repo: Repository) -> None:
    (repo.root / "vendored").mkdir()
    git(repo.root / "vendored", "init", "--quiet")
    (repo.root / "vendored/a.py").write_text("a\n")
    assert code.state(repo).left_out == {"vendored/": "a git repository"}


def test_in_a_sparse_checkout_what_is_not_there_is_not_deleted(repo: Repository) -> None:
    (repo.root / "other").mkdir()
    (repo.root / "other/b.py").write_text("b\n")
    commit(repo)
    git(repo.root, "sparse-checkout", "set", "--cone", "--sparse-index", "src")
    assert not (repo.root / "other/b.py").exists()
    (repo.root / "src/train.py").write_text("two\n")
    found = files(repo, code.state(repo).snapshot)
    assert (found["other/b.py"], found["src/train.py"]) == ("b\n", "two\n")


def test_a_project_below_gits_top_and_a_linked_work_tree(repo: Repository) -> None:
    below = repo.root / "below"
    (below / ".mlo").mkdir(parents=True)
    (below / "train.py").write_text("x\n")
    (repo.root / "src/train.py").write_text("two\n")
    (repo.root / "loose.py").write_text("not of this project\n")
    inner = open_repository(below)
    found = files(repo, code.state(inner).snapshot)
    assert found == {"below/train.py": "x\n", "gone.py": "going\n", "src/train.py": "two\n"}
    git(repo.root, "worktree", "add", "--quiet", "--detach", "../linked")
    linked = repo.root.parent / "linked"
    (linked / ".mlo").mkdir()
    (linked / "gone.py").write_text("changed\n")
    there = code.state(open_repository(linked))
    assert there.branch is None
    assert files(repo, there.snapshot)["gone.py"] == "changed\n"


def test_a_sha256_repository_works_the_same(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256")
    (tmp_path / ".mlo").mkdir()
    (tmp_path / "a.py").write_text("a\n")
    repo = open_repository(tmp_path)
    run = recorded(repo)
    git_snapshot.forget(repo.root, git_snapshot.kept(repo.root))
    git(tmp_path, "prune", "--expire=now")
    assert not git_snapshot.has(tmp_path, str(run.code.snapshot))
    assert files(repo, code.materialize(repo, run)) == {"a.py": "a\n"}
