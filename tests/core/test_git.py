"""What git says of a project, in real repositories."""

import os
import subprocess
from pathlib import Path

import pytest

from mlops_cli.core import git, git_changes
from mlops_cli.errors import ExternalError, RequestError, StateError

ODD_NAMES = ["a b.txt", "tab\there", "new\nline", "-dash", "*star", "quote\"'", "é.txt", ":(top)x"]


def run(root: Path, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    return done.stdout.strip()


def write(root: Path, name: str, content: str = "1\n") -> str:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return name


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one commit of `code.py`."""
    folder = tmp_path / "a project"
    folder.mkdir()
    git.init(folder)
    git.add(folder, [write(folder, "code.py")])
    git.commit(folder, "Begin")
    return folder


@pytest.fixture
def unborn(tmp_path: Path) -> Path:
    """A repository with no commit yet."""
    folder = tmp_path / "unborn"
    folder.mkdir()
    git.init(folder)
    return folder


def test_head_and_branch_of_a_repository(root: Path) -> None:
    assert git.head(root) == run(root, "rev-parse", "HEAD")
    assert git.branch(root) == "main"
    assert git.toplevel(root) == root


def test_a_detached_head_has_no_branch(root: Path) -> None:
    run(root, "checkout", "--quiet", "--detach")
    assert git.branch(root) is None
    assert git.head(root) == run(root, "rev-parse", "HEAD")


def test_before_the_first_commit_there_is_a_branch_but_no_head(unborn: Path) -> None:
    assert git.head(unborn) is None
    assert git.branch(unborn) == "main"
    assert git_changes.history(unborn, "x") == []
    with pytest.raises(RequestError, match="'HEAD' is not a commit"):
        git.resolve(unborn, "HEAD")


def test_outside_of_a_repository_nothing_is_committed_or_tracked(tmp_path: Path) -> None:
    write(tmp_path, "x")
    assert git.toplevel(tmp_path) is None
    assert git.head(tmp_path) is None
    assert git.branch(tmp_path) is None
    assert git.untracked(tmp_path) == []
    assert git.is_tracked(tmp_path, ["x"]) == set()
    assert git.is_ignored(tmp_path, ["x"]) == set()
    assert git_changes.history(tmp_path, "x") == []


def test_outside_of_a_repository_files_and_revisions_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="not in a git repository"):
        git.list_files(tmp_path)
    with pytest.raises(StateError, match="not in a git repository"):
        git.resolve(tmp_path, "HEAD")
    with pytest.raises(StateError, match="not in a git repository"):
        git.show(tmp_path, "HEAD", "x")


def test_a_diff_brings_every_kind_of_change_to_a_clone(root: Path, tmp_path: Path) -> None:
    (root / "bytes").write_bytes(bytes(range(256)))
    write(root, "old")
    git.add(root, ["bytes", "old"])
    git.commit(root, "More")
    run(tmp_path, "clone", "--quiet", str(root), "clone")
    (root / "bytes").write_bytes(bytes(range(255, -1, -1)))
    (root / "old").unlink()
    (root / "code.py").chmod(0o755)
    git.add(root, ["old", "bytes", "code.py", write(root, "new\nline")])
    git.commit(root, "All kinds")
    for setting in ("diff.noprefix=true", "diff.mnemonicPrefix=true", "color.diff=always"):
        run(root, "config", *setting.split("="))
    clone = tmp_path / "clone"
    subprocess.run(["git", "apply"], cwd=clone, input=git.diff(root, "HEAD~", "HEAD"), check=True)
    assert (clone / "bytes").read_bytes() == (root / "bytes").read_bytes()
    assert not (clone / "old").exists()
    assert os.access(clone / "code.py", os.X_OK)
    assert (clone / "new\nline").exists()
    assert git.diff(root, "HEAD", "HEAD") == b""


def test_odd_names_come_through_whole(root: Path) -> None:
    names = [write(root, name) for name in ODD_NAMES]
    assert git.untracked(root) == sorted(names)
    git.add(root, names)
    assert git.is_tracked(root, names) == set(names)
    git.commit(root, "Odd")
    assert set(git.files_at(root, "HEAD")) == {*names, "code.py"}
    assert set(git.list_files(root)) == {*names, "code.py"}
    for name in names:
        assert git.show(root, "HEAD", name) == b"1\n"
        assert [commit.subject for commit in git_changes.history(root, name)] == ["Odd"]
    assert git.contents_at(root, "HEAD") == dict.fromkeys([*names, "code.py"], b"1\n")


def test_names_that_are_not_utf_8_come_through_whole(root: Path) -> None:
    name = os.fsdecode(b"latin-\xe9")
    try:
        write(root, name)
    except OSError:
        pytest.skip("this file system wants UTF-8 names")
    assert git.untracked(root) == [name]
    git.add(root, [name])
    assert git.is_tracked(root, [name]) == {name}


def test_a_path_is_no_pattern(root: Path) -> None:
    git.add(root, [write(root, "a"), write(root, "*")])
    assert git.is_tracked(root, ["*"]) == {"*"}
    assert git.is_tracked(root, []) == set()


def test_is_tracked_looks_into_folders_and_takes_many_paths(root: Path) -> None:
    git.add(root, [write(root, "d/x"), write(root, "d/e/y")])
    assert git.is_tracked(root, ["d"]) == {"d/x", "d/e/y"}
    many = [f"folder/of/some/length/{number}" for number in range(20_000)]
    assert git.is_tracked(root, [*many, "code.py"]) == {"code.py"}


def test_list_files_gives_what_git_tracks_or_would_track(root: Path) -> None:
    write(root, ".gitignore", "ignored.csv\n")
    for name in ("a.csv", "deep/b.csv", "ignored.csv", "c.txt"):
        write(root, name)
    git.add(root, ["deep/b.csv"])
    assert git.list_files(root, "*.csv") == ["a.csv", "deep/b.csv"]
    assert git.is_ignored(root, ["a.csv", "ignored.csv"]) == {"ignored.csv"}
    (root / "deep/b.csv").unlink()
    assert "deep/b.csv" in git.list_files(root, "*.csv"), "git still tracks it"


def test_list_files_names_an_unmerged_file_once(root: Path) -> None:
    run(root, "checkout", "--quiet", "-b", "other")
    write(root, "code.py", "other\n")
    run(root, "commit", "--quiet", "--all", "--message", "Other")
    run(root, "checkout", "--quiet", "main")
    write(root, "code.py", "main\n")
    run(root, "commit", "--quiet", "--all", "--message", "Main")
    with pytest.raises(subprocess.CalledProcessError):
        run(root, "merge", "--quiet", "other")
    assert git.list_files(root) == ["code.py"]


def test_a_project_below_the_top_of_git_sees_paths_of_its_own(root: Path) -> None:
    below = root / "sub"
    git.add(root, [write(root, "sub/x.mlo")])
    git.commit(root, "Sub")
    write(below, "y.mlo")
    assert git.toplevel(below) == root
    assert git.list_files(below, "*.mlo") == ["x.mlo", "y.mlo"]
    assert git.files_at(below, "HEAD", ".mlo") == ["x.mlo"]
    assert git.show(below, "HEAD", "x.mlo") == b"1\n"
    assert git.show(below, "HEAD", "code.py") is None
    assert git.untracked(below) == ["y.mlo"]
    assert git.is_tracked(below, ["x.mlo"]) == {"x.mlo"}
    assert [commit.subject for commit in git_changes.history(below, "x.mlo")] == ["Sub"]


def test_show_gives_a_file_of_a_commit_or_none(root: Path) -> None:
    first = git.resolve(root, "HEAD")
    write(root, "code.py", "2\n")
    git.add(root, ["code.py", write(root, "d/x")])
    second = git.commit(root, "Second")
    assert git.show(root, first, "code.py") == b"1\n"
    assert git.show(root, second[:8], "code.py") == b"2\n"
    assert git.show(root, "HEAD~1", "d/x") is None
    assert git.show(root, "HEAD", "d") is None, "a folder is no file"
    assert git.contents_at(root, first, ".csv") == {}


@pytest.mark.parametrize("rev", ["nope", "", "-x", "--all", "HEAD..HEAD", "HEAD:code.py", "a\0b"])
def test_an_unknown_revision_is_a_bad_request(root: Path, rev: str) -> None:
    with pytest.raises(RequestError, match="is not a commit that git knows"):
        git.resolve(root, rev)


def test_history_tells_who_when_and_what(root: Path) -> None:
    run(root, "config", "log.follow", "true")
    run(root, "config", "log.showSignature", "true")
    write(root, "code.py", "2\n")
    run(
        root,
        "commit",
        "--quiet",
        "--all",
        "--message",
        "Change:  é\n\nBody",
        GIT_AUTHOR_NAME="Grace <Hopper",
        GIT_AUTHOR_EMAIL="grace@example.org",
        GIT_COMMITTER_DATE="2026-01-31T12:00:00+02:00",
    )
    newest, oldest = git_changes.history(root, "code.py")
    assert newest.hex == git.head(root)
    assert newest.author == git.Identity("Grace Hopper", "grace@example.org")
    assert newest.when == "2026-01-31T10:00:00.000000Z"
    assert newest.subject == "Change:  é"
    assert oldest.subject == "Begin"
    assert git_changes.history(root, "missing") == []


def test_identity_comes_from_git(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert git.identity(root) == git.Identity("Ada Byron", "ada@example.org")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "A robot")
    assert git.identity(root) == git.Identity("A robot", "ada@example.org")


def test_identity_is_the_systems_user_when_git_knows_nobody(
    root: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_home / ".gitconfig").write_text("[user]\n\tuseConfigOnly = true\n")
    monkeypatch.setenv("LOGNAME", "somebody")
    host = os.uname().nodename
    assert git.identity(root) == git.Identity("somebody", f"somebody@{host}")


def test_without_git_only_the_identity_is_known(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "somebody")
    assert git.identity(root).name == "somebody"
    for ask in (git.head, git.branch, git.untracked, git.toplevel, git.list_files):
        with pytest.raises(ExternalError, match="git was not found") as caught:
            ask(root)
        assert caught.value.hint is not None
        assert "install git" in caught.value.hint


def test_a_repository_of_somebody_else_is_told_of_with_what_to_type(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    for ask in (git.head, git.toplevel, git.untracked, git.list_files):
        with pytest.raises(ExternalError, match="dubious ownership") as caught:
            ask(root)
        assert caught.value.hint == f"git config --global --add safe.directory '{root}'"
    with pytest.raises(ExternalError, match="dubious ownership"):
        git.resolve(root, "HEAD")


def test_a_hooks_environment_does_not_lead_to_another_repository(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git.init(other)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    assert git.toplevel(root) == root
    assert git.head(root) is not None
    assert git.list_files(root, "*.py") == ["code.py"]


def test_a_hook_can_ask_about_its_own_repository(root: Path) -> None:
    import sys

    package = Path(git.__file__).parents[2]
    hook = root / ".git/hooks/pre-commit"
    hook.write_text(
        f"#!/bin/sh\nPYTHONPATH='{package}' exec '{sys.executable}' -c '\n"
        "from pathlib import Path\n"
        "from mlops_cli.core import git\n"
        'assert git.list_files(Path.cwd()) == ["code.py"]\n'
        'print(git.branch(Path.cwd()), file=open("said", "w"))\'\n'
    )
    hook.chmod(0o755)
    write(root, "code.py", "2\n")
    git.add(root, ["code.py"])
    git.commit(root, "By a hook")
    assert (root / "said").read_text() == "main\n"


def test_a_commit_needs_something_staged(root: Path) -> None:
    with pytest.raises(StateError, match="nothing is staged"):
        git.commit(root, "Empty")


def test_a_refusing_hook_is_heard(root: Path) -> None:
    hook = root / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho no secrets, please >&2\nexit 1\n")
    hook.chmod(0o755)
    write(root, "code.py", "2\n")
    git.add(root, ["code.py"])
    with pytest.raises(ExternalError, match="git commit: no secrets, please"):
        git.commit(root, "Secret")


def test_a_commit_by_nobody_says_what_to_set(root: Path, own_home: Path) -> None:
    (own_home / ".gitconfig").write_text("[user]\n\tuseConfigOnly = true\n")
    git.add(root, [write(root, "x")])
    with pytest.raises(ExternalError) as caught:
        git.commit(root, "Anonymous")
    assert caught.value.hint is not None
    assert "user.name" in caught.value.hint


def test_a_locked_index_says_what_to_do(root: Path) -> None:
    write(root, ".git/index.lock", "")
    with pytest.raises(ExternalError, match=r"index\.lock") as caught:
        git.add(root, [write(root, "x")])
    assert caught.value.hint is not None
    assert "wait" in caught.value.hint


def test_reading_takes_no_lock(root: Path) -> None:
    write(root, ".git/index.lock", "")
    os.utime(root / "code.py", ns=(0, 0))
    assert git.list_files(root) == ["code.py"]


def test_adding_nothing_stages_nothing(root: Path) -> None:
    write(root, "x")
    git.add(root, [])
    assert git.untracked(root) == ["x"]
    with pytest.raises(ExternalError, match="did not match"):
        git.add(root, ["missing"])
