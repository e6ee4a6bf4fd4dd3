"""The packs of a folder are found, however many, and whoever changes them meanwhile."""

import subprocess
import sys
from pathlib import Path


def test_more_packs_than_files_may_be_open_by_default_can_be_read(tmp_path: Path) -> None:
    program = """
import resource
from pathlib import Path
from mlops_cli.core import tidy
from mlops_cli.core.repository import create

tidy.TOO_MANY = 1_000
repo = create(Path("."))
oids = [repo.objects.put(b"%d" % number) for number in range(100)]
del repo
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
objects = create(Path(".")).objects
assert [objects.get(oid) for oid in oids] == [b"%d" % number for number in range(100)]
assert len(objects.packs()) == 100
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=60)
