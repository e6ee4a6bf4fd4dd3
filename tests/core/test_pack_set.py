"""The packs of a folder are found, however many, and whoever changes them meanwhile."""

import subprocess
import sys
from pathlib import Path

from mlops_cli.core.pack_writer import PackWriter
from mlops_cli.core.repository import create


def test_more_packs_than_files_may_be_open_by_default_can_be_read(tmp_path: Path) -> None:
    repo = create(tmp_path)
    for number in range(100):
        writer = PackWriter(repo.layout.packs, repo.layout.tmp, knows=lambda *_: False)
        writer.put(b"%d" % number)
        writer.finish()
    program = """
import resource
from pathlib import Path
from mlops_cli.core.ids import object_id
from mlops_cli.core.repository import create

resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
objects = create(Path(".")).objects
for content in [b"%d" % number for number in range(100)]:
    assert objects.get(object_id(content)) == content
assert len(objects.packs()) == 100
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=60)
