import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.core.config_steps import Out, Step
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
    assert caught.value.hint == "mlo run train"


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
