"""References, status, checkout, log and diff agree on what each version is."""

import os
import subprocess
from pathlib import Path

import pytest

from mlops_cli.core import lockfile
from mlops_cli.core.lockfile import LockedOutput, LockedStep
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data import pointer, reference
from mlops_cli.data.add import add
from mlops_cli.data.cat import pieces
from mlops_cli.data.checkout import checkout
from mlops_cli.data.diff import TableLook, diff
from mlops_cli.data.history import versions
from mlops_cli.data.status import changes
from mlops_cli.errors import Conflict, IntegrityError, MissingObject, RequestError
from tests.conftest import git


def commit(repo: Repository, message: str) -> str:
    git(repo.root, "add", "--all")
    git(repo.root, "commit", "--quiet", "--message", message)
    return git(repo.root, "rev-parse", "HEAD").strip()


@pytest.fixture
def repo(project: Path) -> Repository:
    """Return a project with a file and a folder in two versions, tagged v1 and v2."""
    repo = open_repository(project)
    root = project
    (root / "images/deep").mkdir(parents=True)
    (root / "raw.csv").write_text("a,b\n1,x\n2,y\n")
    for name in ("one", "two", "deep/three"):
        (root / "images" / name).write_text(name)
    add(repo, [root / "raw.csv", root / "images"])
    commit(repo, "First")
    git(root, "tag", "v1")
    (root / "raw.csv").write_text("a,b,c\n1,x,0\n3,y,1\n4,y,1\n")
    (root / "images/two").write_text("changed")
    (root / "images/deep/three").unlink()
    (root / "images/four").write_text("four")
    add(repo, [root / "raw.csv", root / "images"])
    commit(repo, "Second")
    git(root, "tag", "v2")
    return open_repository(project)


def cat(repo: Repository, text: str) -> bytes:
    return b"".join(pieces(repo, reference.resolve(repo, text)))


