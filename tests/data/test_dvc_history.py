"""What DVC's files and `mlo.history` say is read strictly, and hostile files lead nowhere."""

import pytest

from mlops_cli.core.ids import object_id
from mlops_cli.data import dvc_history
from mlops_cli.data.dvc_files import Digest, Out, outs
from mlops_cli.data.dvc_history import Kept
from mlops_cli.errors import RequestError

HEX = "0cc175b9c0f1b6a831c399e269772661"
OID = object_id(b"a")


def test_the_table_is_as_specified_and_read_back() -> None:
    table = {
        Digest("md5", HEX): Kept(OID, "file", 1, 1),
        Digest("md5-dos2unix", HEX, True): Kept(OID, "folder", 6, 2),
    }
    text = dvc_history.encode(table)
    assert text.decode() == (
        f"mlo history 1\nmd5-dos2unix:{HEX}.dir {OID} folder 6 2\nmd5:{HEX} {OID} file 1 1\n"
    )
    assert dvc_history.decode(text) == table


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("mlo history 2\n", 1),
        (f"mlo history 1\nmd5:{HEX} {OID} file 1\n", 2),
        (f"mlo history 1\nsha1:{HEX} {OID} file 1 1\n", 2),
        (f"mlo history 1\nmd5:{HEX} {OID} link 1 1\n", 2),
        (f"mlo history 1\n<<<<<<< ours\nmd5:{HEX} {OID} file 1 1\n", 2),
    ],
)
def test_a_wrong_line_of_the_table_is_named(text: str, line: int) -> None:
    with pytest.raises(RequestError, match=rf"^mlo\.history:{line}: "):
        dvc_history.decode(text.encode())


def test_a_file_of_dvc_3_and_of_dvc_2() -> None:
    new = f"outs:\n- md5: {HEX}.dir\n  hash: md5\n  nfiles: 2\n  path: set\n"
    assert outs("data/set.dvc", new.encode()) == [Out("data/set", Digest("md5", HEX, True))]
    old = f"wdir: ..\nouts:\n- md5: {HEX}\n  path: x y.csv\n  isexec: true\n"
    assert outs("data/x.dvc", old.encode()) == [Out("x y.csv", Digest("md5-dos2unix", HEX), True)]


def test_a_lock_of_either_schema() -> None:
    stages = f"fit:\n    outs:\n    - path: m\n      md5: {HEX}\n      hash: md5\n"
    found = [Out("sub/m", Digest("md5", HEX), stage="fit")]
    new = f"schema: '2.0'\nstages:\n  {stages}"
    assert outs("sub/dvc.lock", new.encode()) == found
    assert outs("sub/dvc.lock", stages.replace("    ", "  ").encode()) == found


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", ".git/config", "a/../../x", ".mlo/refs"])
def test_an_output_outside_the_project_is_none(path: str) -> None:
    text = f"outs:\n- md5: {HEX}\n  path: {path}\n"
    assert outs("x.dvc", text.encode()) == []


def test_what_is_no_md5_is_named_by_file_and_line() -> None:
    with pytest.raises(RequestError, match=r"^x\.dvc@v1:2: .* is not an MD5"):
        outs("x.dvc", b"outs:\n- md5: ../../etc\n  path: x\n", rev="v1")
