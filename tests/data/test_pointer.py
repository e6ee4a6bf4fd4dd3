"""Pointers are strict: what is not exactly right is refused with file and line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.repository import create
from mlops_cli.data import pointer
from mlops_cli.data.pointer import Pointer
from mlops_cli.errors import IntegrityError, RequestError

OID = object_id(b"hello\n")
GOOD = f"mlo: 1\nid: {OID}\nkind: file\nsize: 6\nfiles: 1\n"


def test_the_bytes_of_a_pointer_are_as_specified() -> None:
    assert pointer.encode(Pointer("a", OID, "file", 6, 1)).decode() == GOOD


@given(
    size=st.integers(0, 10**18 - 1),
    files=st.integers(0, 10**18 - 1),
    folder=st.booleans(),
    executable=st.booleans(),
    content=st.binary(max_size=8),
)
def test_what_was_written_is_read_back(
    size: int, files: int, folder: bool, executable: bool, content: bytes
) -> None:
    oid = ObjectId(object_id(content))
    if folder:
        one = Pointer("data/x", oid, "folder", size, files)
    else:
        one = Pointer("data/x", oid, "file", size, 1, executable)
    assert pointer.decode(pointer.encode(one), "data/x") == one


def test_a_pointer_that_was_laid_out_by_hand_means_the_same() -> None:
    text = f"# moved here in May\nfiles: 1\nkind: file\nsize: 6\nid: '{OID}'\nmlo: 1\n"
    assert pointer.decode(text.encode(), "a") == Pointer("a", OID, "file", 6, 1)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (GOOD.replace("size: 6", "size: six"), 4, "size"),
        (GOOD.replace("size: 6", "size: -1"), 4, "size"),
        (GOOD.replace("size: 6", "length: 6"), 4, "length"),
        (GOOD.replace(OID, OID[:-1]), 2, "id"),
        (GOOD.replace(OID, OID.upper()), 2, "id"),
        (GOOD.replace("kind: file", "kind: link"), 3, "kind"),
        (GOOD.replace("mlo: 1", "mlo: 2"), 1, "mlo"),
        (GOOD.replace("files: 1", "files: 2"), 5, "files"),
        (GOOD.replace("kind: file\n", ""), 1, "kind"),
        (GOOD + "size: 7\n", 6, "twice"),
        (GOOD + "- size\n", 6, "YAML"),
        (GOOD.replace("kind: file", "kind: folder") + "executable: true\n", 6, "executable"),
        ("<<<<<<< HEAD\n" + GOOD + "=======\n" + GOOD + ">>>>>>> other\n", 1, "merge-conflict"),
        ("", 1, "mlo"),
        ("[]", 1, "mapping"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(text: str, line: int, says: str) -> None:
    with pytest.raises(RequestError) as caught:
        pointer.decode(text.encode(), "data/raw.csv")
    assert caught.value.message.startswith(f"data/raw.csv.mlo:{line}")
    assert says in caught.value.message
    assert "\n" not in caught.value.message


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(RequestError, match=r"^x\.mlo:1: is not UTF-8"):
        pointer.decode(b"mlo: \xff", "x")


@pytest.mark.parametrize(
    "path", ["..", "a/../b", "/etc/passwd", ".", "", "a//b", ".git", "a/.GIT/hooks", ".mlo", "a\0b"]
)
def test_a_path_that_leaves_the_project_is_an_integrity_error(path: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        pointer.decode(GOOD.encode(), path)
    assert caught.value.exit_code == 4


def test_a_pointer_is_never_written_through_a_link(tmp_path: Path) -> None:
    repo = create(tmp_path / "project")
    (tmp_path / "outside").mkdir()
    (repo.root / "data").symlink_to(tmp_path / "outside")
    with pytest.raises(IntegrityError, match="link"):
        pointer.write(repo, Pointer("data/x", OID, "file", 6, 1))
    assert list((tmp_path / "outside").iterdir()) == []


def test_all_pointers_are_found_but_none_inside_data(tmp_path: Path) -> None:
    repo = create(tmp_path)
    (tmp_path / "deep/er").mkdir(parents=True)
    (tmp_path / "big/inside").mkdir(parents=True)
    folder = Pointer("big", OID, "folder", 6, 1)
    one, other = Pointer("a", OID, "file", 6, 1), Pointer("deep/er/b", OID, "file", 6, 1)
    for each in (one, other, folder):
        assert pointer.write(repo, each)
        assert not pointer.write(repo, each)
    (tmp_path / "big/inside/c.mlo").write_text("this is data")
    assert pointer.each(repo) == [one, folder, other]
    assert pointer.holder(repo, "big/inside/c.mlo") == folder
    assert pointer.holder(repo, "deep/er/b") is None
    assert pointer.read(repo, "nothing") is None
