import pytest

from mlops_cli.errors import RequestError
from mlops_cli.runs.params import fill, override, pick

PARAMS = {"train": {"depth": 5, "name": "a b"}, "seed": 7, "sizes": [1, 2]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("0.5", 0.5),
        ("1e-4", 1e-4),
        ("true", True),
        ("null", None),
        ('"7"', "7"),
        ("[1, 2]", [1, 2]),
        ("linear", "linear"),
        ("", None),
        ("a=b", "a=b"),
    ],
)
def test_values_are_typed_as_in_yaml(text: str, value: object) -> None:
    assert override(PARAMS, [f"train.depth={text}"])["train"]["depth"] == value


def test_the_given_parameters_stay_as_they_were() -> None:
    override(PARAMS, ["train.depth=3"])
    assert PARAMS["train"]["depth"] == 5


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(RequestError, match=r"no parameter 'train.dept'") as caught:
        override(PARAMS, ["train.dept=3"])
    assert caught.value.hint == "did you mean 'train.depth'?"


def test_a_project_without_parameters_takes_any_name() -> None:
    assert override({}, ["train.depth=3", "seed=1"]) == {"train": {"depth": 3}, "seed": 1}


@pytest.mark.parametrize("text", ["depth", "=3", "a..b=1", "a b=1"])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="is not name=value"):
        override(PARAMS, [text])


def test_a_value_that_is_no_yaml_is_refused_by_name() -> None:
    with pytest.raises(RequestError, match=r"'--set seed=\[1' is not valid YAML: "):
        override(PARAMS, ["seed=[1"])


def test_a_group_stands_for_all_in_it() -> None:
    picked = pick(PARAMS, ["train", "seed"], step="train")
    assert picked == {"train.depth": 5, "train.name": "a b", "seed": 7}


def test_a_missing_parameter_names_the_step() -> None:
    with pytest.raises(RequestError, match="step 'train' needs the parameter 'sed'"):
        pick(PARAMS, ["sed"], step="train")


def test_values_are_quoted_for_the_shell_and_not_for_a_list() -> None:
    assert fill("x ${train.name} ${sizes}", PARAMS, step="s") == "x 'a b' 1 2"
    assert fill(("x", "${train.name}"), PARAMS, step="s") == ("x", "a b")


def test_shell_variables_can_be_written() -> None:
    assert (
        fill("x $HOME $${HOME} ${HOME:-y} $1", PARAMS, step="s") == "x $HOME ${HOME} ${HOME:-y} $1"
    )
    with pytest.raises(RequestError) as caught:
        fill("x ${HOME}", PARAMS, step="s")
    assert caught.value.hint == "write $${HOME} for a variable of the shell"


def test_a_group_cannot_be_filled_in() -> None:
    with pytest.raises(RequestError, match="is a group of parameters"):
        fill("x ${train}", PARAMS, step="s")
