import math
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.core.conditions import MISSING, compared
from mlops_cli.core.expression import parse
from mlops_cli.errors import RequestError

RUN: dict[str, Any] = {
    "metrics.auc": 0.93,
    "auc": 0.93,
    "params.depth": 6,
    "params.model": "tree",
    "params.lr": "0.1",
    "params.fast": True,
    "params.none": None,
    "val/loss": 0.5,
    "broken": math.nan,
    "endless": math.inf,
    "größe": 3,
    "any text": 1,
}


def holds(text: str) -> bool:
    return parse(text, where="--filter").holds(lambda name: RUN.get(name, MISSING))


@pytest.mark.parametrize(
    "text",
    [
        "metrics.auc > 0.9 and params.depth <= 6",
        "auc > 0.9",
        "0.9 < auc < 0.95",
        "auc>.9 && !(params.depth>6)",
        "auc < 0.5 or params.depth = 6",
        "not auc < 0.5",
        "params.model == 'tree'",
        'params.model == "tree"',
        "params.model in ('forest', 'tree',)",
        "params.model not in ('forest', 'linear')",
        "params.model ~ '^tr'",
        "params.model like 'TR%'",
        "params.model not like 'x%'",
        "params.lr == 0.1",
        "params.depth == '6'",
        "params.fast",
        "params.fast == true",
        "params.none == null",
        "val/loss == 0.5",
        "broken == nan",
        "endless > 1e308",
        "endless == inf and auc > -inf",
        "größe >= 3",
        "`any text` == 1",
        "params.depth > auc",
        "auc > 1 and auc > 2 or auc > 0",
        "auc < 1" + "0" * 5000,
    ],
)
def test_it_holds(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "nothing > 1",
        "nothing != 1",
        "nothing",
        "params.fast == 1",
        "params.model > 3",
        "params.model == 3",
        "params.none",
        "broken > 0",
        "broken < 0",
        "auc > 1 or auc > 2 and auc > 0",
    ],
)
def test_it_does_not_hold(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize(
    ("text", "what", "place"),
    [
        ("auc >", "a name or a value is missing after '>'", 5),
        ("auc > and x", "a name or a value is missing after '>'", 6),
        ("auc 0.9", "'and' or 'or' is missing", 4),
        ("(auc > 1", "this '(' is not closed", 0),
        ("auc > 1)", "this ')' closes nothing", 7),
        ("name == 'x", "this ' is not closed", 8),
        ("auc > 1a", "this is no number", 6),
        ("auc # 1", "'#' means nothing here", 4),
        ("auc in 1", "'in' needs a list", 7),
        ("auc in (a)", "a text needs quotes", 8),
        ("model ~ '('", "this is no regular expression", 8),
        ("model like 3", "'like' needs a text", 11),
        ("", "a condition is missing", 0),
        ("and", "a name or a value is missing", 0),
        ("大きさ > ", "a name or a value is missing after '>'", 9),
        ("__import__('os')", "'and' or 'or' is missing", 10),
        ("auc > -", "'-' means nothing here", 6),
        ("(" * 5000 + "a", "more than 64 conditions", None),
        ("not " * 5000 + "a", "more than 64 conditions", None),
    ],
)
def test_what_does_not_parse_is_pointed_at(text: str, what: str, place: int | None) -> None:
    with pytest.raises(RequestError) as error:
        parse(text, where="--filter")
    first, line, caret = error.value.message.split("\n")
    assert first.startswith(f"--filter: {what}")
    assert caret.strip() == "^"
    assert len(line) < 80
    if place is not None:
        assert caret.index("^") == 4 + place


def test_the_line_with_the_mistake_is_shown_of_several() -> None:
    with pytest.raises(RequestError, match=r"when: .*\n    and depth <\n +\^"):
        parse("auc > 0.9\nand depth <", where="when")


def test_names_are_told_once_in_order() -> None:
    told = parse("b > 1 and (a < b or not params.c in (1, 2))", where="when").names
    assert told == ("b", "a", "params.c")


@given(st.text(max_size=60))
def test_any_text_parses_or_is_refused(text: str) -> None:
    with suppress(RequestError):
        parse(text, where="--filter").holds(lambda name: MISSING)


@given(st.floats(), st.floats())
def test_numbers_compare_as_numbers_do(left: float, right: float) -> None:
    assert compared(left, "<", right) is (left < right)
    assert compared(left, ">=", str(right)) is (left >= right)


@pytest.mark.parametrize(
    "text",
    [
        "a + b * 2 == 7",
        "(a + b) * 2 == 8",
        "((a + b)) / 2 >= 2 or a == 9",
        "(a < b) and not (b < a)",
        "-a < 0",
        "a - -1 == 2",
        "a-b == -2",
        "a in (-1, 1)",
        "`a-b` == 'x'",
        "b / 0 == 1 or a == 1",
        "2 * (a + b) / 4 <= b - 1",
    ],
)
def test_sides_are_computed_where_that_is_asked_for(text: str) -> None:
    known = {"a": 1, "b": 3, "a-b": "x"}
    assert parse(text, where="rule", arithmetic=True).holds(known.get)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a +", "a name or a value is missing after '+'"),
        ("a + b", "a comparison is missing"),
        ("(a + b", "a comparison is missing"),
        ("a * (b + 1 > 2", "'and', 'or' or ')' is missing"),
        ("a in (b)", "a text needs quotes"),
        ("a in (-b)", "a value is missing"),
        ("a == 1 2", "'and' or 'or' is missing"),
        ("-" * 5000 + "a > 1", "more than 64 conditions"),
    ],
)
def test_what_cannot_be_computed_is_refused(text: str, what: str) -> None:
    with pytest.raises(RequestError, match=re.escape(what)):
        parse(text, where="rule", arithmetic=True)


def test_without_arithmetic_signs_are_letters_of_names() -> None:
    assert parse("val/loss < a-b", where="filter").names == ("val/loss", "a-b")
    with pytest.raises(RequestError):
        parse("a + b > 1", where="filter")
