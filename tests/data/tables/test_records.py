"""Records end where Python's csv module ends them, however the bytes come."""

import csv
from io import StringIO
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.data.tables import records
from mlops_cli.errors import RequestError

TEXTS = st.text(alphabet='ab",\n;', max_size=60)


@given(text=TEXTS, cuts=st.lists(st.integers(0, 60), max_size=4))
def test_records_and_cells_are_those_of_the_csv_module(text: str, cuts: list[int]) -> None:
    data = text.encode()
    splitter = records.Splitter(",", 0)
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    blocks = [splitter.feed(data[a:b]) for a, b in pairwise(places)]
    expected = [row for row in csv.reader(StringIO(text, newline="")) if row]
    try:
        blocks.append(splitter.end())
    except RequestError:
        expected = expected[:-1]  # a quote is open at the end; csv takes it as closed there
    found = [record for block in blocks for record in records.whole(block, ",")]
    assert list(records.cells(found, ",")) == expected
    assert sum(records.count(block, ",") for block in blocks) == len(found)


def test_carriage_returns_inside_cells_stay() -> None:
    (record,) = records.whole(b'a\rb,"c\r\nd"\r\n', ",")
    assert list(records.cells([record], ",")) == [["a\rb", "c\r\nd"]]


def test_a_quote_that_is_never_closed_is_told_before_memory_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(records, "RECORD_MAX_BYTES", 2 * 2**20)
    splitter = records.Splitter(",", 0)
    assert splitter.feed(b'1,a\n2,"never closed\n') == b"1,a\n"
    with pytest.raises(RequestError, match="over 2 MiB: is a quote not closed"):
        for _ in range(60):
            splitter.feed(b'3,""b\n' * 10_000)
