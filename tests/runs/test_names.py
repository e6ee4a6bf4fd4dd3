import pytest

from mlops_cli.errors import RequestError
from mlops_cli.runs.names import check_name, name_of


def test_names_spread_over_the_words() -> None:
    names = {name_of(f"{number:012x}") for number in range(0, 3000, 7)}
    assert len(names) > 400


@pytest.mark.parametrize("name", ["last", "best:auc", "beef", "1a", "", "-x", "a b", "x" * 65])
def test_names_that_mean_something_else_are_refused(name: str) -> None:
    with pytest.raises(RequestError, match="cannot name a run"):
        check_name(name)


@pytest.mark.parametrize("name", ["baseline", "deep-8", "v1.2", "Fable"])
def test_other_names_are_fine(name: str) -> None:
    check_name(name)
