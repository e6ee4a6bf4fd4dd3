"""The tutorial, typed block by block into one shell, as its reader does."""

import re
import socket
import subprocess
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"


@pytest.fixture(scope="module")
def blocks() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.S)


def test_every_block_does_what_the_page_says(tmp_path: Path, blocks: list[str]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    begin = "set -eu -o pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"
    script = begin + "echo '--- next block' >&2\n".join(blocks)
    done = subprocess.run(
        ["bash", "-c", script.replace("8765", str(port))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for promised in ("drift: exit code 1", "magnesium", "the record holds"):
        assert promised in done.stdout
    assert (tmp_path / "colleague/data/wine.csv").read_bytes() == (
        tmp_path / "wine/data/wine.csv"
    ).read_bytes()
