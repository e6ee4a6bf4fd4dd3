"""Adding keeps the bytes first and names them afterwards, and refuses what would go wrong."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from blake3 import blake3

from mlops_cli.core.git import untracked
from mlops_cli.core.ids import object_id
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data import pointer
from mlops_cli.data.add import add
from mlops_cli.data.checkout import checkout
from mlops_cli.errors import ExternalError, MloError, RequestError, StateError
from tests.conftest import git


@pytest.fixture
def repo(project: Path) -> Repository:
    (project / "data").mkdir()
    (project / "data/raw.csv").write_bytes(b"hello\n")
    return open_repository(project)


def again(repo: Repository) -> Repository:
    """Return the repository as another process would see it."""
    return open_repository(repo.root)


def test_a_file_gets_a_pointer_and_git_ignores_its_bytes(repo: Repository) -> None:
    (added,) = add(repo, [Path("data/raw.csv")])
    assert (added.oid, added.kind, added.size, added.files) == (object_id(b"hello\n"), "file", 6, 1)
    assert (added.state, added.pointer) == ("new", "data/raw.csv.mlo")
    assert again(repo).objects.get(added.oid) == b"hello\n"
    listed = git(repo.root, "ls-files", "--others", "--exclude-standard").split()
    assert listed == ["data/.gitignore", "data/raw.csv.mlo"]


def test_adding_again_says_what_became_of_it(repo: Repository) -> None:
    add(repo, [Path("data/raw.csv")])
    assert add(repo, [Path("data/raw.csv")])[0].state == "unchanged"
    (repo.root / "data/raw.csv").write_bytes(b"other\n")
    assert add(repo, [Path("data/raw.csv")])[0].state == "changed"


def test_several_paths_are_added_each_once(repo: Repository) -> None:
    (repo.root / "images/deep").mkdir(parents=True)
    (repo.root / "images/deep/a").touch()
    typed = ["images/deep/a", "images", "data/raw.csv", "./data/../images/", "data/raw.csv"]
    added = add(repo, [Path(one) for one in typed])
    assert [one.path for one in added] == ["images", "data/raw.csv"]


def test_a_path_counts_from_the_working_folder(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo.root / "data")
    assert add(repo, [Path("raw.csv")])[0].path == "data/raw.csv"
    assert add(repo, [repo.root / "data/raw.csv"])[0].path == "data/raw.csv"


@pytest.mark.parametrize(
    "content", [b"", b"x" * 65536, b"x" * 65537, bytes(range(256)) * 4000], ids=len
)
def test_a_file_of_any_size_comes_back_the_same(repo: Repository, content: bytes) -> None:
    path = repo.root / "data/x"
    path.write_bytes(content)
    path.chmod(0o755)
    add(repo, [path])
    path.unlink()
    checkout(again(repo))
    assert path.read_bytes() == content
    assert os.access(path, os.X_OK)


NAMES = [
    "ümlaut 😀.csv",
    "two  spaces",
    " leads",
    "trails ",
    "new\nline",
    "tab\t",
    "quote'\"",
    "star*?[a]",
    "back\\slash",
    "-dash",
    "#hash",
    "!bang",
    "a@b",
    ":colon",
    "x" * 240,
    os.fsdecode(b"not-utf8-\xff"),
    "%41",
    "~",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("inside", [False, True])
def test_a_name_of_any_kind_comes_back_the_same(repo: Repository, name: str, inside: bool) -> None:
    path = repo.root / "folder" / name
    path.parent.mkdir()
    path.write_bytes(b"content")
    target = repo.root / "folder" if inside else path
    add(repo, [target])
    path.unlink()
    checkout(again(repo))
    assert path.read_bytes() == b"content"
    if not inside:
        listed = {one for one in untracked(repo.root) if one.startswith("folder/")}
        assert listed == {"folder/.gitignore", f"folder/{name}.mlo"}


def test_a_folder_comes_back_with_all_that_is_in_it(repo: Repository) -> None:
    root = repo.root / "folder"
    (root / "empty/er").mkdir(parents=True)
    (root / "tool").write_text("#!/bin/sh\n")
    (root / "tool").chmod(0o755)
    (root / "zero").touch()
    (root / "link").symlink_to("../../../etc/passwd")
    os.link(root / "zero", root / "hard")
    (added,) = add(repo, [root])
    assert added.files == 4
    for path in (root / "tool", root / "zero", root / "link", root / "hard"):
        path.unlink()
    (root / "empty/er").rmdir()
    checkout(again(repo))
    assert (root / "empty/er").is_dir()
    assert os.access(root / "tool", os.X_OK)
    assert not os.access(root / "zero", os.X_OK)
    assert os.readlink(root / "link") == "../../../etc/passwd"


def test_an_empty_folder_can_be_versioned(repo: Repository) -> None:
    (repo.root / "none").mkdir()
    assert add(repo, [Path("none")])[0].files == 0
    (repo.root / "none").rmdir()
    checkout(repo)
    assert (repo.root / "none").is_dir()


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("nothing", "there is nothing at 'nothing'"),
        ("..", "outside the project"),
        ("/etc/passwd", "outside the project"),
        (".", "whole project"),
        (".git/config", "reaches into '.git'"),
        (".mlo/format", "reaches into '.mlo'"),
        (".gitignore", "kept by git"),
        (".mlops.yaml", "kept by git"),
        ("mlo.lock", "kept by git"),
        ("link", "symbolic link"),
        ("through/raw.csv", "passes through the link"),
        ("socket", "socket"),
        ("fifo", "FIFO"),
        ("holds_fifo", "fifo"),
        ("x" * 252, "too long"),
    ],
)
def test_what_cannot_be_versioned_is_refused_by_name(
    repo: Repository, path: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo.root)
    (repo.root / "link").symlink_to("data/raw.csv")
    (repo.root / "through").symlink_to("data")
    (repo.root / "holds_fifo").mkdir()
    os.mkfifo(repo.root / "fifo")
    os.mkfifo(repo.root / "holds_fifo/fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with pytest.raises(RequestError, match=says):
            add(repo, [Path(path)])
    assert pointer.each(repo) == []


def test_a_link_to_the_project_is_as_good_as_the_project(repo: Repository, tmp_path: Path) -> None:
    (tmp_path / "other").symlink_to(repo.root)
    assert add(repo, [tmp_path / "other/data/raw.csv"])[0].path == "data/raw.csv"


def test_what_git_tracks_is_refused_until_it_lets_go(repo: Repository) -> None:
    git(repo.root, "add", "data/raw.csv")
    for path in ("data/raw.csv", "data"):
        with pytest.raises(RequestError, match="git") as caught:
            add(repo, [Path(path)])
        assert caught.value.hint
        assert caught.value.hint.startswith("git rm")
    git(repo.root, "rm", "--quiet", "--cached", "data/raw.csv")
    add(repo, [Path("data/raw.csv")])


def test_a_pointer_that_git_would_ignore_is_refused(repo: Repository) -> None:
    (repo.root / ".gitignore").write_text("/data/\n")
    with pytest.raises(RequestError, match=r"git ignores 'data/raw.csv.mlo'"):
        add(repo, [Path("data/raw.csv")])


def test_parts_and_wholes_are_not_versioned_twice(repo: Repository) -> None:
    add(repo, [Path("data/raw.csv")])
    with pytest.raises(RequestError, match=r"'data' holds 'data/raw.csv'"):
        add(repo, [Path("data")])
    with pytest.raises(RequestError, match="is a pointer"):
        add(repo, [Path("data/raw.csv.mlo")])
    (repo.root / "whole").mkdir()
    (repo.root / "whole/part").touch()
    add(repo, [Path("whole")])
    with pytest.raises(RequestError, match="versioned as a whole") as caught:
        add(repo, [Path("whole/part")])
    assert caught.value.hint == "mlo add whole"


def test_what_a_step_makes_is_refused(repo: Repository) -> None:
    text = "steps: {make: {cmd: 'true', outs: [data/out]}}\n"
    (repo.root / ".mlops.yaml").write_text(text)
    (repo.root / "data/out").touch()
    with pytest.raises(RequestError, match="made by the step 'make'"):
        add(again(repo), [Path("data/out")])


def test_deleted_data_is_offered_back(repo: Repository) -> None:
    add(repo, [Path("data/raw.csv")])
    (repo.root / "data/raw.csv").unlink()
    with pytest.raises(RequestError) as caught:
        add(repo, [Path("data/raw.csv")])
    assert caught.value.hint == "get it back: mlo checkout data/raw.csv"


def test_all_are_added_or_none(repo: Repository) -> None:
    with pytest.raises(RequestError):
        add(repo, [Path("data/raw.csv"), Path("nothing")])
    assert pointer.each(repo) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
def test_an_unreadable_file_is_named(repo: Repository) -> None:
    (repo.root / "data/raw.csv").chmod(0)
    with pytest.raises(ExternalError, match=r"raw.csv.*permission denied"):
        add(repo, [Path("data/raw.csv")])


def test_a_file_that_changes_while_it_is_read_is_named(repo: Repository) -> None:
    path = repo.root / "data/busy"
    path.write_bytes(os.urandom(30_000_000))
    stop = threading.Event()

    def scribble() -> None:
        with path.open("r+b", buffering=0) as file:
            while not stop.is_set():
                file.seek(29_000_000)
                file.write(b"x")

    writer = threading.Thread(target=scribble)
    writer.start()
    try:
        with pytest.raises(StateError, match=r"busy' changed while it was read"):
            add(repo, [path])
    finally:
        stop.set()
        writer.join()
    assert pointer.each(repo) == []


def test_a_malformed_pointer_is_named_before_anything_is_written(repo: Repository) -> None:
    (repo.root / "data/raw.csv.mlo").write_text("mlo: 1\nid: x\n")
    with pytest.raises(MloError, match=r"^data/raw.csv.mlo:"):
        add(repo, [Path("data/raw.csv")])


class Watcher:
    """Somebody who watches, and notes what was told."""

    def __init__(self) -> None:
        self.totals: list[int | None] = []
        self.steps: list[int] = []

    @contextmanager
    def task(self, label: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
        self.totals.append(total)
        yield self.steps.append


def test_who_watches_is_told_of_every_byte_and_of_large_files_while_they_are_read(
    repo: Repository,
) -> None:
    (repo.root / "folder").mkdir()
    (repo.root / "folder" / "large").write_bytes(blake3(b"1").digest(length=3_000_000))
    (repo.root / "folder" / "small").write_bytes(b"small")
    (repo.root / "single").write_bytes(blake3(b"2").digest(length=2_000_000))
    watcher = Watcher()
    typed = [Path("folder"), Path("single")]
    add(repo, typed, progress=watcher)
    assert watcher.totals == [5_000_005]
    assert sum(watcher.steps) == 5_000_005
    assert max(watcher.steps) < 2_000_000
    add(repo, typed, progress=watcher)
    assert sum(watcher.steps) == 2 * 5_000_005
