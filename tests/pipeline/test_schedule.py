from mlops_cli.core.config_steps import Step
from mlops_cli.pipeline.graph import Graph
from mlops_cli.pipeline.schedule import Schedule


def graph(needs: dict[str, list[str]], **resources: dict[str, float]) -> Graph:
    steps = {name: Step(name, "true", resources=resources.get(name, {"cpus": 1})) for name in needs}
    return Graph(steps, {name: tuple(some) for name, some in needs.items()})


def taken(schedule: Schedule) -> list[str]:
    found = []
    while (name := schedule.next()) is not None:
        if not schedule.fits(name):
            schedule.put_back(name)
            break
        schedule.begin(name)
        found.append(name)
    return found


def test_a_step_comes_only_after_all_that_it_needs() -> None:
    schedule = Schedule(graph({"a": [], "b": [], "c": ["a", "b"]}), {"cpus": 8})
    assert taken(schedule) == ["a", "b"]
    schedule.done("a")
    assert taken(schedule) == []
    schedule.done("b")
    assert taken(schedule) == ["c"]


def test_no_more_begin_than_there_is_room_for() -> None:
    schedule = Schedule(graph({"a": [], "b": [], "c": []}), {"cpus": 2})
    assert taken(schedule) == ["a", "b"]
    schedule.end("a")
    assert taken(schedule) == ["c"]


def test_of_a_resource_that_is_not_counted_there_is_one() -> None:
    gpu = {"cpus": 1.0, "gpu": 1.0}
    schedule = Schedule(graph({"a": [], "b": []}, a=gpu, b=gpu), {"cpus": 8})
    assert taken(schedule) == ["a"]


def test_a_step_that_wants_more_than_there_is_runs_alone() -> None:
    schedule = Schedule(graph({"a": [], "big": []}, big={"cpus": 16.0}), {"cpus": 2})
    assert taken(schedule) == ["a"]
    schedule.end("a")
    assert taken(schedule) == ["big"]


def test_needs_outside_of_the_graph_are_met() -> None:
    schedule = Schedule(graph({"b": ["elsewhere"]}), {"cpus": 1})
    assert taken(schedule) == ["b"]
