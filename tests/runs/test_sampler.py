"""What a run takes of its machine: sampled while it goes on, summed up at its end."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.runs import command, sampler
from mlops_cli.runs.gpu import Gpus
from mlops_cli.runs.sampler import Pace, Writer, summary
from mlops_cli.runs.system import Taken, Watched, own

BUSY = """
import os, time, sys
block = bytearray(60 * 2**20)
end = time.process_time() + 0.4
while time.process_time() < end: pass
"""
CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"


@pytest.mark.parametrize("code", [BUSY, CHILD])
def test_a_run_has_what_it_took_and_samples_of_it(repo: Repository, code: str) -> None:
    run = command.run(repo, (sys.executable, "-c", code), folder=repo.root, environ=os.environ)
    assert 0.35 < run.usage["cpu_s"] < 5
    assert run.usage["memory_peak_bytes"] > 60 * 2**20
    assert 0 < run.usage["cpu_mean"] < 2.5
    assert run.samples is not None
    lines = [json.loads(line) for line in repo.objects.get(run.samples).splitlines()]
    assert max(line["processes"] for line in lines) >= (2 if code == CHILD else 1)
    assert lines[-1]["cpu_s"] > 0
    assert all(line["memory"] > 0 for line in lines)


def test_a_short_command_has_no_samples_but_what_it_took(repo: Repository) -> None:
    run = command.run(repo, ("true",), folder=repo.root, environ=os.environ)
    assert run.samples is None
    assert run.usage["cpu_s"] < 0.2


def test_sampling_can_be_switched_off(repo: Repository) -> None:
    (repo.root / ".mlops.yaml").write_text("tracking: {system: false}\n")
    aside = open_repository(repo.root)
    run = command.run(aside, (sys.executable, "-c", BUSY), folder=repo.root, environ=os.environ)
    assert (dict(run.usage), run.samples) == ({}, None)


def test_a_process_that_left_its_group_still_counts() -> None:
    code = f"import os; os.setsid() if os.fork() == 0 else os.wait()\n{BUSY}"
    child = subprocess.Popen([sys.executable, "-c", code], process_group=0)
    watched = Watched()
    watched.add(child.pid)
    most = 0
    while child.poll() is None:
        most = max(most, watched.look().processes)
        time.sleep(0.01)
    assert most == 2


def test_what_ended_groups_took_stays_counted() -> None:
    watched = Watched()
    seen = 0.0
    for _ in range(2):
        child = subprocess.Popen([sys.executable, "-c", BUSY], process_group=0)
        watched.add(child.pid)
        while child.poll() is None:
            seen = watched.look().cpu_s
            time.sleep(0.02)
    assert seen > 0.6
    assert watched.look().cpu_s == pytest.approx(seen, abs=0.02)
    assert watched.look().processes == 0


def test_a_sample_takes_less_than_a_hundredth_of_the_time() -> None:
    pace = Pace(time.monotonic())
    pace.took(0.5)
    assert pace.due - time.monotonic() > 49
    pace = Pace(time.monotonic() - 3600)
    pace.took(0.0001)
    assert 15 < pace.due - time.monotonic() < 20
    begun = time.thread_time()
    for _ in range(20):
        own()
    assert (time.thread_time() - begun) / 20 < 0.01


def test_a_summary_comes_from_samples_alone_when_the_leader_was_killed(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "system.jsonl")
    for number in (1, 2, 3):
        gpu = {"use": 0.5, "memory": 7.0}
        writer.write(Taken(number, number * 10, number, 0, 1, 1), [gpu] if number > 1 else [])
    with (tmp_path / "system.jsonl").open("a") as file:
        file.write('{"memory": "x"}\n{"torn')
    assert summary(tmp_path / "system.jsonl", seconds=6.0, known={}) == {
        "cpu_mean": 0.5,
        "cpu_s": 3.0,
        "gpu_mean": 0.3333,
        "gpu_memory_peak_bytes": 7.0,
        "memory_mean_bytes": 20,
        "memory_peak_bytes": 30,
        "read_bytes": 3,
        "written_bytes": 0,
    }
    assert summary(tmp_path / "none", seconds=6.0, known={}) == {}


def test_gpus_are_read_from_the_drivers_own_program(tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(
        "#!/bin/sh\necho '0, 87, 1024, 250.50'\necho '1, [N/A], 2, [N/A]'\nexec sleep 60\n"
    )
    program.chmod(0o755)
    gpus = Gpus(str(program))
    try:
        end = time.monotonic() + 10
        while len(found := gpus.look()) < 2 and time.monotonic() < end:
            time.sleep(0.01)
    finally:
        gpus.close()
    assert found == [{"use": 0.87, "memory": 2**30, "watts": 250.5}, {"memory": 2 * 2**20}]
    assert Gpus(str(tmp_path / "none")).look() == []


def test_the_thread_ends_with_the_run(tmp_path: Path) -> None:
    one = sampler.Sampler(tmp_path / "system.jsonl")
    one.add(os.getpid())
    assert one.stop()["cpu_s"] >= 0
    import threading

    assert not [thread for thread in threading.enumerate() if thread.name == "mlo sampler"]
