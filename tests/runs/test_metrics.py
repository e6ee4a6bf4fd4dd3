import pytest

from mlops_cli.errors import RequestError
from mlops_cli.runs.metrics import Logged, merge, read_file


@pytest.mark.parametrize(
    ("name", "text"),
    [("m.json", '{"a": {"b": 1.5}, "n": NaN, "t": "x"}'), ("m.yaml", "a: {b: 1.5}\nt: x\n")],
)
def test_files_give_their_numbers_by_dotted_name(tmp_path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    found = read_file(tmp_path / name, where=name)
    assert found["a.b"] == 1.5
    assert "t" not in found
    assert found.get("n", "nan") == "nan"


def test_a_file_that_cannot_be_parsed_is_named(tmp_path) -> None:
    (tmp_path / "m.json").write_text("{")
    with pytest.raises(RequestError, match=r"'m.json' is not valid JSON"):
        read_file(tmp_path / "m.json", where="m.json")


def test_the_last_value_of_a_name_counts_for_each_step() -> None:
    logged = Logged()
    logged.take({"metrics": {"loss": 3}, "by": "a"})
    logged.take({"metrics": {"loss": 2}, "by": "a"})
    logged.take({"metrics": {"loss": 9}})
    assert logged.last == {"a": {"loss": 2}, "": {"loss": 9}}


def test_a_name_with_two_values_stands_for_neither() -> None:
    assert merge({"a": {"auc": 1}, "b": {"auc": 2}}) == {"a.auc": 1, "b.auc": 2}
    assert merge({"a": {"auc": 1}, "b": {"auc": 1}}) == {"auc": 1}


def test_a_series_of_nothing_but_nan_says_so() -> None:
    logged = Logged()
    for _ in range(2):
        logged.take({"metrics": {"a": "nan", "b": "-inf"}})
    assert logged.series(()) == {
        "a": {"count": 2, "min": "nan", "max": "nan"},
        "b": {"count": 2, "min": "-inf", "max": "-inf"},
    }


def test_spreads_are_told_apart_where_the_values_are() -> None:
    logged = Logged()
    for step, value in (("a", 1), ("a", 3), ("b", 5), ("b", 7), ("", 9), ("", 8)):
        logged.take({"metrics": {"auc": value}, **({"by": step} if step else {})})
    assert logged.series(["a.auc", "b.auc", "run.auc"]) == {
        "a.auc": {"count": 2, "min": 1, "max": 3},
        "b.auc": {"count": 2, "min": 5, "max": 7},
        "run.auc": {"count": 2, "min": 8, "max": 9},
    }
    assert logged.series(["auc"]) == {"auc": {"count": 6, "min": 1, "max": 9}}
