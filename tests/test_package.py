"""What is built and what it needs: the wheel's content, the declared dependencies."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
MODULES = {"GitPython": "git", "PyYAML": "yaml", "scikit-learn": "sklearn"}
NAMED_TO_UVICORN = {"httptools", "uvloop"}


def names(requirements: list[str]) -> list[str]:
    return [re.split(r"[>=<;\[ ]", requirement)[0] for requirement in requirements]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel, with no network, and return it opened."""
    out = tmp_path_factory.mktemp("wheel")
    line = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out]
    subprocess.run(line, cwd=TOP, check=True, capture_output=True)
    (built,) = out.glob("mlo-*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_carries_the_templates(wheel: zipfile.ZipFile) -> None:
    carried = {name for name in wheel.namelist() if name.startswith("mlops_cli/templates/")}
    kept = subprocess.run(
        ["git", "ls-files", "templates"], cwd=TOP, capture_output=True, text=True, check=True
    ).stdout.split()
    assert kept
    assert {f"mlops_cli/{name}" for name in kept} <= carried
    assert not [name for name in carried if "__pycache__" in name]


def test_the_wheel_carries_every_module_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert {name.split("/")[0] for name in names} == {"mlops_cli", f"mlo-{version()}.dist-info"}
    assert {str(p.relative_to(TOP)) for p in (TOP / "mlops_cli").rglob("*.py")} <= set(names)
    assert "mlops_cli/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_an_installed_wheel_finds_its_templates(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    code = "from mlops_cli.core import templates; print(*templates.names(), templates.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    *found, file = done.stdout.split()
    assert found == ["minimal", "tabular"]
    assert Path(file).is_relative_to(tmp_path)


@pytest.mark.parametrize("name", names(PROJECT["dependencies"]))
def test_a_dependency_is_used_and_has_its_reason(name: str) -> None:
    module = MODULES.get(name, name)
    sources = "\n".join(path.read_text() for path in (TOP / "mlops_cli").rglob("*.py"))
    imported = re.search(rf"^\s*(?:from|import) {module}\b", sources, flags=re.MULTILINE)
    assert imported or name in NAMED_TO_UVICORN, f"{name} is declared and not used"
    assert f"| {name} |" in (TOP / "docs/design/dependencies.md").read_text()


def test_every_dependency_has_a_lowest_version() -> None:
    extras = [one for group in PROJECT["optional-dependencies"].values() for one in group]
    assert all(">=" in requirement for requirement in PROJECT["dependencies"] + extras)


def version() -> str:
    from mlops_cli import __version__

    return __version__
