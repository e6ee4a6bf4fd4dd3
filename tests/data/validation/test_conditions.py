"""Rules for whole blocks say of each row what they say of it alone."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_cli.core.expression import parse
from mlops_cli.data.validation.cells import cells
from mlops_cli.data.validation.conditions import failing, fails

RULES = [
    "a < b",
    "a + b >= 2 * a - 1",
    "a / b > 1",
    "not (a == 1) and b != 2",
    "a in (1, 2) or t == 'x'",
    "t ~ '^x' or t like 'y%'",
    "t < 'y'",
    "t == 1",
    "f == true",
    "f or a",
    "not f",
    "a == null",
    "a != null and t != null",
    "b > 'x'",
    "-a <= b",
    "t in ('x', 'y')",
    "1 == 1 or a > 0",
]
NUMBERS = st.none() | st.integers(-3, 3).map(float) | st.sampled_from([0.5, 1e9])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            NUMBERS, NUMBERS, st.sampled_from([None, "x", "y", "xy", "1", ""]), st.booleans()
        ),
        min_size=1,
        max_size=6,
    )
)
def test_a_block_and_its_rows_agree(rows: list[tuple[object, object, object, bool]]) -> None:
    frame = pd.DataFrame(rows, columns=["a", "b", "t", "f"])
    columns = {
        "a": cells(frame["a"].astype(float), "number"),
        "b": cells(frame["b"].astype(float), "number"),
        "t": cells(frame["t"].astype("str"), "text"),
        "f": cells(frame["f"], "boolean"),
    }
    for text in RULES:
        node = parse(text, where="rule", arithmetic=True).node
        block = failing(node, columns, len(rows))[0].tolist()
        alone = [
            fails(node, dict(zip(("a", "b", "t", "f"), row, strict=True)).__getitem__)
            for row in rows
        ]
        assert block == alone, text


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("day < '2026-01-02'", ["2026-01-01", "2026-01-03", None], [False, True, False]),
        ("day == null", ["2026-01-01", None, "x"], [True, False, True]),
        ("'2026-01-01' <= day <= '2026-01-02'", ["2026-01-01", "2026-02-01"], [False, True]),
    ],
)
def test_moments_compare_with_texts_that_are_some(
    text: str, values: list[object], expected: list[bool]
) -> None:
    frame = pd.DataFrame({"day": values}, dtype=object)
    node = parse(text, where="rule", arithmetic=True).node
    found, _ = failing(node, {"day": cells(frame["day"], "datetime")}, len(values))
    assert found.tolist() == expected
