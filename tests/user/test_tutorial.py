"""What the tutorial promises."""

import socket
from pathlib import Path

from tests.user.pages import type_blocks


def test_every_block_does_what_the_page_says(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told = type_blocks("tutorial.md", tmp_path, _8765=str(port))
    for promised in ("drift: exit code 1", "magnesium", "the record holds"):
        assert promised in told
    assert (tmp_path / "colleague/data/wine.csv").read_bytes() == (
        tmp_path / "wine/data/wine.csv"
    ).read_bytes()
