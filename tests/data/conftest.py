"""A project with versions, and damage to its store."""

from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository
from tests.conftest import versioned


@pytest.fixture
def two_versioned(project: Path) -> Repository:
    """Return a project in which a file and a folder are versioned and committed."""
    return versioned(project, {"data/raw.csv": b"hello\n", "images": {"deep/a": b"a"}})


def pack(repo: Repository) -> Path:
    """Return the only pack of a store."""
    (path,) = repo.layout.packs.iterdir()
    return path


def flip(path: Path, at: int) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
