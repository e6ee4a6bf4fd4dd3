import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.core.config_steps import Out, Reference, Step
from mlops_cli.errors import RequestError
from mlops_cli.pipeline.graph import build


def step(name: str, deps: str = "", outs: str = "", metrics: str = "") -> Step:
    return Step(
        name,
        "true",
        deps=tuple(deps.split()),
        outs=tuple(map(Out, outs.split())),
        metrics=tuple(map(Out, metrics.split())),
    )


def graph(*steps: Step):
    return build({one.name: one for one in steps})


def test_steps_come_after_those_that_they_need() -> None:
    found = graph(step("c", "b.csv"), step("b", "a.csv", "b.csv"), step("a", "raw", "a.csv"))
    assert list(found.steps) == ["a", "b", "c"]
    assert found.needs == {"a": (), "b": ("a",), "c": ("b",)}


def test_free_steps_keep_the_order_they_are_written_in() -> None:
    assert list(graph(step("z"), step("a"), step("m")).steps) == ["z", "a", "m"]


def test_a_file_inside_an_output_folder_needs_its_step() -> None:
    found = graph(step("use", "model/weights.bin"), step("train", "", "model"))
    assert found.needs["use"] == ("train",)


def test_a_folder_that_holds_an_output_needs_its_step() -> None:
    found = graph(step("use", "data"), step("make", "", "data/train.csv"))
    assert found.needs["use"] == ("make",)


