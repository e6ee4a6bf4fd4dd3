from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.pipeline.rails import draw


def drawn(needs: dict[str, list[str]]) -> list[str]:
    return [f"{rails} {name or ''}".rstrip() for rails, name in draw(needs)]


def test_steps_that_do_not_follow_each_other_do_not_touch() -> None:
    assert drawn({"a": [], "b": [], "c": ["b"]}) == ["* a", "", "* b", "* c"]


def test_rails_cross_those_of_others() -> None:
    assert drawn(
        {"a": [], "b": ["a"], "x": ["b"], "y": ["b"], "c": ["x", "y"], "d": ["c", "a"]}
    ) == [
        "* a",
        "├─╮",
        "* │ b",
        "├─┼─╮",
        "* │ │ x",
        "│ │ * y",
        "├─┼─╯",
        "* │ c",
        "├─╯",
        "* d",
    ]


@given(st.lists(st.lists(st.integers(0, 20), max_size=4), max_size=20))
def test_every_node_is_drawn_once_where_its_rails_end(wanted: list[list[int]]) -> None:
    needs = {
        str(at): list(dict.fromkeys(str(one % at) for one in ones)) if at else []
        for at, ones in enumerate(wanted)
    }
    lines = draw(needs)
    assert [name for _, name in lines if name] == list(needs)
    for (rails, name), (before, _) in zip(lines[1:], lines, strict=False):
        if name and needs[name]:
            at = rails.index("*")
            assert before[at : at + 1] in ("*", "│", "├", "┬", "╮", "┼")
