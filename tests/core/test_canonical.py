"""Equal records have equal bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.core.canonical import decode, encode
from mlops_cli.errors import IntegrityError

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


@given(json_values)
def test_decode_undoes_encode(value: object) -> None:
    assert decode(encode(value)) == value


def test_order_of_keys_does_not_matter() -> None:
    assert encode({"a": 1, "b": 2}) == encode({"b": 2, "a": 1})


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_without_a_json_form_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode({"x": number})


def test_damaged_records_are_an_integrity_error() -> None:
    with pytest.raises(IntegrityError):
        decode(b'{"a":')
