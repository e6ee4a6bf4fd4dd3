"""The blocks of `docs/fsspec.md` run as they stand, one after the other."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_docs import TOP, blocks

pytest.importorskip("pyarrow", reason="part of mlo[parquet]")


def test_the_blocks_of_the_page_run_as_they_stand(tmp_path: Path) -> None:
    script = "set -e\n"
    for number, (language, content) in enumerate(blocks((TOP / "docs/fsspec.md").read_text())):
        if language == "python":
            code = tmp_path / f"block_{number}.py"
            code.write_text(content)
            content = f'"{sys.executable}" "{code}"\n'
        script += content
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
