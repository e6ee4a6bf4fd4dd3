import pytest

from mlops_cli.core import yaml_nodes
from mlops_cli.core.yaml_edit import is_editable, replaced
from mlops_cli.errors import RequestError

TEXT = """\
# größe
params:
  lr: 0.1  # the rate
  "odd name": 'x'
  list:
    - 1
    - 2
  deep: {depth: 3, on: true}   # flow
  text: >
    folded
    text
steps: {}
"""


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("lr",), 1e-05),
        (("lr",), None),
        (("odd name",), "größe: [x]"),
        (("list",), ["a", 2]),
        (("deep", "depth"), 4),
        (("deep", "on"), False),
        (("text",), "no #comment"),
        (("deep",), {"a": 1}),
    ],
)
def test_a_value_is_replaced_and_nothing_else(path: tuple[str, ...], value: object) -> None:
    edited = replaced(TEXT.encode(), {("params", *path): value}, where="x")
    expected = yaml_nodes.parse(TEXT.encode(), where="x").plain()
    inner = expected["params"]
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    assert yaml_nodes.parse(edited, where="x").plain() == expected
    assert edited.decode().startswith("# größe\nparams:\n")
    assert b"# flow" in edited
    assert edited.decode().endswith("steps: {}\n")


def test_several_are_replaced_at_once_and_what_is_not_there_is_let_be() -> None:
    edited = replaced(b"a: 1\nb: {c: 2}\n", {("b", "c"): 5, ("a",): 7, ("z",): 1}, where="x")
    assert edited == b"a: 7\nb: {c: 5}\n"


def test_what_is_no_yaml_is_refused() -> None:
    assert not is_editable(b"a: [")
    with pytest.raises(RequestError):
        replaced(b"a: [", {}, where="x")
