"""Runs of code that end soon one after the other: recorded together, and seen at once."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mlops_cli import api
from mlops_cli.audit import chain
from mlops_cli.audit.verification import verify
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.runs import find, sink, together
from mlops_cli.runs.index import open_index
from tests.conftest import Mlo


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLO_QUIET", "1")


@pytest.fixture
def apart(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A project in which nothing was recorded within the last second."""
    monkeypatch.chdir(repo.root)
    monkeypatch.setattr(together, "_waiting", together._Waiting())
    monkeypatch.setattr(together, "TOGETHER_S", 3600.0)
    return repo


def short(loss: float, *artifacts: str) -> str:
    with api.start_run() as run:
        api.log_metric("loss", loss)
        for path in artifacts:
            api.log_artifact(path)
    return run.key


def recorded(repo: Repository) -> int:
    again = open_repository(repo.root)
    return len(list(again.objects.each(Kind.RUN)))


def test_the_first_is_recorded_as_it_ends_and_those_soon_after_wait(apart: Repository) -> None:
    short(1.0)
    assert recorded(apart) == 1
    for _ in range(4):
        short(2.0)
    assert recorded(apart) == 1
    assert len(os.listdir(apart.layout.open_runs)) == 4


def test_many_are_recorded_in_one_pack_with_a_chain_that_holds(apart: Repository) -> None:
    short(0.0)
    before = len(open_repository(apart.root).objects.packs())
    keys = [short(float(number)) for number in range(6)]
    api.flush()
    again = open_repository(apart.root)
    assert len(again.objects.packs()) == before + 1
    assert [entry.subject for entry in chain.entries(again)][-6:] == keys
    assert verify(again).sound
    assert os.listdir(apart.layout.open_runs) == []


def test_what_waits_is_seen_by_whoever_looks_at_runs(apart: Repository, mlo_here: Mlo) -> None:
    keys = [short(float(number)) for number in range(3)]
    assert recorded(apart) == 1
    assert [one["key"] for one in mlo_here("runs", "list", "--json").json["runs"]] == keys[::-1]
    short(-7.0)
    assert find.resolve(open_repository(apart.root), "best:loss").metrics == {"loss": -7.0}
    key = short(8.0)
    assert find.resolve(open_repository(apart.root), key).key == key


def test_what_a_reader_has_recorded_is_not_recorded_again(apart: Repository) -> None:
    short(0.0)
    key = short(1.0)
    find.resolve(open_repository(apart.root), key)
    api.flush()
    subjects = [entry.subject for entry in chain.entries(open_repository(apart.root))]
    assert subjects.count(key) == 1


def test_what_was_logged_of_the_work_tree_is_kept_as_it_was_when_the_run_ended(
    apart: Repository,
) -> None:
    short(0.0)
    found = {}
    for text in ("first", "second"):
        (apart.root / "model").write_text(text)
        found[short(1.0, "model")] = text
    again = open_repository(apart.root)
    for key, text in found.items():
        made = find.resolve(again, key).output("model")
        assert made is not None
        assert again.objects.get(made.oid) == text.encode()


def test_a_second_later_all_that_waits_is_recorded_with_the_next(
    apart: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    short(0.0)
    short(1.0)
    monkeypatch.setattr(together, "TOGETHER_S", -1.0)
    short(2.0)
    assert recorded(apart) == 3


def test_a_fork_leaves_what_waits_to_its_parent(apart: Repository) -> None:
    short(0.0)
    short(1.0)
    child = os.fork()
    if child == 0:
        os._exit(len(together._waiting.take(None)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(together._waiting.take(None)) == 1


def test_a_fork_that_goes_on_does_not_keep_runs_from_being_recorded(apart: Repository) -> None:
    short(0.0)
    ready, done = os.pipe()
    with api.start_run() as run:
        child = os.fork()
        if child == 0:
            os.close(done)
            os.read(ready, 1)
            os._exit(0)
    try:
        api.flush()
        assert recorded(apart) == 2
        assert find.resolve(open_repository(apart.root), run.key).status == "done"
    finally:
        os.close(done)
        os.waitpid(child, 0)
        os.close(ready)


SCRIPT = """\
import os, signal, sys
import mlops_cli.api as mlo
for number in range(5):
    with mlo.start_run(name=f"part{number}"):
        mlo.log_metric("loss", number)
if sys.argv[1] == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("how", ["end", "kill"])
def test_nothing_is_lost_when_the_process_ends_or_is_killed(repo: Repository, how: str) -> None:
    script = Path("short.py")
    (repo.root / script).write_text(textwrap.dedent(SCRIPT))
    done = subprocess.run([sys.executable, script, how], cwd=repo.root, capture_output=True)
    assert done.returncode == (0 if how == "end" else -signal.SIGKILL), done.stderr
    if how == "end":
        assert recorded(repo) == 5
        assert os.listdir(repo.layout.open_runs) == []
    again = open_repository(repo.root)
    last = find.resolve(again, "last")
    assert (last.name, last.status, last.metrics) == ("part4", "done", {"loss": 4})
    with open_index(again) as index:
        assert len(index.ids()) == 5
    assert verify(again).sound


def test_workers_are_told_only_where_there_may_be_some(
    apart: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink, "_forked", False)
    monkeypatch.delitem(sys.modules, "multiprocessing.process", raising=False)
    with api.start_run():
        assert not list(apart.layout.open_runs.glob(".script-*"))
    monkeypatch.setattr(sink, "_forked", True)
    monkeypatch.setenv("MLO_SCRIPT", f"{os.getpid()}-00")
    with api.start_run():
        assert list(apart.layout.open_runs.glob(".script-*"))
    assert not list(apart.layout.open_runs.glob(".script-*"))
