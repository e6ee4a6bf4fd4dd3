"""Pages of the documentation, typed block by block into one shell, as their readers do."""

import re
import subprocess
from pathlib import Path

_DOCS = Path(__file__).parents[2] / "docs"
_BEGIN = "set -eu -o pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"


def type_blocks(page: str, folder: Path, **instead: str) -> str:
    """Run all `sh` blocks of a page in a folder, and return what they print.

    `instead` are words that stand for others here, such as a port that is free.
    """
    blocks = re.findall(r"```sh\n(.*?)```", (_DOCS / page).read_text(), re.S)
    script = _BEGIN + "echo '--- next block' >&2\n".join(blocks)
    for name, value in instead.items():
        script = script.replace(name.removeprefix("_"), value)
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
