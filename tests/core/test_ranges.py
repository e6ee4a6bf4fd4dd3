"""Ranges: what people write for a parameter that is searched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.core import ranges
from mlops_cli.errors import RequestError

KNOWN = [
    ("uniform(0, 1)", None, None),
    ("uniform( -1.5,1e2 , 0.5)", 204, None),
    ("log(1e-4, 1e-1)", None, None),
    ("int(2, 8)", 7, [2, 3, 4, 5, 6, 7, 8]),
    ("int(0, 10, 4)", 3, [0, 4, 8]),
    ("logint(1, 4)", 4, [1, 2, 3, 4]),
    ("uniform(0, 0.3, 0.1)", 4, [0.0, 0.1, 0.2, 0.3]),
    ("uniform(2, 2)", 1, [2.0]),
    ("choice(a, 'b, c', 1, 1.0, true, null)", 6, ["a", "b, c", 1, 1.0, True, None]),
    ('choice("(x)", ü)', 2, ["(x)", "ü"]),
]


@pytest.mark.parametrize(("text", "count", "points"), KNOWN)
def test_a_range_knows_its_values(text: str, count: int | None, points: list[object]) -> None:
    found = ranges.parse(text, where="x")
    assert found.count == count
    if points is not None:
        assert found.points() == points
        assert [type(one) for one in found.points()] == [type(one) for one in points]


WRONG = [
    ("int(1, 2", "this '(' is not closed", 3),
    ("int(1 2)", "'1 2' is no number", 4),
    ("int(1,,2)", "a value is missing", 6),
    ("int()", "a value is missing", 4),
    ("int(1)", "needs the lowest and the highest", 4),
    ("int(1, 2, 3, 4)", "no more than 3 numbers", 13),
    ("log(1, 2, 3)", "no more than 2 numbers", 10),
    ("int(1.5, 2)", "no whole number", 4),
    ("uniform(3, 1)", "above the highest", 8),
    ("uniform(0, 1, 0)", "a step is above 0", 14),
    ("uniform(0, inf)", "no number with an end", 11),
    ("log(0, 1)", "log begins above 0", 4),
    ("choice(a, b, a)", "there twice", 13),
    ("choice('a, b)", "this ' is not closed", 7),
    ("choice(no, yes)", "this is no value", 7),
    ("loguniform(1, 2)", "no kind of range", 0),
    ("int(1, 2) + 1", "nothing may come after", 9),
    ("int(1, (2))", "'(' means nothing here", 7),
]


@pytest.mark.parametrize(("text", "what", "at"), WRONG)
def test_what_does_not_parse_is_pointed_at(text: str, what: str, at: int) -> None:
    with pytest.raises(RequestError) as caught:
        ranges.parse(text, where="--set x")
    first, shown, caret = caught.value.message.split("\n")
    assert first.startswith("--set x: ")
    assert what in first
    assert shown.strip() == text
    assert caret.index("^") - (len(shown) - len(shown.lstrip())) == at


def test_a_kind_of_another_library_leads_to_ours() -> None:
    with pytest.raises(RequestError) as caught:
        ranges.parse("loguniform(1, 2)", where="x")
    assert caught.value.hint == "write it as log(1e-4, 1e-1)"


@given(st.text(max_size=40))
def test_any_text_is_a_range_or_refused(text: str) -> None:
    try:
        found = ranges.parse(text, where="x")
    except RequestError:
        return
    assert found.kind in ranges.KINDS


@given(st.integers(-1000, 1000), st.integers(0, 50), st.integers(1, 9))
def test_whole_numbers_stay_within_their_ends(low: int, width: int, step: int) -> None:
    points = ranges.parse(f"int({low}, {low + width}, {step})", where="x").points()
    assert points == list(range(low, low + width + 1, step))
