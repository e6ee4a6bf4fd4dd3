"""Hooks beside those of others: kept, run with the same words and input, and given back."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_cli.core import hooks, merge_driver
from mlops_cli.core.hooks import HOOKS, Place
from mlops_cli.errors import StateError
from tests.conftest import git


@pytest.fixture
def place(project: Path) -> Place:
    return hooks.place(project)


@pytest.fixture
def spy(tmp_path: Path) -> Path:
    """Return a program that stands in for mlo, and writes down how it was called."""
    program = tmp_path / "a 'spy'"
    program.write_text(f'#!/bin/sh\necho "$@" > "{tmp_path}/called"\ncat > "{tmp_path}/given"\n')
    program.chmod(0o755)
    return program


def write(hook: Path, text: str, mode: int = 0o755) -> None:
    hook.parent.mkdir(parents=True, exist_ok=True)
    hook.write_text(text)
    hook.chmod(mode)


def run(hook: Path, *words: str, given: str = "", path: str | None = None) -> tuple[int, str]:
    env = dict(os.environ) if path is None else {**os.environ, "PATH": path}
    done = subprocess.run([hook, *words], input=given, env=env, capture_output=True, text=True)
    return done.returncode, done.stderr


def state(folder: Path) -> Iterator[tuple[str, int, bytes]]:
    for path in sorted(folder.iterdir()):
        status = path.lstat()
        content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
        yield path.name, status.st_mode, content


def test_install_is_idempotent_and_every_hook_is_there(place: Place, spy: Path) -> None:
    hooks.install(place, spy)
    first = list(state(place.folder))
    hooks.install(place, spy)
    assert list(state(place.folder)) == first
    assert {one.state for one in hooks.look(place, spy)} == {"installed"}
    assert all(os.access(place.folder / name, os.X_OK) for name in HOOKS)


def test_uninstall_gives_back_what_was_there_byte_for_byte(place: Place, spy: Path) -> None:
    write(place.folder / "pre-push", "#!/bin/sh\nexit 3")
    write(place.folder / "pre-commit", "not executable\n\n", 0o640)
    (place.folder / "post-merge").symlink_to("pre-push")
    before = list(state(place.folder))
    hooks.install(place, spy)
    hooks.install(place, spy)
    hooks.uninstall(place)
    hooks.uninstall(place)
    assert list(state(place.folder)) == before


@pytest.mark.parametrize("name", HOOKS)
def test_the_hook_of_others_runs_first_with_the_same_words_and_input(
    place: Place, spy: Path, tmp_path: Path, name: str
) -> None:
    write(place.folder / name, f'#!/bin/sh\necho "$@" > "{tmp_path}/o"\ncat > "{tmp_path}/in"\n')
    hooks.install(place, spy)
    given = "refs/heads/a 1 refs/heads/a 0\nrefs/heads/b 1 refs/heads/b 0\n"
    assert run(place.folder / name, "origin", "a b", given=given) == (0, "")
    assert (tmp_path / "o").read_text() == "origin a b\n"
    assert (tmp_path / "called").read_text() == f"hooks run {name} origin a b\n"
    if name in ("pre-push", "post-rewrite"):
        assert (tmp_path / "in").read_text() == (tmp_path / "given").read_text() == given


def test_where_the_hook_of_others_stops_git_so_does_ours(
    place: Place, spy: Path, tmp_path: Path
) -> None:
    for name in HOOKS:
        write(place.folder / name, "#!/bin/sh\nexit 7\n")
    hooks.install(place, spy)
    assert run(place.folder / "pre-push")[0] == 7
    assert not (tmp_path / "called").exists()
    assert run(place.folder / "post-checkout")[0] == 7
    assert (tmp_path / "called").exists()


def test_a_hook_of_others_that_git_would_not_run_is_not_run(
    place: Place, spy: Path, tmp_path: Path
) -> None:
    write(place.folder / "pre-commit", "#!/bin/sh\nexit 7\n", 0o644)
    hooks.install(place, spy)
    assert run(place.folder / "pre-commit")[0] == 0


def test_a_hook_reports_what_mlo_says_before_and_never_after(place: Place, spy: Path) -> None:
    spy.write_text("#!/bin/sh\nexit 1\n")
    hooks.install(place, spy)
    assert run(place.folder / "pre-commit")[0] == 1
    assert run(place.folder / "pre-push")[0] == 1
    assert run(place.folder / "post-checkout")[0] == 0


def test_without_mlo_git_goes_on_and_is_told(place: Place, tmp_path: Path) -> None:
    hooks.install(place, tmp_path / "gone")
    bare = tmp_path / "bin"
    bare.mkdir()
    for tool in ("cat", "sh"):
        (bare / tool).symlink_to(f"/bin/{tool}")
    for name in HOOKS:
        code, said = run(place.folder / name, path=str(bare))
        assert (code, said) == (0, f"mlo was not found, so its {name} hook did not run\n")


def test_mlo_is_found_on_path_when_it_has_moved(place: Place, spy: Path, tmp_path: Path) -> None:
    hooks.install(place, tmp_path / "gone")
    folder = tmp_path / "bin"
    folder.mkdir()
    spy.rename(folder / "mlo")
    assert run(place.folder / "pre-commit", path=f"{folder}:{os.environ['PATH']}") == (0, "")
    assert (tmp_path / "called").exists()


def test_a_hook_that_came_after_ours_is_told_and_left_alone(place: Place, spy: Path) -> None:
    write(place.folder / "pre-push", "#!/bin/sh\n# theirs\n")
    hooks.install(place, spy)
    write(place.folder / "pre-push", "#!/bin/sh\n# newer\n")
    states = {one.name: one.state for one in hooks.look(place, spy)}
    assert states["pre-push"] == "foreign"
    with pytest.raises(StateError, match="in the way"):
        hooks.install(place, spy)
    hooks.uninstall(place)
    assert (place.folder / "pre-push").read_text() == "#!/bin/sh\n# newer\n"


def test_hooks_go_where_git_looks_for_them(project: Path, tmp_path: Path) -> None:
    assert hooks.place(project) == Place(project / ".git/hooks", shared=False)
    git(project, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    assert hooks.place(tmp_path / "tree") == Place(project / ".git/hooks", shared=False)
    (project / "deep").mkdir()
    git(project, "config", "core.hooksPath", "tools/hooks")
    assert hooks.place(project / "deep") == Place(project / "tools/hooks", shared=True)
    git(project, "config", "core.hooksPath", str(tmp_path / "mine"))
    assert hooks.place(project) == Place(tmp_path / "mine", shared=False)


def test_hooks_that_the_team_shares_name_no_machine(project: Path, spy: Path) -> None:
    git(project, "config", "core.hooksPath", "tools")
    hooks.install(hooks.place(project), spy)
    assert "spy" not in (project / "tools/pre-push").read_text()


@pytest.mark.parametrize("path", [".husky", ".husky/_"])
def test_husky_keeps_its_own_hooks(project: Path, path: str) -> None:
    git(project, "config", "core.hooksPath", path)
    with pytest.raises(StateError, match="husky") as caught:
        hooks.refuse_unfit(project)
    assert "mlo hooks run pre-commit" in str(caught.value.hint)


def test_hooks_of_all_repositories_are_not_touched(project: Path, tmp_path: Path) -> None:
    git(project, "config", "--global", "core.hooksPath", str(tmp_path / "all"))
    with pytest.raises(StateError, match="for every repository of this user"):
        hooks.refuse_unfit(project)
    git(project, "config", "core.hooksPath", ".git/hooks")
    hooks.refuse_unfit(project)


@pytest.mark.parametrize("before", [None, b"*.csv text", b"# mine\n*.png binary\n"])
def test_attributes_come_first_and_go_without_a_trace(project: Path, before: bytes | None) -> None:
    file = project / ".gitattributes"
    if before is not None:
        file.write_bytes(before)
        git(project, "add", ".gitattributes")
        git(project, "commit", "--quiet", "--message", "Attributes")
    assert not merge_driver.has_attributes(project)
    assert merge_driver.add_attributes(project)
    assert not merge_driver.add_attributes(project)
    assert merge_driver.has_attributes(project)
    assert merge_driver.drop_attributes(project)
    assert (file.read_bytes() if file.exists() else None) == before


def test_attributes_that_are_committed_stay(project: Path) -> None:
    merge_driver.add_attributes(project)
    git(project, "add", ".gitattributes")
    git(project, "commit", "--quiet", "--message", "Attributes")
    assert not merge_driver.drop_attributes(project)


def test_the_driver_is_known_to_git_until_it_is_taken_out(project: Path, spy: Path) -> None:
    assert not merge_driver.is_installed(project)
    merge_driver.install(project, spy)
    merge_driver.install(project, spy)
    assert merge_driver.is_installed(project)
    merge_driver.uninstall(project)
    merge_driver.uninstall(project)
    assert not merge_driver.is_installed(project)
    assert "mlo" not in (project / ".git/config").read_text()
