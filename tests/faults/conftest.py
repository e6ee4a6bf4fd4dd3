"""A process that runs commands, each in a child that kills itself where it is told to."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SERVER = """
import json, os, signal, sys, threading
import mlops_cli.cli.commands.add, mlops_cli.cli.commands.gc, mlops_cli.cli.commands.push
import mlops_cli.cli.help, mlops_cli.data.add, mlops_cli.data.gc, mlops_cli.remotes.push
import mlops_cli.remotes.folder, zstandard, pyfastcdc, typer, subprocess
from mlops_cli.cli.main import run

CHANGES = ("fsync", "ftruncate", "link", "mkdir", "pwrite", "rename", "replace", "symlink",
           "unlink", "utime", "write", "writev")
seen = {"change": 0, "call": 0}

def arm(what, point):
    def pass_by(kind):
        seen[kind] += 1
        if kind == what and seen[kind] == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def deadly(real):
        def call(*arguments, **options):
            pass_by("change")
            return real(*arguments, **options)
        return call

    for name in CHANGES:
        setattr(os, name, deadly(getattr(os, name)))
    if what != "change":
        profile = lambda *_: pass_by("call")
        threading.setprofile(profile)
        sys.setprofile(profile)

for line in sys.stdin:
    job = json.loads(line)
    told, say = os.pipe()
    child = os.fork()
    if child == 0:
        os.chdir(job["cwd"])
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        real = os.write
        arm(job["what"], job["point"])
        code = run(job["arguments"])
        sys.setprofile(None)
        real(say, json.dumps(seen).encode())
        os._exit(code)
    os.close(say)
    answer = os.read(told, 1000)
    os.close(told)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps([status, json.loads(answer or b"{}")]), flush=True)
"""
"""Points are just before the nth change of the disk, or at the nth call of any function."""


class Point(NamedTuple):
    """Where to die: at which `change` of the disk or `call` of a function."""

    what: str
    number: int


class Doomed:
    """Runs `mlo` in processes that die with SIGKILL at a point."""

    def __init__(self, server: "subprocess.Popen[str]", folder: Path) -> None:
        self._server = server
        self._folder = folder

    def points(self, *arguments: str, many: int = 100) -> list[Point]:
        """Run a command to its end, and return so many points, spread over all of it.

        Every change of the disk is one, if there are not too many.
        """
        _, seen = self._run(Point("none", 0), arguments)
        changes = _spread("change", seen["change"], many // 2)
        return changes + _spread("call", seen["call"], many - len(changes))

    def killed(self, point: Point, *arguments: str) -> bool:
        """Run a command until a point; return whether it got that far."""
        status, _ = self._run(point, arguments)
        assert status in (0, -9), f"{arguments} ended with {status} instead of dying at {point}"
        return status != 0

    def _run(self, point: Point, arguments: tuple[str, ...]) -> tuple[int, dict[str, int]]:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        job = {
            "cwd": str(self._folder), "what": point.what, "point": point.number,
            "arguments": arguments,
        }  # fmt: skip
        self._server.stdin.write(json.dumps(job) + "\n")
        self._server.stdin.flush()
        status, seen = json.loads(self._server.stdout.readline())
        return status, seen


def _spread(what: str, count: int, many: int) -> list[Point]:
    if count <= many:
        return [Point(what, number) for number in range(1, count + 1)]
    return [Point(what, 1 + number * (count - 1) // (many - 1)) for number in range(many)]


@pytest.fixture
def doomed(project: Path) -> Iterator[Doomed]:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Doomed(server, project)
    finally:
        server.communicate()
