"""What every engine keeps to: each task comes to one end, whatever becomes of the workers."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlops_cli.errors import ExternalError
from mlops_cli.pipeline.engines.dask_futures import DaskEngine
from mlops_cli.pipeline.engines.engine import Engine, Event, Task, each
from mlops_cli.pipeline.engines.local import LocalEngine
from tests.pipeline.engines.works import work
from tests.servers.dask_cluster import TOP, DaskCluster, dask_cluster

WAIT_S = 60


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path_factory.mktemp("dask")) as found:
        yield found


@pytest.fixture(params=["local", "dask"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.syspath_prepend(str(TOP))
    made: Engine
    if request.param == "local":
        made = LocalEngine(work, jobs=2)
    else:
        made = DaskEngine(work, url=request.getfixturevalue("cluster").url)
    yield made
    made.close()


def ends(events: list[Event]) -> dict[str, str]:
    """Return how each task ended; a task that ended twice fails the test."""
    finals = [event for event in events if event.final]
    assert len({event.key for event in finals}) == len(finals)
    return {event.key: event.kind for event in finals}


def wait_for(engine: Engine, holds: Callable[[list[Event]], bool]) -> list[Event]:
    found: list[Event] = []
    while not holds(found):
        news = engine.events(WAIT_S)
        assert news, f"nothing more came after {found}"
        found += news
    return found


def test_every_task_is_done_once_and_answered(engine: Engine) -> None:
    events = list(each(engine, [Task(str(n), {"n": n}) for n in range(20)]))
    assert {event.key: event.value for event in events if event.final} == {
        str(n): 2 * n for n in range(20)
    }
    assert set(ends(events).values()) == {"done"}


def test_a_task_that_raises_fails_alone_and_says_why(engine: Engine) -> None:
    events = list(each(engine, [Task("a", {"fail": "no such\nrow"}), Task("b", {"n": 1})]))
    assert ends(events) == {"a": "failed", "b": "done"}
    assert [event.value for event in events if event.key == "a"] == ["ValueError: no such row"]


def test_a_task_whose_worker_is_killed_is_done_again(engine: Engine, tmp_path: Path) -> None:
    tasks = [Task("a", {"die_once": str(tmp_path / "died"), "n": 4}), Task("b", {"n": 1})]
    events = list(each(engine, tasks))
    assert ends(events) == {"a": "done", "b": "done"}
    assert (tmp_path / "died").exists()


def test_a_task_that_kills_every_worker_is_lost_alone(engine: Engine) -> None:
    tasks = [Task("poison", {"die": True}), *(Task(str(n), {"n": n}) for n in range(6))]
    events = list(each(engine, tasks))
    ended = ends(events)
    assert ended.pop("poison") == "lost"
    assert ended == {str(n): "done" for n in range(6)}, events


def test_a_task_reports_on_the_way_and_ends_early_when_asked(engine: Engine) -> None:
    engine.submit(Task("a", {"wait": True}))
    (report,) = wait_for(engine, bool)
    assert (report.kind, report.key) == ("report", "a")
    assert report.value["pid"] != os.getpid()
    engine.stop("a")
    (end,) = wait_for(engine, bool)
    assert (end.kind, end.value) == ("done", "stopped")


def test_what_waits_for_room_can_be_stopped_too(engine: Engine) -> None:
    for name in "abcd":
        engine.submit(Task(name, {"wait": True}))
    seen = wait_for(engine, lambda found: sum(one.kind == "report" for one in found) == 2)
    first = {event.key for event in seen}
    for name in sorted(set("abcd") - first) + sorted(first):
        engine.stop(name)
    found = wait_for(engine, lambda found: len(ends(found)) == 4)
    assert {ends(found)[name] for name in first} == {"done"}


def test_a_local_process_that_is_killed_while_idle_costs_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(TOP))
    engine = LocalEngine(work, jobs=1)
    try:
        engine.submit(Task("a", {"wait": True}))
        (report,) = wait_for(engine, bool)
        engine.stop("a")
        assert ends(wait_for(engine, bool)) == {"a": "done"}
        os.kill(report.value["pid"], signal.SIGKILL)
        assert ends(list(each(engine, [Task("b", {"n": 3})]))) == {"b": "done"}
    finally:
        engine.close()


def test_a_scheduler_that_is_not_there_is_told_as_such() -> None:
    from mlops_cli.pipeline.engines import dask_futures

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dask_futures, "_CONNECT_S", 0.5)
        with pytest.raises(ExternalError, match="no Dask scheduler answers"):
            DaskEngine(work, url="dask://127.0.0.1:1")