def state(repo: Repository) -> list[tuple[object, ...]]:
    found = changes(open_repository(repo.root), pointer.each(repo))
    return [(one.path, one.state, one.added, one.modified, one.removed) for one in found]


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("raw.csv", b"a,b,c\n1,x,0\n3,y,1\n4,y,1\n"),
        ("raw.csv@v1", b"a,b\n1,x\n2,y\n"),
        ("raw.csv@HEAD~1", b"a,b\n1,x\n2,y\n"),
        ("raw.csv@main@{0}", b"a,b,c\n1,x,0\n3,y,1\n4,y,1\n"),
        ("images/two", b"changed"),
        ("images/two@v1", b"two"),
        ("images/deep/three@v1", b"deep/three"),
        ("./images/../images/four", b"four"),
    ],
)
def test_a_reference_gives_the_bytes_of_that_version(
    repo: Repository, text: str, content: bytes
) -> None:
    (repo.root / "raw.csv").write_text("not this")
    assert cat(repo, text) == content


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("images/deep/three", "there is no 'images/deep/three' in this version of 'images'"),
        ("images/four@v1", "not versioned at 'v1'"),
        ("raw.csv@v3", "'v3' is not a commit"),
        ("raw.csv/x", "there is no 'raw.csv/x'"),
        ("nothing", "not versioned"),
        ("nothing@v1", "not versioned at 'v1'"),
        (".mlops.yaml", "kept by git"),
        ("../outside", "outside the project"),
        ("images", "is a folder of 4 names"),
        ("images@v1", "is a folder of 3 names"),
    ],
)
def test_what_names_no_version_is_refused(repo: Repository, text: str, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        cat(repo, text)


def test_an_at_sign_may_be_a_letter_of_a_path(repo: Repository) -> None:
    (repo.root / "a@v1").write_text("mine")
    add(repo, [repo.root / "a@v1"])
    commit(repo, "Third")
    assert cat(repo, "a@v1") == b"mine"
    assert cat(repo, "a@v1@HEAD") == b"mine"


def test_an_output_in_the_lock_file_is_a_version_too(repo: Repository) -> None:
    oid = repo.objects.put(b"weights")
    step = LockedStep("train", {}, {}, {"model": LockedOutput(oid, "file", 7)}, {}, "0" * 12)
    repo.layout.lockfile.write_bytes(lockfile.encode({"train": step}))
    commit(repo, "Run")
    assert cat(repo, "model") == b"weights"
    assert cat(repo, "model@HEAD") == b"weights"
    assert [one.path for one in checkout(repo) if one.written] == ["model"]
    assert (repo.root / "model").read_bytes() == b"weights"
    assert versions(repo, "model")[0].subject == "Run"


def test_nothing_is_dirty_after_adding(repo: Repository) -> None:
    assert state(repo) == []


def test_status_counts_what_changed_in_a_folder(repo: Repository) -> None:
    (repo.root / "images/new").touch()
    (repo.root / "images/one").write_text("edited")
    (repo.root / "images/two").unlink()
    (repo.root / "raw.csv").unlink()
    assert state(repo) == [("images", "changed", 1, 1, 1), ("raw.csv", "missing", 0, 0, 1)]


def test_status_sees_modes_kinds_and_empty_folders(repo: Repository) -> None:
    (repo.root / "raw.csv").chmod(0o755)
    (repo.root / "images/none").mkdir()
    assert state(repo) == [("images", "changed", 0, 0, 0), ("raw.csv", "changed", 0, 1, 0)]
    (repo.root / "raw.csv").unlink()
    (repo.root / "raw.csv").mkdir()
    (repo.root / "images/none").rmdir()
    (repo.root / "images/one").chmod(0o755)
    assert state(repo) == [("images", "changed", 0, 1, 0), ("raw.csv", "changed", 0, 0, 1)]


def test_status_names_what_is_in_the_way(repo: Repository) -> None:
    (repo.root / "raw.csv").unlink()
    (repo.root / "raw.csv").symlink_to("images/one")
    (change,) = changes(repo, pointer.each(repo))
    assert change.problem
    assert "symbolic link" in change.problem


def test_status_reads_only_what_looks_changed(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (repo.root / "images").rglob("*"):
        os.utime(path, ns=(1, 1))
    state(repo)
    os.utime(repo.root / "raw.csv", ns=(1, 1))
    state(repo)
    opened: list[bytes] = []
    real = os.open

    def watched(path: str | bytes | Path, flags: int, mode: int = 0o777) -> int:
        opened.append(os.fsencode(path))
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", watched)
    assert state(repo) == []
    assert not [one for one in opened if b"images/" in one and not os.path.isdir(one)]


def test_checkout_goes_to_another_version_and_back(repo: Repository) -> None:
    checkout(repo, rev="v1")
    assert (repo.root / "raw.csv").read_text() == "a,b\n1,x\n2,y\n"
    assert (repo.root / "images/deep/three").read_text() == "deep/three"
    assert not (repo.root / "images/four").exists()
    assert [row[0] for row in state(repo)] == ["images", "raw.csv"]
    checkout(repo)
    assert state(repo) == []
    assert git(repo.root, "status", "--porcelain") == ""


def test_checkout_follows_git(repo: Repository) -> None:
    git(repo.root, "checkout", "--quiet", "v1")
    checkout(repo)
    assert state(repo) == []
    assert (repo.root / "images/two").read_text() == "two"


def test_checkout_tells_a_revision_from_a_path(repo: Repository) -> None:
    with pytest.raises(RequestError, match="'v1' is a revision") as caught:
        checkout(repo, [Path("v1")])
    assert caught.value.hint is not None
    assert "mlo checkout --rev v1;" in caught.value.hint
    with pytest.raises(RequestError, match="'v9' is not versioned"):
        checkout(repo, [Path("v9")])


def test_checkout_takes_parts_of_a_folder(repo: Repository) -> None:
    subprocess.run(["rm", "-r", repo.root / "images"], check=True)
    checkout(repo, [repo.root / "images/deep"], rev="v1")
    checkout(repo, [repo.root / "images/one"])
    found = sorted(path.name for path in (repo.root / "images").rglob("*") if path.is_file())
    assert found == ["one", "three"]


def test_checkout_never_loses_work_but_does_the_rest(repo: Repository) -> None:
    (repo.root / "raw.csv").write_text("precious")
    (repo.root / "images/one").unlink()
    with pytest.raises(Conflict, match=r"'raw.csv' holds work that is in no store") as caught:
        checkout(repo)
    assert caught.value.message.endswith("would be lost (1 other path was checked out)")
    assert (repo.root / "raw.csv").read_text() == "precious"
    assert (repo.root / "images/one").read_text() == "one"
    checkout(repo, force=True)
    assert state(repo) == []


def test_checkout_says_what_must_be_fetched(repo: Repository) -> None:
    git(repo.root, "clone", "--quiet", ".", "clone")
    clone = open_repository(repo.root / "clone")
    with pytest.raises(MissingObject) as caught:
        checkout(clone)
    assert caught.value.message.splitlines() == [
        "2 paths stay as they are:",
        "  the content of 'images' is not in this store",
        "  the content of 'raw.csv' is not in this store",
    ]
    assert caught.value.hint
    assert [one.stored for one in changes(clone, pointer.each(clone))] == [False, False]


@pytest.mark.parametrize("name", ["...mlo", "..mlo", ".git.mlo", "data/.git.mlo", "data/...mlo"])
def test_a_pointer_with_a_hostile_name_writes_nothing(repo: Repository, name: str) -> None:
    (repo.root / "data").mkdir()
    (repo.root / name).write_bytes((repo.root / "images.mlo").read_bytes())
    with pytest.raises(IntegrityError) as caught:
        checkout(repo)
    assert caught.value.exit_code == 4


def test_a_pointer_below_a_link_writes_nothing_outside(repo: Repository, tmp_path: Path) -> None:
    (repo.root / "data").mkdir()
    (repo.root / "data/x").touch()
    add(repo, [repo.root / "data/x"])
    outside = tmp_path / "outside"
    (repo.root / "data").rename(outside)
    (outside / "x").unlink()
    (repo.root / "data").symlink_to(outside)
    git(repo.root, "add", "--all")
    checkout(repo)
    assert not (outside / "x").exists()


def test_a_tree_that_would_write_through_its_own_link_is_refused(
    repo: Repository, tmp_path: Path
) -> None:
    from mlops_cli.core import tree

    link = repo.objects.put(os.fsencode(tmp_path))
    inner = repo.objects.put(tree.encode([tree.Entry("x", tree.Mode.FILE, 4, link)]), Kind.TREE)
    rows = [
        tree.Entry("a", tree.Mode.SYMLINK, 4, link),
        tree.Entry("a", tree.Mode.FOLDER, 4, inner),
    ]
    bad = repo.objects.put(tree.encode(rows), Kind.TREE)
    pointer.write(repo, pointer.Pointer("bad", bad, "folder", 8, 2))
    with pytest.raises(IntegrityError):
        checkout(repo)
    assert not (tmp_path / "x").exists()


def test_log_lists_each_version_once(repo: Repository) -> None:
    (repo.root / "other").write_text("unrelated")
    commit(repo, "Other")
    found = versions(repo, "raw.csv")
    assert [one.subject for one in found] == ["Second", "First"]
    assert [one.size for one in found] == [24, 12]
    (repo.root / "raw.csv").write_text("new")
    add(repo, [repo.root / "raw.csv"])
    found = versions(repo, "raw.csv")
    assert [one.subject for one in found] == [None, "Second", "First"]
    assert found[0].commit is None


def test_log_follows_a_file_inside_a_folder(repo: Repository) -> None:
    assert [one.subject for one in versions(repo, "images/two")] == ["Second", "First"]
    assert [one.subject for one in versions(repo, "images/one")] == ["First"]
    gone = versions(repo, "images/deep/three")
    assert [(one.subject, one.oid is None) for one in gone] == [("Second", True), ("First", False)]


def test_log_of_nothing_says_so(repo: Repository) -> None:
    with pytest.raises(RequestError, match="not versioned"):
        versions(repo, "nothing")


def test_diff_between_revisions_lists_files_and_looks_into_tables(repo: Repository) -> None:
    found = diff(repo, "v1", "v2", look=TableLook())
    assert [(one.state, one.path) for one in found.changes] == [
        ("removed", "images/deep/three"),
        ("added", "images/four"),
        ("changed", "images/two"),
        ("changed", "raw.csv"),
    ]
    table = found.changes[-1].table
    assert table is not None
    assert (table.rows_before, table.rows_after) == (2, 3)
    assert (table.rows_added, table.rows_removed) == (2, 1)
    assert (table.columns_added, table.columns_removed) == (("c",), ())


def test_diff_against_the_work_tree(repo: Repository) -> None:
    assert diff(repo).changes == ()
    (repo.root / "raw.csv").write_text("a,b,c\n1,x,0\n")
    assert [one.path for one in diff(repo).changes] == ["raw.csv"]
    assert [one.path for one in diff(repo, "v1", only=["images"]).changes] == [
        "images/deep/three",
        "images/four",
        "images/two",
    ]
    assert [one.path for one in diff(repo, "v1", only=["images/two"]).changes] == ["images/two"]
    with pytest.raises(RequestError):
        diff(repo, only=["nothing"])


def test_diff_says_why_a_table_was_not_compared(repo: Repository) -> None:
    (repo.root / "raw.csv").write_text('a,b\n"1,2\n')
    (change,) = diff(repo, look=TableLook()).changes
    assert change.table is None
    assert change.note


def test_diff_is_the_opposite_the_other_way_round(repo: Repository) -> None:
    forth = {(one.path, one.state) for one in diff(repo, "v1", "v2").changes}
    back = {(one.path, one.state) for one in diff(repo, "v2", "v1").changes}
    swapped = {"added": "removed", "removed": "added", "changed": "changed"}
    assert {(path, swapped[state]) for path, state in forth} == back
