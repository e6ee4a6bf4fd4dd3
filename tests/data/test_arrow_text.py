"""What Arrow reads of delimited text is what is there: no quote swallows rows in silence."""

import csv
import gzip
import io
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_cli.data import arrow_text, table_blocks
from mlops_cli.errors import RequestError
from mlops_cli.monitor.sources import opened
from mlops_cli.registry import rows
from mlops_cli.registry.batch import arrow_csv

pytest.importorskip("pyarrow", reason="part of mlo[parquet]")

CELL = st.text(st.sampled_from('ab ",\n;é'), max_size=6)


def last_batch(path: Path) -> object:
    import pyarrow as pa
    from pyarrow import csv as arrow

    every = arrow.read_csv(
        path,
        parse_options=arrow.ParseOptions(newlines_in_values=True),
        convert_options=arrow.ConvertOptions(column_types={"a": pa.string(), "b": pa.string()}),
    )
    return every.combine_chunks().to_batches()[-1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=4), st.sampled_from(["\n", "\r\n"]))
def test_what_csv_writes_is_closed(tmp_path: Path, cells: list[tuple[str, str]], end: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerows([("a", "b"), *cells])
    path = tmp_path / "t.csv"
    for written in (text.getvalue(), text.getvalue().removesuffix(end)):
        path.write_bytes(written.encode())
        assert not arrow_text.is_open(path, "t.csv", ",", last_batch(path))


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.tsv"], ids=["plain", "packed", "tabs"])
@pytest.mark.parametrize("end", ['2,"y\n3,z\n', '2,"y""\n3,z\n\n'], ids=["bare", "doubled"])
def test_a_quote_that_is_never_closed_is_refused_by_each_reader(
    tmp_path: Path, name: str, end: str
) -> None:
    text = ("a,b\n" + "1,x\n" * 100 + end).replace(",", "\t" if "tsv" in name else ",").encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(text, mtime=0) if name.endswith(".gz") else text)
    readers = [lambda: opened.of_file(path, name), lambda: list(table_blocks.blocks(path, name))]
    if not name.endswith(".gz"):  # which predict does not read
        readers.append(lambda: list(rows.guarded(path, arrow_csv.tables(path, rows=30))))
    for read in readers:
        with pytest.raises(RequestError, match=r"cannot be read|quote|EOF inside string"):
            read()


def test_a_name_that_is_no_valid_text_is_a_name(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text, table = (
        Path(os.fsdecode(os.fsencode(tmp_path) + end)) for end in (b"/\xff.csv", b"/\xff.parquet")
    )
    text.write_text("a,b\n1,x\n")
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), pa.OSFile(os.fsencode(table), "wb"))
    for path in (text, table):
        assert opened.of_file(path, path.name).rows == 1
        assert [len(one) for one in table_blocks.blocks(path, path.name)] == [1]
    assert [len(one) for one in arrow_csv.tables(text, rows=5)] == [1]
