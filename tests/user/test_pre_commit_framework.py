"""`.pre-commit-hooks.yaml` in the hands of the pre-commit framework itself.

The framework would make an environment with all of mlo for each test; so the manifest is used as
it is but for its language, and the mlo that is installed runs.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Mlo, git

MANIFEST = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"
STAGES = ("pre-commit", "pre-push", "post-checkout", "post-merge", "post-rewrite", "post-commit")


def framework(*words: str, cwd: Path) -> None:
    program = shutil.which("pre-commit", path=str(Path(sys.executable).parent))
    assert program is not None, "pip install '.[check]'"
    done = subprocess.run([program, *words], cwd=cwd, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def attempt(*words: str) -> tuple[int, str]:
    done = subprocess.run(["git", *words], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def managed(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project whose hooks the framework runs, by a manifest that it clones."""
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "cache"))
    source = tmp_path / "mlo"
    git(tmp_path, "init", "--quiet", "mlo")
    text = MANIFEST.read_text().replace("language: python", "language: system")
    (source / ".pre-commit-hooks.yaml").write_text(text)
    git(source, "add", "--all")
    git(source, "commit", "--quiet", "--message", "Manifest")
    git(source, "tag", "v1")
    ids = "".join(f"      - id: mlo-{stage}\n" for stage in STAGES)
    (project / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: {source}\n    rev: v1\n    hooks:\n{ids}"
    )
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Framework")
    framework("install", *(word for stage in STAGES for word in ("-t", stage)), cwd=project)
    return project


def test_the_manifest_is_valid_and_has_a_hook_for_each_that_mlo_installs(tmp_path: Path) -> None:
    from mlops_cli.core.hooks import HOOKS

    framework("validate-manifest", str(MANIFEST), cwd=tmp_path)
    assert set(STAGES) == set(HOOKS)
    assert all(f"- id: mlo-{stage}\n" in MANIFEST.read_text() for stage in STAGES)


def test_the_framework_runs_every_hook_as_git_does(
    managed: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "code.git")
    git(managed, "remote", "add", "origin", str(tmp_path / "code.git"))
    mlo_here("remote", "add", "origin", str(tmp_path / "store"))
    (managed / "raw.csv").write_text("1")
    mlo_here("add", "raw.csv")
    git(managed, "add", "--all")
    git(managed, "commit", "--quiet", "--message", "One")
    (managed / "raw.csv").write_text("2")
    mlo_here("add", "raw.csv")
    git(managed, "commit", "--quiet", "--all", "--message", "Two")

    git(managed, "add", "--force", "raw.csv")
    code, said = attempt("commit", "--message", "Bytes")
    assert (code, "its bytes are versioned by 'raw.csv.mlo'" in said) == (1, True)
    git(managed, "rm", "--quiet", "--cached", "raw.csv")

    git(managed, "switch", "--quiet", "--create", "old", "HEAD~1")
    assert (managed / "raw.csv").read_text() == "1"
    git(managed, "merge", "--quiet", "main")
    assert (managed / "raw.csv").read_text() == "2"

    code, said = attempt("push", "origin", "main")
    assert (code, "mlo: sent " in said) == (0, True)
    assert mlo_here("push", "origin", "raw.csv").stdout == "origin has everything already\n"
