"""Work shared by processes gives what one process gives, and leaves none of them behind."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_cli.core import workers
from mlops_cli.errors import ExternalError, IntegrityError


def children() -> set[str]:
    """Return the processes that this one has started and that are not gone."""
    threads = Path("/proc/self/task").iterdir()
    return {pid for thread in threads for pid in (thread / "children").read_text().split()}


def squares(part: range, advance: Callable[[int], None]) -> bytes:
    for _ in part:
        advance(1)
    return b",".join([b"%d" % (number * number) for number in part])


def test_each_part_is_answered_in_its_place_and_all_steps_are_told() -> None:
    parts = [range(500), range(500, 600), range(600, 2_000)]
    steps: list[int] = []
    answers = workers.share(parts, squares, steps.append)
    assert answers == [squares(part, lambda _: None) for part in parts]
    assert sum(steps) == 2_000


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_an_error_in_any_part_is_raised_here_as_it_was(bad: int) -> None:
    def work(part: int, _: Callable[[int], None]) -> bytes:
        if part == bad:
            raise IntegrityError(f"part {part} is damaged", hint="mlo fsck")
        return b""

    before = children()
    with pytest.raises(IntegrityError, match=f"part {bad} is damaged") as caught:
        workers.share([0, 1, 2], work, lambda _: None)
    assert caught.value.hint == "mlo fsck"
    assert children() <= before


def test_a_worker_that_is_killed_is_an_error() -> None:
    def work(part: int, _: Callable[[int], None]) -> bytes:
        if part:
            os.kill(os.getpid(), signal.SIGKILL)
        return b""

    with pytest.raises(ExternalError, match="killed by signal 9"):
        workers.share([0, 1], work, lambda _: None)


def test_many_short_jobs_get_a_process_a_core_and_few_get_one() -> None:
    code = (
        "from mlops_cli.core.workers import helpful\n"
        "print(helpful(10, least=100), helpful(1_000_000, least=100))"
    )
    # a process of its own: one that has run other tests may have threads left from them
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", str(min(len(os.sched_getaffinity(0)), 8))]


def test_nothing_is_forked_beside_other_threads() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert workers.helpful(1_000_000, least=100) == 1
    finally:
        done.set()
        thread.join()


def test_workers_end_when_who_asked_is_killed(tmp_path: Path) -> None:
    code = f"""
import os, signal, time
from pathlib import Path
from mlops_cli.core import workers

def work(part, advance):
    if part == 0:
        while not Path({str(tmp_path / "pid")!r}).exists():
            pass
        os.kill(os.getpid(), signal.SIGKILL)
    Path({str(tmp_path / "writing")!r}).write_text(str(os.getpid()))
    Path({str(tmp_path / "writing")!r}).rename({str(tmp_path / "pid")!r})
    while True:
        advance(1)

workers.share([0, 1], work, lambda _: None)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)  # the pipe would stay open
    assert done.returncode == -signal.SIGKILL
    pid = int((tmp_path / "pid").read_text())
    while True:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            break
        if state == "Z":
            break


def test_large_content_is_hashed_also_in_a_process_that_was_forked_after_its_parent_hashed(
    tmp_path: Path,
) -> None:
    program = """
from pathlib import Path
from mlops_cli.core import workers
from mlops_cli.core.repository import create

repo = create(Path("."))
oids = [repo.objects.put(bytes([n]) * 30_000_000) for n in range(2)]

def work(oid, advance):
    with open(oid, "xb") as file:
        repo.objects.write_to(file.fileno(), oid)
    return b""

work(oids[0], None)
workers.share([oids[0] + "-", oids[1]], lambda oid, _: b"" if oid[64:] else work(oid, _), print)
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=60)
    assert sum(len(path.name) == 64 for path in tmp_path.iterdir()) == 2
