"""Two lists are gone through in order, over equal items where there are such."""

from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.data.tables.align import align

ITEMS = st.lists(st.sampled_from([b"a", b"b", b"c", b"d", b"e"]), max_size=20)


@given(old=ITEMS, new=ITEMS)
def test_steps_go_over_all_of_both_and_pair_only_what_is_equal(
    old: list[bytes], new: list[bytes]
) -> None:
    at = to = 0
    for in_old, in_new in align(old, new):
        assert in_old or in_new
        if in_old and in_new:
            assert old[at] == new[to]
        at, to = at + in_old, to + in_new
    assert (at, to) == (len(old), len(new))


@given(items=st.lists(st.integers(0, 255), unique=True), cut=st.integers(0, 255))
def test_what_was_put_in_between_is_all_that_is_not_shared(items: list[int], cut: int) -> None:
    old = [bytes([item]) for item in items]
    new = old[:cut] + [b"new"] + old[cut:]
    assert sum(step == (True, True) for step in align(old, new)) == len(old)
