"""Files appear whole, and paths stay inside."""

import os
import stat
from pathlib import Path

import pytest

from mlops_cli.core.files import inside, read_regular, write_whole
from mlops_cli.errors import ExternalError, IntegrityError


def test_write_whole_replaces_and_leaves_nothing_beside(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_whole(target, b"one")
    write_whole(target, b"two")
    assert target.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [target]


def test_write_whole_follows_the_umask(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", b"")
    mode = stat.S_IMODE((tmp_path / "file").stat().st_mode)
    old = os.umask(0)
    os.umask(old)
    assert mode == 0o666 & ~old


def test_write_whole_says_what_the_system_said(tmp_path: Path) -> None:
    with pytest.raises(ExternalError, match="no such file"):
        write_whole(tmp_path / "missing" / "file", b"")


@pytest.mark.parametrize("relative", ["", "/etc/passwd", "../x", "a/../../x", "a/..", "a\0b"])
def test_inside_refuses_what_leaves(tmp_path: Path, relative: str) -> None:
    with pytest.raises(IntegrityError):
        inside(tmp_path, relative)


def test_inside_refuses_a_way_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("/tmp")
    with pytest.raises(IntegrityError, match="link"):
        inside(tmp_path, "out/file")
    assert inside(tmp_path, "in/file") == tmp_path / "in/file"


def test_read_regular_neither_waits_for_a_fifo_nor_reads_a_device(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"bytes")
    assert read_regular(tmp_path / "file") == b"bytes"
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "endless").symlink_to("/dev/zero")
    for name in ("fifo", "endless"):
        with pytest.raises(OSError, match="not a regular file"):
            read_regular(tmp_path / name)
    with pytest.raises(IsADirectoryError):
        read_regular(tmp_path)
