"""A pointer keeps where its version came from, and is read back whatever the source is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.core.ids import object_id
from mlops_cli.data import pointer
from mlops_cli.data.pointer import Pointer
from mlops_cli.data.source import Source
from mlops_cli.errors import RequestError

OID = object_id(b"hello\n")
PLAIN = f"mlo: 1\nid: {OID}\nkind: file\nsize: 6\nfiles: 1\n"
IMPORTED = PLAIN + (
    'source:\n  url: "https://example.org/a b.csv"\n  etag: "\\"33a64df5\\""\n'
    '  modified: "Wed, 21 Oct 2015 07:28:00 GMT"\n'
)
SOURCE = Source(
    "https://example.org/a b.csv", etag='"33a64df5"', modified="Wed, 21 Oct 2015 07:28:00 GMT"
)
said = st.none() | st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=8)


def test_the_bytes_are_as_specified() -> None:
    one = Pointer("a", OID, "file", 6, 1, source=SOURCE)
    assert pointer.encode(one).decode() == IMPORTED
    assert pointer.decode(IMPORTED.encode(), "a") == one


def test_a_pointer_from_before_there_were_sources_is_read() -> None:
    assert pointer.decode(PLAIN.encode(), "a").source is None


@given(url=st.text(min_size=1, max_size=20), path=said, revision=said, etag=said)
def test_what_was_written_is_read_back(
    url: str, path: str | None, revision: str | None, etag: str | None
) -> None:
    one = Pointer("a", OID, "file", 6, 1, True, Source(url, path, revision, etag=etag))
    assert pointer.decode(pointer.encode(one), "a") == one


def test_a_name_that_is_no_text_is_read_back() -> None:
    one = Pointer("a", OID, "file", 6, 1, source=Source("../d\udcff"))
    assert pointer.decode(pointer.encode(one), "a") == one


def test_a_source_that_was_laid_out_by_hand_means_the_same() -> None:
    text = PLAIN + "source: {url: '../other', path: data/raw.csv, revision: v1.0}\n"
    found = pointer.decode(text.encode(), "a").source
    assert found == Source("../other", "data/raw.csv", "v1.0")
    assert found.name == "../other#data/raw.csv@v1.0"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (PLAIN + "source:\n  etag: x\n", 7, "url"),
        (PLAIN + 'source:\n  etag: "x"\n', 7, "url"),
        (PLAIN + 'source:\n  url: "a"\n  url: "b"\n', 8, "twice"),
        (PLAIN + 'source:\n  url: "a"\n  size: "b"\n', 8, "size"),
        (PLAIN + "source: https://example.org\n", 6, "mapping"),
        (PLAIN + 'source:\n  url: "\\q"\n', 7, "YAML"),
    ],
)
def test_a_wrong_source_is_named_by_file_and_line(text: str, line: int, says: str) -> None:
    with pytest.raises(RequestError) as caught:
        pointer.decode(text.encode(), "a")
    assert caught.value.message.startswith(f"a.mlo:{line}: ")
    assert says in caught.value.message
