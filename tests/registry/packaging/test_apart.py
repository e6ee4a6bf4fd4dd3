"""A package serves in a process of its own that has nothing but what its lock names."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_cli.registry.models import Version
from mlops_cli.registry.packaging.make import Runtime, package
from tests.conftest import unwatched
from tests.registry.conftest import Workshop

ONLY_WHAT_IS_LOCKED = """
import json, sys
from importlib.metadata import packages_distributions
wheel, folder, locked = sys.argv[1], sys.argv[2], set(json.loads(sys.argv[3]))
forbidden = {
    module for module, names in packages_distributions().items()
    if not any(name.lower().replace("_", "-") in locked for name in names)
} - {"mlops_cli"}
assert {"git", "pytest", "obstore"} <= forbidden

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in forbidden:
            raise ModuleNotFoundError(f"{name} is not in the lock", name=name)

sys.meta_path.insert(0, Refusing())
sys.path.insert(0, wheel)
from mlops_cli.cli.main import run
assert sys.modules["mlops_cli"].__file__.startswith(wheel)
sys.exit(run(["serve", "--package", folder, "--check"]))
"""


@pytest.mark.parametrize("runtime", ["onnx", "native"])
def test_it_answers_with_its_own_mlo_and_no_other_package(
    shop: Workshop, version: Version, tmp_path: Path, runtime: Runtime
) -> None:
    package(shop.repo, version, tmp_path / "made", runtime=runtime)
    (wheel,) = (tmp_path / "made/wheels").iterdir()
    locked = json.loads((tmp_path / "made/package.json").read_bytes())["packages"]
    line = [sys.executable, "-c", ONLY_WHAT_IS_LOCKED, wheel, tmp_path / "made"]
    done = subprocess.run(
        [*line, json.dumps(list(locked))],
        env={**unwatched(), "PATH": "/nowhere"},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == f"churn@v1 {version.id[:10]} is whole and answers\n", done.stderr
    assert done.returncode == 0
