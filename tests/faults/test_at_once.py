"""Several commands at once: none loses or breaks what another does."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mlops_cli.core.repository import open_repository
from mlops_cli.data.fsck import check
from mlops_cli.data.ignore import ignore
from tests.conftest import Mlo, git, in_threads

MLO = Path(sys.executable).parent / "mlo"


def at_once(*commands: tuple[Path, tuple[str, ...]]) -> list[int]:
    """Run commands, each in its folder, all at once; return their exit codes."""
    started = [
        subprocess.Popen(
            [MLO, *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        for folder, arguments in commands
    ]
    for process in started:
        said = process.communicate()[1].decode()
        assert "Traceback" not in said, said
    return [process.returncode for process in started]


def assert_whole(root: Path) -> None:
    found = check(open_repository(root))
    assert (found.problems, found.absent) == ((), ())


def test_two_adds_of_the_same_and_of_different_files(project: Path, mlo_here: Mlo) -> None:
    for number in range(3):
        names = [f"one{number}", f"two{number}", "both"]
        for name in names:
            (project / name).write_text(f"{name} {number}\n" * 20_000)
        codes = at_once((project, ("add", names[0], "both")), (project, ("add", names[1], "both")))
        assert codes == [0, 0]
        for name in names:
            assert mlo_here("cat", name).stdout == (project / name).read_text()
    assert_whole(project)
    seen = git(project, "ls-files", "--others", "--exclude-standard").split()
    assert [name for name in seen if not name.endswith(".mlo")] == []


GC = """
import sys
from pathlib import Path
from mlops_cli.core.repository import open_repository
from mlops_cli.data.gc import collect

print("go", flush=True)
for number in range(int(sys.argv[2])):
    collect(open_repository(Path(sys.argv[1])), removed=tuple, grace_s=0)
"""


def test_an_add_of_what_a_gc_is_about_to_drop(project: Path, mlo_here: Mlo) -> None:
    """Contents come and go: each is garbage from an earlier round when it is added again."""
    from mlops_cli.data.add import add

    collector = subprocess.Popen(
        [sys.executable, "-c", GC, str(project), "12"], stdout=subprocess.PIPE, text=True
    )
    assert collector.stdout is not None
    collector.stdout.readline()
    number = 0
    while collector.poll() is None:
        (project / "data").write_text(f"content {number % 3}\n" * 10_000)
        repo = open_repository(project)
        (added,) = add(repo, [project / "data"])
        assert open_repository(project).objects.get(added.oid)
        number += 1
    collector.communicate()
    assert collector.returncode == 0
    assert number > 5
    assert_whole(project)


def test_two_gcs_at_once(project: Path, mlo_here: Mlo) -> None:
    repo = open_repository(project)
    (project / "kept").write_text("kept")
    mlo_here("add", "kept")
    for number in range(10):
        repo.objects.put(b"garbage %d" % number)
    assert at_once(*[(project, ("gc", "--older-than", "0d"))] * 2) == [0, 0]
    assert len(list(repo.layout.packs.iterdir())) == 1
    assert_whole(project)


def test_of_two_pushes_at_once_nothing_is_lost(
    project: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    mlo_here("remote", "add", "origin", tmp_path / "remote")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Remote")
    other = tmp_path / "other"
    git(project, "clone", "--quiet", str(project), str(other))
    for round_ in range(3):
        for folder, name in ((project, "here"), (other, "there")):
            (folder / f"{name}{round_}").write_text(f"{name} {round_}\n" * 10_000)
            mlo_here("add", f"{name}{round_}", cwd=folder)
        assert at_once((project, ("push",)), (other, ("push",))) == [0, 0]
    for folder in (project, other):
        mlo_here("fetch", "--all", cwd=folder)
        objects = open_repository(folder).objects
        for pointer in (*project.glob("*.mlo"), *other.glob("*.mlo")):
            if pointer.is_file():
                oid = pointer.read_text().split()[3]
                assert objects.get(oid)  # type: ignore[arg-type]  # read from a pointer
        assert_whole(folder)


def test_a_reader_goes_on_while_packs_go(project: Path) -> None:
    repo = open_repository(project)
    with repo.objects.writer() as writer:
        oids = [writer.put(b"%d" % number) for number in range(200)]
    reader = open_repository(project)
    assert reader.objects.get(oids[0]) == b"0"
    from mlops_cli.data.gc import collect

    collect(repo, removed=tuple, grace_s=0)
    assert os.listdir(repo.layout.packs) == []
    assert [reader.objects.get(oid) for oid in oids] == [b"%d" % n for n in range(200)]


def test_threads_that_write_hold_one_lock_together(project: Path) -> None:
    repo = open_repository(project)

    def work(number: int) -> None:
        for step in range(20):
            with repo.writing():
                repo.objects.put(b"%d %d" % (number, step))

    assert in_threads(work, 4) == []
    from mlops_cli.core.writing import alone

    with alone(repo.layout.writing, wait_s=0):
        pass


@pytest.mark.parametrize("command", ["add", "push", "gc", "fsck", "status"])
def test_a_deleted_index_is_no_loss(
    project: Path, mlo_here: Mlo, tmp_path: Path, command: str
) -> None:
    (project / "data").write_text("data")
    mlo_here("remote", "add", "origin", tmp_path / "remote")
    mlo_here("add", "data")
    mlo_here("run", "--", "true")
    mlo_here("runs", "list")
    for name in ("index.db", "index.db-wal", "index.db-shm", "stat"):
        (project / ".mlo" / name).unlink(missing_ok=True)
    mlo_here(command, *(["data"] if command == "add" else []))
    assert "true" in mlo_here("runs", "list").stdout
    assert_whole(project)


def test_everybody_gets_a_line_in_gitignore(project: Path) -> None:
    def work(number: int) -> None:
        for step in range(10):
            ignore(project, f"data {number} {step}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = (project / ".gitignore").read_text().splitlines()
    assert {f"/data {number} {step}" for number in range(6) for step in range(10)} <= set(lines)