def test_a_metrics_file_is_an_output_too() -> None:
    found = graph(step("plot", "metrics.json"), step("evaluate", "", "", "metrics.json"))
    assert found.needs["plot"] == ("evaluate",)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((step("a", "y", "x"), step("b", "x", "y")), "in a circle: "),
        ((step("a", "z", "x"), step("b", "x", "y"), step("c", "y", "z")), "in a circle: "),
        ((step("a", "x", "x"),), "step 'a' depends on its own output 'x'"),
        ((step("a", "data", "data/x"),), "step 'a' depends on its own output 'data'"),
        ((step("a", "", "x"), step("b", "", "x")), "steps 'a' and 'b' both write 'x'"),
        ((step("a", "", "x"), step("b", "", "", "x")), "steps 'a' and 'b' both write 'x'"),
        ((step("a", "", "d"), step("b", "", "d/x")), "step 'b' writes 'd/x' inside 'd', which"),
    ],
)
def test_a_wrong_graph_names_what_is_wrong(steps: tuple[Step, ...], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        graph(*steps)


def test_a_circle_is_told_with_a_place_to_break_it() -> None:
    with pytest.raises(RequestError) as caught:
        graph(step("a", "y", "x"), step("b", "x", "y"))
    assert caught.value.message == "steps need each other in a circle: b -> a -> b"
    assert "which 'b' needs and 'a' makes" in (caught.value.hint or "")


def test_only_some_steps_bring_those_that_they_need() -> None:
    found = graph(step("a", "", "x"), step("b", "x", "y"), step("c", "x"), step("d", "y"))
    assert list(found.only(["d"]).steps) == ["a", "b", "d"]


def test_an_unknown_step_suggests_the_nearest() -> None:
    with pytest.raises(RequestError, match="there is no step 'trian'") as caught:
        graph(step("train")).only(["trian"])
    assert caught.value.hint == "did you mean 'train'?"


@given(st.lists(st.lists(st.integers(0, 30), max_size=4), max_size=30))
def test_every_acyclic_graph_is_put_in_order(needs: list[list[int]]) -> None:
    steps = [
        step(str(i), " ".join({f"o{n % i}" for n in wanted} if i else ()), f"o{i}")
        for i, wanted in enumerate(needs)
    ]
    found = build({one.name: one for one in reversed(steps)})
    order = list(found.steps)
    assert sorted(order) == sorted(one.name for one in steps)
    for name, others in found.needs.items():
        assert all(order.index(other) < order.index(name) for other in others)


def test_a_long_chain_needs_no_deep_stack() -> None:
    steps = [step(str(i), f"o{i - 1}" if i else "", f"o{i}") for i in range(3000)]
    assert len(graph(*reversed(steps)).steps) == 3000


def test_a_pattern_needs_the_steps_whose_outputs_may_match() -> None:
    found = graph(
        step("sum", "out/*.csv"), step("a", "", "out/a.csv"), step("b", "", "out/b.txt other")
    )
    assert found.needs["sum"] == ("a",)
    assert graph(step("use", "model/*.bin"), step("fit", "", "model")).needs["use"] == ("fit",)
    with pytest.raises(RequestError, match=r"which its own output 'data/clean\.csv' matches"):
        graph(step("clean", "data/*.csv", "data/clean.csv"))


def test_a_step_may_need_all_of_another_or_of_a_group() -> None:
    parts = [replace(step(f"t@{i}", "", f"o{i}"), group="t") for i in range(3)]
    found = graph(replace(step("sum"), steps=("t",)), *parts)
    assert found.needs["sum"] == ("t@0", "t@1", "t@2")
    assert list(found.only(["t"]).steps) == ["t@0", "t@1", "t@2"]
    assert list(found.only(["t@1"]).steps) == ["t@1"]
    assert list(found.downstream(["t@1"]).steps) == ["t@1", "sum"]
    with pytest.raises(RequestError, match="step 't@0' depends on its own output 't'"):
        graph(replace(parts[0], steps=("t",)))


def test_downstream_is_what_needs_a_step_and_no_more() -> None:
    found = graph(step("a", "", "x"), step("b", "x", "y"), step("c", "y"), step("d", "", "z"))
    assert list(found.downstream(["b"]).steps) == ["b", "c"]
    assert found.downstream(["b"]).needs == {"b": (), "c": ("b",)}


def test_a_step_is_off_where_its_condition_does_not_hold_and_so_are_those_behind_it() -> None:
    steps = {
        "a": replace(step("a", "", "x"), when="params.use and depth > 3"),
        "b": step("b", "x", "y"),
        "c": step("c", "x raw", "z"),
        "d": step("d", "y other"),
        "e": step("e", "", "other"),
    }
    assert set(build(steps, {"use": True, "depth": 4}).steps) == set("abcde")
    found = build(steps, {"use": True, "depth": 3})
    assert list(found.steps) == ["e", "d"]
    assert found.needs["d"] == ("e",)
    assert found.off["a"] == "'params.use and depth > 3' does not hold"
    assert found.off["b"] == "it needs only what a makes, which is off"
    assert (found.is_off("y"), found.is_off("other"), found.is_off("raw")) == (True, False, False)
    with pytest.raises(RequestError, match="step 'b' is off: it needs only"):
        found.only(["b"])


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (Step("a", "x", param_files={"p.yaml": ()}), "reads parameters from 'p.yaml', which step"),
        (Step("a", "x", steps=("none",)), "needs the step 'none', which is not there"),
        (
            Step("a", "x", references=(Reference("model", "m@v1", "p.yaml"),)),
            "has model 'm@v1' put at 'p.yaml', where step 'p' writes 'p.yaml'",
        ),
    ],
)
def test_what_cannot_be_known_before_it_is_made_is_refused(made: Step, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        graph(replace(made, where=".mlops.yaml:7: "), step("p", "", "p.yaml"))


def test_a_wrong_graph_says_where_it_is_written() -> None:
    one, two = (
        replace(step(n, d, o), where=f"f:{n}: ") for n, d, o in (("1", "y", "x"), ("2", "x", "y"))
    )
    with pytest.raises(RequestError, match=r"^f:2: steps need each other in a circle: 2 -> 1 -> 2"):
        graph(one, two)


def test_thousands_of_steps_make_a_graph_at_once() -> None:
    many = [step(f"a{i}", "src/*.py raw", f"out/{i}/m.csv") for i in range(1500)]
    users = [step(f"b{i}", f"out/{i}/m.csv", f"b/{i}") for i in range(1500)]
    begun = time.perf_counter()
    found = graph(*users, *many, step("sum", "b out/*/m.csv"))
    assert time.perf_counter() - begun < 1.5
    assert len(found.needs["sum"]) == 3000
    assert len(found.only(["b7"]).steps) == 2
