"""Git with `mlo hooks install`, as users have it: real git, which calls the real program."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Mlo, git, unwatched

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Said:
    """How a git command ended, and what it and its hooks said."""

    code: int
    text: str


def run_git(*words: str, code: int | None = 0, cwd: Path | None = None) -> Said:
    environment = {**os.environ, "GIT_EDITOR": "true", "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(
        ["git", *words],
        cwd=cwd,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    assert code is None or done.returncode == code, f"git {' '.join(words)}:\n{done.stdout}"
    return Said(done.returncode, done.stdout)


@pytest.fixture
def hooked(project: Path, mlo_here: Mlo) -> Path:
    """Return a project with the hooks, and the folder `data` of three files versioned."""
    mlo_here("hooks", "install")
    save(project, mlo_here, {"a": "1", "b": "1", "c": "1"}, "First")
    return project


def save(project: Path, mlo_here: Mlo, files: dict[str, str | None], message: str) -> None:
    """Write files of the folder `data` (None deletes), version it, commit its pointer."""
    (project / "data").mkdir(exist_ok=True)
    for name, text in files.items():
        if text is None:
            (project / "data" / name).unlink()
        else:
            (project / "data" / name).write_text(text)
    mlo_here("add", "data")
    commit(message)


def commit(message: str) -> None:
    """Commit everything without calling a hook, which another test does."""
    run_git("add", "--all")
    run_git("-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message", message)


def held(project: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((project / "data").iterdir())}


def is_clean(mlo_here: Mlo) -> bool:
    return mlo_here("status", "--exit-code", code=None).code == 0


# -- data follows git


def test_a_branch_switch_takes_data_along(hooked: Path, mlo_here: Mlo) -> None:
    run_git("switch", "--create", "side")
    save(hooked, mlo_here, {"a": "2", "c": None, "d": "2"}, "Side")
    assert "mlo: data: 2 files written, 1 removed\n" in run_git("switch", "main").text
    assert held(hooked) == {"a": "1", "b": "1", "c": "1"}
    run_git("checkout", "side")
    assert held(hooked) == {"a": "2", "b": "1", "d": "2"}
    assert is_clean(mlo_here)


def test_unsaved_work_is_carried_over_as_git_does_with_code(hooked: Path, mlo_here: Mlo) -> None:
    run_git("switch", "--create", "side")
    save(hooked, mlo_here, {"a": "2"}, "Side")
    (hooked / "data/b").write_text("mine")
    (hooked / "data/new").write_text("mine")
    run_git("switch", "main")
    assert held(hooked) == {"a": "1", "b": "mine", "c": "1", "new": "mine"}


def test_unsaved_work_is_never_overwritten_and_told(hooked: Path, mlo_here: Mlo) -> None:
    (hooked / "one.csv").write_text("1")
    mlo_here("add", "one.csv")
    commit("One")
    run_git("switch", "--create", "side")
    (hooked / "one.csv").write_text("2")
    mlo_here("add", "one.csv")
    save(hooked, mlo_here, {"a": "2", "b": "2"}, "Side")
    (hooked / "data/a").write_text("mine")
    (hooked / "one.csv").write_text("mine")
    done = run_git("switch", "main")
    assert held(hooked) == {"a": "mine", "b": "1", "c": "1"}
    assert (hooked / "one.csv").read_text() == "mine"
    assert "stays, though git has other versions of it now: 'a'\n" in done.text
    assert "'one.csv' stays as you changed it, though git has another version" in done.text
    assert "mlo add one.csv, or give it up: mlo checkout --force one.csv" in done.text
    assert git(hooked, "branch", "--show-current") == "main\n"


def test_checking_a_pointer_out_takes_its_data_along(hooked: Path, mlo_here: Mlo) -> None:
    save(hooked, mlo_here, {"a": "2"}, "Second")
    run_git("checkout", "HEAD~1", "--", "data.mlo")
    assert held(hooked)["a"] == "1"
    run_git("checkout", "HEAD", "--", "data.mlo")
    assert held(hooked)["a"] == "2"
    (hooked / "data/a").write_text("unsaved")
    assert "would be lost" in run_git("checkout", "HEAD~1", "--", "data.mlo").text
    assert held(hooked)["a"] == "unsaved"


def test_checking_another_file_out_leaves_data_alone(hooked: Path, mlo_here: Mlo) -> None:
    save(hooked, mlo_here, {"a": "2"}, "Second")
    (hooked / "data/b").write_text("edited")
    mlo_here("add", "data")
    (hooked / "data/b").write_text("edited more")
    assert "mlo" not in run_git("checkout", "HEAD", "--", ".mlops.yaml").text
    assert held(hooked)["b"] == "edited more"
    run_git("checkout", "HEAD", "--", "data.mlo")
    mlo_here("checkout", "--force", "--rev", "HEAD~1")
    assert "mlo" not in run_git("checkout", "HEAD", "--", ".mlops.yaml").text
    assert held(hooked)["a"] == "1"


def test_data_without_a_pointer_on_a_branch_goes_and_comes_back(
    hooked: Path, mlo_here: Mlo
) -> None:
    run_git("switch", "--create", "side")
    (hooked / "deep").mkdir()
    (hooked / "deep/one.csv").write_text("1")
    mlo_here("add", "deep/one.csv")
    commit("One")
    assert "mlo: deep/one.csv: removed\n" in run_git("switch", "main").text
    assert not (hooked / "deep").exists()
    run_git("switch", "side")
    assert (hooked / "deep/one.csv").read_text() == "1"
    (hooked / "deep/one.csv").write_text("unsaved")
    assert "'deep/one.csv' stays: its pointer is gone" in run_git("switch", "main").text
    assert (hooked / "deep/one.csv").read_text() == "unsaved"


def test_data_that_git_keeps_on_another_branch_is_gits(hooked: Path, mlo_here: Mlo) -> None:
    (hooked / "one.csv").write_text("1")
    run_git("add", "one.csv")
    run_git("commit", "--quiet", "--message", "In git")
    run_git("switch", "--create", "side")
    run_git("rm", "--cached", "--quiet", "one.csv")
    mlo_here("add", "one.csv")
    commit("In mlo")
    (hooked / "one.csv").unlink()
    run_git("switch", "main")
    assert (hooked / "one.csv").read_text() == "1"


def test_a_rebase_moves_data_once_and_not_when_given_up(hooked: Path, mlo_here: Mlo) -> None:
    run_git("switch", "--create", "side")
    save(hooked, mlo_here, {"a": "side"}, "Side")
    run_git("switch", "main")
    save(hooked, mlo_here, {"b": "main"}, "Main")
    run_git("switch", "side")
    run_git("rebase", "main")
    assert held(hooked) == {"a": "side", "b": "main", "c": "1"}
    save(hooked, mlo_here, {"b": "side"}, "Side again")
    run_git("switch", "main")
    save(hooked, mlo_here, {"b": "main again"}, "Main again")
    run_git("switch", "side")
    before = held(hooked)
    assert "both sides changed 'data/b'" in run_git("rebase", "main", code=1).text
    run_git("rebase", "--abort")
    assert held(hooked) == before
    run_git("rebase", "main", code=1)
    mlo_here("merge", "--take", "theirs")
    run_git("rebase", "--continue")
    assert held(hooked) == {"a": "side", "b": "side", "c": "1"}
    assert is_clean(mlo_here)


def test_fast_forwards_take_data_along(hooked: Path, mlo_here: Mlo) -> None:
    run_git("branch", "behind")
    run_git("branch", "rebased")
    save(hooked, mlo_here, {"a": "2"}, "Second")
    run_git("switch", "behind")
    assert held(hooked)["a"] == "1"
    run_git("merge", "main")
    assert held(hooked)["a"] == "2"
    run_git("switch", "rebased")
    run_git("rebase", "main")
    assert held(hooked)["a"] == "2"


def test_a_cherry_picked_version_is_checked_out(hooked: Path, mlo_here: Mlo) -> None:
    run_git("switch", "--create", "side")
    save(hooked, mlo_here, {"a": "2"}, "Side")
    run_git("switch", "main")
    run_git("cherry-pick", "side")
    assert held(hooked)["a"] == "2"


def test_a_new_work_tree_has_its_data_from_the_other_store(
    hooked: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    run_git("branch", "side")
    tree = tmp_path / "tree"
    run_git("worktree", "add", str(tree), "side")
    assert held(tree) == {"a": "1", "b": "1", "c": "1"}
    save(hooked, mlo_here, {"a": "2"}, "Second")
    run_git("merge", "main", cwd=tree)
    assert held(tree)["a"] == "2"
    assert held(hooked)["a"] == "2"
    run_git("checkout", "HEAD~1", cwd=tree)
    assert (held(tree)["a"], held(hooked)["a"]) == ("1", "2")


def test_in_a_submodule_and_below_the_top_hooks_work_too(
    tmp_path: Path, project: Path, mlo_here: Mlo
) -> None:
    outer = tmp_path / "outer"
    git(tmp_path, "init", "--quiet", "outer")
    run_git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(project), "sub",
            cwd=outer)  # fmt: skip
    inner = outer / "sub/deep/project"
    mlo_here("init", inner, "--nested")
    mlo_here("hooks", "install", cwd=inner)
    assert (outer / ".git/modules/sub/hooks/pre-push").is_file()
    (inner / "raw.csv").write_text("1")
    mlo_here("add", "raw.csv", cwd=inner)
    run_git("add", "--all", cwd=inner)
    run_git("commit", "--quiet", "--message", "One", cwd=inner)
    (inner / "raw.csv").write_text("2")
    mlo_here("add", "raw.csv", cwd=inner)
    run_git("commit", "--quiet", "--all", "--message", "Two", cwd=inner)
    assert "deep/project/raw.csv: 1 file written" in run_git("checkout", "HEAD~1", cwd=inner).text
    assert (inner / "raw.csv").read_text() == "1"


def test_content_that_was_not_fetched_is_told_and_git_goes_on(
    hooked: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    run_git("switch", "--create", "side")
    save(hooked, mlo_here, {"a": "2"}, "Side")
    git(tmp_path, "clone", "--quiet", str(hooked), "clone")
    clone = tmp_path / "clone"
    mlo_here("hooks", "install", cwd=clone)
    done = run_git("checkout", "main", cwd=clone)
    assert "mlo: the content of 'data' is not in this store\n  try: mlo pull\n" in done.text


# -- merges


@pytest.fixture
def diverged(hooked: Path, mlo_here: Mlo) -> Path:
    """Return a project on `main`, and a branch `side`: both changed `b`, and files of their own."""
    run_git("switch", "--quiet", "--create", "side")
    save(hooked, mlo_here, {"a": "side", "b": "side", "s": "side"}, "Side")
    run_git("switch", "--quiet", "main")
    save(hooked, mlo_here, {"b": "main", "c": "main", "m": "main"}, "Main")
    return hooked


def test_a_merge_of_a_folder_has_what_both_sides_changed(hooked: Path, mlo_here: Mlo) -> None:
    run_git("switch", "--create", "side")
    save(hooked, mlo_here, {"a": "side", "s": "side", "c": None}, "Side")
    run_git("switch", "main")
    save(hooked, mlo_here, {"b": "main", "m": "main"}, "Main")
    run_git("merge", "--no-edit", "side")
    assert held(hooked) == {"a": "side", "b": "main", "m": "main", "s": "side"}
    assert is_clean(mlo_here)
    assert run_git("status", "--short").text == ""


def test_a_conflict_names_the_file_and_is_settled_by_taking_a_side(
    diverged: Path, mlo_here: Mlo
) -> None:
    done = run_git("merge", "side", code=1)
    assert "mlo: both sides changed 'data/b': changed here, changed there\n" in done.text
    assert held(diverged)["b"] == "main"
    listed = mlo_here("merge", code=1)
    assert listed.stdout == "data: 1 open conflict\n  data/b: changed here, changed there\n"
    told = "conflicts that a git merge left: mlo merge\n  data/b\n"
    assert mlo_here("status", "--exit-code", code=1).stdout == told
    assert "mlo merge --take ours PATH" in listed.stderr
    assert mlo_here("merge", "--take", "theirs", "data/b").stdout == "data: merged and staged\n"
    assert held(diverged) == {"a": "side", "b": "side", "c": "main", "m": "main", "s": "side"}
    run_git("commit", "--no-edit")
    assert is_clean(mlo_here)
    assert mlo_here("merge").stderr == "nothing to do: no merge left a pointer open\n"


def test_conflicts_can_be_settled_one_by_one(diverged: Path, mlo_here: Mlo) -> None:
    save(diverged, mlo_here, {"a": "main"}, "Main again")
    run_git("merge", "side", code=1)
    mlo_here("merge", "--take", "theirs", "data/a", code=1)
    (still,) = mlo_here("merge", "--json", code=1).json
    assert [one["path"] for one in still["open"]] == ["b"]
    mlo_here("merge", "--take", "ours", "data/b")
    assert (held(diverged)["a"], held(diverged)["b"]) == ("side", "main")
    assert "nothing conflicts in 'data/a'" in mlo_here("merge", "data/a", code=2).stderr


def test_a_conflict_nobody_settled_is_not_committed_by_accident(
    diverged: Path, mlo_here: Mlo
) -> None:
    run_git("merge", "side", code=1)
    run_git("add", "--all")
    done = run_git("commit", "--no-edit", code=1)
    assert "both sides of the merge changed 'b', and neither was chosen" in done.text
    mlo_here("merge", "--take", "ours")
    run_git("commit", "--no-edit")
    assert held(diverged)["b"] == "main"


def test_a_conflict_can_be_settled_by_hand(diverged: Path, mlo_here: Mlo) -> None:
    run_git("merge", "side", code=1)
    mlo_here("checkout")
    (diverged / "data/b").write_text("main and side")
    mlo_here("add", "data")
    run_git("add", "--all")
    run_git("commit", "--no-edit")
    assert held(diverged) == {
        "a": "side", "b": "main and side", "c": "main", "m": "main", "s": "side"
    }  # fmt: skip


def test_status_tells_a_conflict_until_it_is_settled(diverged: Path, mlo_here: Mlo) -> None:
    run_git("merge", "side", code=1)
    assert json.loads(mlo_here("status", "--json").stdout)["conflicts"] == {"data": ["data/b"]}
    (diverged / "data/b").write_text("both")
    mlo_here("add", "data")
    assert json.loads(mlo_here("status", "--json").stdout)["conflicts"] == {}


def test_an_aborted_merge_leaves_nothing_behind(diverged: Path, mlo_here: Mlo) -> None:
    before = held(diverged)
    run_git("merge", "side", code=1)
    run_git("merge", "--abort")
    assert held(diverged) == before
    assert is_clean(mlo_here)
    assert "nothing to do" in mlo_here("merge").stderr
    run_git("commit", "--allow-empty", "--message", "Go on")


def test_unsaved_work_survives_a_merge_and_its_conflicts(diverged: Path, mlo_here: Mlo) -> None:
    (diverged / "data/c").write_text("unsaved")
    run_git("merge", "side", code=1)
    mlo_here("merge", "--take", "theirs")
    assert held(diverged)["c"] == "unsaved"
    assert held(diverged)["b"] == "side"


def test_without_the_driver_mlo_merge_finishes_what_git_left(diverged: Path, mlo_here: Mlo) -> None:
    run_git("config", "--remove-section", "merge.mlo")
    run_git("merge", "side", code=1)
    assert "<<<<<<<" in (diverged / "data.mlo").read_text()
    mlo_here("merge", code=1)
    mlo_here("merge", "--take", "theirs")
    assert held(diverged) == {"a": "side", "b": "side", "c": "main", "m": "main", "s": "side"}
    run_git("commit", "--no-edit")


def test_a_merge_of_what_was_not_fetched_says_so_and_can_be_finished(
    diverged: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    mlo_here("remote", "add", "origin", str(tmp_path / "store"))
    commit("Remote")
    mlo_here("push")
    git(tmp_path, "clone", "--quiet", str(diverged), "clone")
    clone = tmp_path / "clone"
    mlo_here("hooks", "install", cwd=clone)
    mlo_here("pull", "origin", "data", cwd=clone)
    run_git("-C", str(clone), "config", "user.name", "Bob")
    for tree in clone.glob(".mlo/packs/*"):
        tree.unlink()
    done = run_git("merge", "origin/side", code=1, cwd=clone)
    assert "cannot merge 'data'" in done.text
    assert "try: mlo fetch, then: mlo merge" in done.text
    mlo_here("fetch", "--all", cwd=clone)
    mlo_here("merge", code=1, cwd=clone)
    mlo_here("merge", "--take", "theirs", cwd=clone)
    assert held(clone)["b"] == "side"


def test_a_single_file_that_both_changed_is_one_conflict(hooked: Path, mlo_here: Mlo) -> None:
    (hooked / "one.csv").write_text("1")
    mlo_here("add", "one.csv")
    commit("One")
    for branch in ("side", "other"):
        run_git("switch", "--quiet", "--create", branch, "main")
        (hooked / "one.csv").write_text(branch)
        mlo_here("add", "one.csv")
        commit(branch)
    done = run_git("merge", "side", code=1)
    assert "both sides changed 'one.csv': changed here, changed there" in done.text
    mlo_here("merge", "--take", "theirs", "one.csv")
    assert (hooked / "one.csv").read_text() == "side"


def test_lock_files_merge_step_by_step(hooked: Path, mlo_here: Mlo) -> None:
    (hooked / ".mlops.yaml").write_text(
        "params: {x: 0, y: 0}\nsteps:\n"
        "  x: {cmd: 'echo ${x} > x', params: [x], outs: [x]}\n"
        "  y: {cmd: 'echo ${y} > y', params: [y], outs: [y]}\n"
    )

    def ran(x: int, y: int, message: str) -> None:
        settings = hooked / ".mlops.yaml"
        text = settings.read_text().partition("\n")[2]
        settings.write_text(f"params: {{x: {x}, y: {y}}}\n{text}")
        mlo_here("run")
        commit(message)

    ran(0, 0, "Base")
    run_git("switch", "--create", "side")
    ran(1, 0, "Side")
    run_git("switch", "main")
    assert (hooked / "x").read_text() == "0\n"
    ran(0, 1, "Main")
    run_git("merge", "side", code=1)  # the settings conflict, which is the user's to settle
    run_git("checkout", "--theirs", ".mlops.yaml")
    text = (hooked / ".mlops.yaml").read_text().replace("y: 0}", "y: 1}", 1)
    (hooked / ".mlops.yaml").write_text(text)
    run_git("commit", "--all", "--no-edit")
    assert ((hooked / "x").read_text(), (hooked / "y").read_text()) == ("1\n", "1\n")
    assert is_clean(mlo_here)
    run_git("switch", "--create", "again")
    ran(2, 1, "Again")
    run_git("switch", "main")
    ran(3, 1, "Main again")
    said = run_git("merge", "-X", "ours", "again").text
    assert "both sides ran the step 'x' anew, so it is stale now; try: mlo run" in said
    assert [one["name"] for one in mlo_here("status", "--json").json["stale"]] == ["x"]


# -- pre-commit


def test_a_large_file_is_not_committed_by_accident(hooked: Path, mlo_here: Mlo) -> None:
    with (hooked / "big.bin").open("wb") as file:
        file.truncate(50 * MIB)
    run_git("add", "big.bin")
    done = run_git("commit", "--message", "Big", code=1)
    assert done.text == (
        "mlo: 'big.bin': it has 50.0 MiB, more than the 10 MiB that git is to have in one file\n"
        "  try: git rm --cached big.bin && mlo add big.bin\n"
        "nothing was committed; to commit all the same: git commit --no-verify\n"
    )
    (hooked / ".mlops.yaml").write_text(f"hooks: {{max_file_bytes: {50 * MIB}}}\n")
    run_git("commit", "--message", "Big")


@pytest.mark.parametrize("how", [["--all"], ["big.bin"], ["--include", "big.bin"], ["--amend"]])
def test_every_way_to_commit_is_looked_at(hooked: Path, how: list[str]) -> None:
    (hooked / ".mlops.yaml").write_text("hooks: {max_file_bytes: 1000}\n")
    (hooked / "big.bin").write_text("small")
    commit("Small")
    (hooked / "big.bin").write_bytes(bytes(1001))
    if how == ["--amend"]:
        run_git("add", "big.bin")
    assert "'big.bin': it has 0.0 MiB" in run_git("commit", "--message", "Big", *how, code=1).text


def test_what_is_not_in_this_commit_is_not_looked_at(hooked: Path) -> None:
    (hooked / ".mlops.yaml").write_text("hooks: {max_file_bytes: 1000}\n")
    (hooked / "big.bin").write_bytes(bytes(1001))
    (hooked / "small").touch()
    run_git("add", "--all")
    run_git("commit", "--message", "Small", "small")
    run_git("commit", "--message", "Big", code=1)


def test_bytes_that_have_a_pointer_are_not_committed(hooked: Path) -> None:
    run_git("add", "--force", "data/a")
    done = run_git("commit", "--message", "Bytes", code=1)
    assert "'data/a': its bytes are versioned by 'data.mlo'" in done.text
    assert "try: git rm -r --cached data\n" in done.text


def test_pointers_that_are_wrong_are_not_committed(hooked: Path) -> None:
    pointer = hooked / "data.mlo"
    good = pointer.read_text()
    pointer.write_text(good.replace("kind: folder", "kind: dir"))
    assert "data.mlo:3: 'kind' is" in run_git("commit", "--all", "-m", "Bad", code=1).text
    pointer.write_text(good.replace(good.split()[3], "0" * 64))
    done = run_git("commit", "--all", "--message", "Nothing", code=1)
    assert "'data.mlo': the content that it names is not in this store" in done.text


def test_data_that_changed_after_add_is_told_and_committed_as_it_was(
    hooked: Path, mlo_here: Mlo
) -> None:
    (hooked / "data/a").write_text("2")
    mlo_here("add", "data")
    (hooked / "data/a").write_text("3")
    done = run_git("commit", "--all", "--message", "Second")
    assert "mlo: note: 'data.mlo': the data beside it has changed since" in done.text
    assert "try: mlo add data && git add data.mlo\n" in done.text


def test_a_commit_of_code_reminds_of_data_that_was_edited(hooked: Path, mlo_here: Mlo) -> None:
    (hooked / "code.py").write_text("pass\n")
    run_git("add", "code.py")
    assert "mlo" not in run_git("commit", "--message", "Code").text
    (hooked / "data/a").write_text("2")
    (hooked / "code.py").write_text("print()\n")
    done = run_git("commit", "--all", "--message", "More code")
    assert "mlo: note: 'data': it was edited since it was added, and this commit keeps" in done.text
    assert "try: mlo add data && git add data.mlo\n" in done.text
    (hooked / "data").rename(hooked / "elsewhere")
    done = run_git("commit", "--allow-empty", "--message", "Data that is not there is no edit")
    assert "mlo" not in done.text


def test_the_first_commit_is_looked_at_too(tmp_path: Path, mlo_here: Mlo) -> None:
    mlo_here("init", tmp_path / "new")
    mlo_here("hooks", "install", cwd=tmp_path / "new")
    (tmp_path / "new/.mlops.yaml").write_text("hooks: {max_file_bytes: 1000}\n")
    (tmp_path / "new/big").write_bytes(bytes(1001))
    run_git("add", "--all", cwd=tmp_path / "new")
    run_git("commit", "--message", "First", code=1, cwd=tmp_path / "new")


# -- pre-push


@pytest.fixture
def shared(hooked: Path, mlo_here: Mlo, tmp_path: Path) -> Path:
    """Return a project with a git remote and an mlo remote, both empty folders."""
    git(tmp_path, "init", "--quiet", "--bare", "code.git")
    run_git("remote", "add", "origin", str(tmp_path / "code.git"))
    mlo_here("remote", "add", "origin", str(tmp_path / "store"))
    commit("Remote")
    return hooked


def test_git_push_sends_every_version_that_its_commits_name(
    shared: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    save(shared, mlo_here, {"a": "2"}, "Second")
    save(shared, mlo_here, {"a": "3"}, "Third")
    (shared / "data/a").write_text("never committed")
    mlo_here("add", "data")
    assert "mlo: sent " in run_git("push", "origin", "main").text
    assert "mlo" not in run_git("push", "origin", "main").text
    git(tmp_path, "clone", "--quiet", str(tmp_path / "code.git"), "clone")
    clone = tmp_path / "clone"
    mlo_here("fetch", "--all", cwd=clone)
    for rev, text in (("HEAD", "3"), ("HEAD~1", "2"), ("HEAD~2", "1")):
        assert mlo_here("cat", f"data/a@{rev}", cwd=clone).stdout == text
    lacking = mlo_here("status", "--json").json["unpushed"]
    assert [one["remote"] for one in lacking] == ["origin"]


def test_a_failing_data_push_stops_git_and_says_how_to_get_round(
    shared: Path, tmp_path: Path
) -> None:
    (tmp_path / "store").write_text("not a folder")
    done = run_git("push", "origin", "main", code=1)
    assert "git has pushed nothing, since the data could not go first" in done.text
    assert "git push --no-verify" in done.text
    assert git(tmp_path / "code.git", "branch") == ""
    run_git("push", "--no-verify", "origin", "main")


def test_without_an_mlo_remote_git_push_is_gits(hooked: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "code.git")
    assert "mlo: " not in run_git("push", str(tmp_path / "code.git"), "main").text


def test_deleting_and_tagging_are_pushed_too(shared: Path, tmp_path: Path) -> None:
    run_git("push", "origin", "main:side")
    run_git("push", "origin", "--delete", "side")
    run_git("tag", "--annotate", "v1", "--message", "One")
    run_git("push", "origin", "v1")
    assert git(tmp_path / "code.git", "tag") == "v1\n"


def test_new_versions_that_are_nowhere_stop_the_push(shared: Path, tmp_path: Path) -> None:
    run_git("push", "origin", "main")
    pointer = shared / "data.mlo"
    pointer.write_text(pointer.read_text().replace(pointer.read_text().split()[3], "0" * 64))
    run_git("commit", "--all", "--no-verify", "--message", "Nothing")
    done = run_git("push", "origin", "main", code=1)
    assert "the content of 'data' is neither in this store nor on 'origin'" in done.text


def test_a_clone_without_the_bytes_can_push_code(
    shared: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    run_git("push", "origin", "main")
    git(tmp_path, "clone", "--quiet", str(tmp_path / "code.git"), "clone")
    clone = tmp_path / "clone"
    mlo_here("hooks", "install", cwd=clone)
    run_git("checkout", "-b", "code", cwd=clone)
    (clone / "train.py").touch()
    run_git("add", "train.py", cwd=clone)
    run_git("commit", "--message", "Code", cwd=clone)
    run_git("push", "origin", "code", cwd=clone)


# -- what it costs


def test_a_checkout_that_changes_no_pointer_loads_next_to_nothing(hooked: Path) -> None:
    run_git("checkout", "--quiet", "main")  # looks at the pointer that `mlo add` wrote
    now = git(hooked, "rev-parse", "HEAD").strip()
    watch = (
        "import sys; from mlops_cli.cli.main import run\n"
        f"code = run(['hooks', 'run', 'post-checkout', '{now}', '{now}', '1'])\n"
        "heavy = {'typer', 'rich', 'numpy', 'pandas', 'git', 'mlops_cli.data.follow'}\n"
        "sys.exit(code or ' '.join(heavy & set(sys.modules)) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", watch], env=unwatched(), capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


# -- installing


def test_install_says_what_each_hook_is_for_and_uninstall_takes_them_out(
    project: Path, mlo: Mlo
) -> None:
    done = mlo("hooks", "install")
    assert f"hooks in {project}/.git/hooks\n" in done.stdout
    assert "  pre-push       installed: data goes before code\n" in done.stdout
    assert "  merge driver   installed: folders merge file by file\n" in done.stdout
    assert "next: git add .gitattributes" in done.stderr
    assert mlo("hooks", "install").stdout == mlo("hooks", "status").stdout == done.stdout
    held_now = mlo("hooks", "status", "--json").json
    assert {one["state"] for one in held_now["hooks"]} == {"installed"}
    gone = mlo("hooks", "uninstall").stdout
    assert "  pre-push       missing: data goes before code\n" in gone
    assert run_git("status", "--short").text == ""


def test_a_hook_of_others_runs_before_ours(hooked: Path, mlo_here: Mlo) -> None:
    mlo_here("hooks", "uninstall")
    hook = hooked / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho theirs; exit 0\n")
    hook.chmod(0o755)
    told = mlo_here("hooks", "install").stdout
    assert "pre-commit     installed, after pre-commit.before-mlo: no large file" in told
    run_git("add", "--force", "data/a")
    said = run_git("commit", "--message", "Bytes", code=1).text
    assert said.startswith("theirs\nmlo: 'data/a'")
    mlo_here("hooks", "uninstall")
    assert hook.read_text() == "#!/bin/sh\necho theirs; exit 0\n"


def test_with_a_hooks_path_of_the_repository_hooks_go_there(project: Path, mlo_here: Mlo) -> None:
    run_git("config", "core.hooksPath", "tools/hooks")
    done = mlo_here("hooks", "install")
    assert f"hooks in {project}/tools/hooks\n" in done.stdout
    assert "these hooks are in the work tree, for every clone" in done.stderr
    save(project, mlo_here, {"a": "1"}, "First")
    save(project, mlo_here, {"a": "2"}, "Second")
    run_git("checkout", "HEAD~1")
    assert held(project) == {"a": "1"}


def test_husky_is_told_and_left_alone(project: Path, mlo_here: Mlo) -> None:
    run_git("config", "core.hooksPath", ".husky/_")
    done = mlo_here("hooks", "install", code=3)
    assert "husky keeps the git hooks" in done.stderr
    assert 'mlo hooks run pre-commit "$@"' in done.stderr


def test_calls_that_only_git_makes_say_what_is_wrong(project: Path, mlo_here: Mlo) -> None:
    assert "there is no hook 'nothing'" in mlo_here("hooks", "run", "nothing", code=2).stderr
    assert "git calls `mlo merge-pointer" in mlo_here("merge-pointer", "x", code=2).stderr
    assert "there is no hook ''" in mlo_here("hooks", "run", code=2).stderr
