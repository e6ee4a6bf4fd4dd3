"""One table finds what is in any of many packs, and nothing else."""

from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.core import id_table
from mlops_cli.core.id_table import Finder, IdTable
from mlops_cli.core.index_columns import Columns
from mlops_cli.core.packs import Codec, Entry, Index, Kind

KEYS = st.binary(min_size=32, max_size=32) | st.binary(min_size=1, max_size=1).map(
    lambda end: bytes(31) + end  # alike in all the table keeps of them
)


def index_of(keys: list[bytes], codec: Codec = Codec.RAW) -> Index:
    columns = Columns()
    for key in keys:
        columns.add(key, Entry(0, 0, 0, Kind.BLOB, codec))
    return columns.index()


@pytest.mark.parametrize("few", [0, 50_000])
@given(packs=st.lists(st.lists(KEYS, max_size=8, unique=True), max_size=6), others=st.lists(KEYS))
def test_each_id_is_found_where_it_is(
    few: int, packs: list[list[bytes]], others: list[bytes]
) -> None:
    indexes = [index_of(keys) for keys in packs]
    with patch.object(id_table, "_FEW", few):
        table = IdTable(indexes)
    for key in [*others, *(key for keys in packs for key in keys)]:
        found = table.find(key)
        if found is None:
            assert not any(key in keys for keys in packs)
        else:
            assert indexes[found[0]].key(found[1]) == key


def test_what_is_stored_whole_comes_before_what_is_told_against_another() -> None:
    key = bytes(range(32))
    told, whole = index_of([key], Codec.DELTA), index_of([key])
    assert IdTable([told, whole]).find(key) == (1, 0)
    assert IdTable([whole, told]).find(key) == (0, 0)
    assert IdTable([told]).find(key) == (0, 0)


@given(st.lists(st.lists(KEYS, max_size=8, unique=True), max_size=9), st.integers(0, 9))
def test_packs_that_come_and_go_are_found_by_what_is_left_of_the_tables(
    packs: list[list[bytes]], gone: int
) -> None:
    indexes = [index_of(keys) for keys in packs]
    finder = Finder([])
    for count in range(len(indexes) + 1):
        finder = Finder(indexes[:count], finder)
        finder._left = count % 3 - 1  # some make a table before they look, some do not
        for keys in packs:
            for key in keys:
                found = finder.find(key)
                assert (found is not None) == any(key in some for some in packs[:count])
                assert found is None or found[0].key(found[1]) == key
    left = [index for number, index in enumerate(indexes) if number != gone]
    finder = Finder(left, finder)
    for keys in packs:
        for key in keys:
            assert (finder.find(key) is not None) == any(key in index.ids() for index in left)
