"""A registered version and its package, made once for all tests of a module."""

import shutil
from pathlib import Path

import pytest

from mlops_cli.core.repository import create
from mlops_cli.registry import models
from mlops_cli.registry.models import Version
from mlops_cli.registry.packaging.make import package
from mlops_cli.registry.register import register
from tests.registry.conftest import SETTINGS, Workshop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Return a project with the first version of a model, registered once for all tests here."""
    made = Workshop(create(tmp_path_factory.mktemp("packaging") / "project"))
    made.settings(SETTINGS)
    register(made.repo, "churn", run=made.run({"auc": 0.9}))
    return made


@pytest.fixture(scope="module")
def version(shop: Workshop) -> Version:
    return models.resolve(shop.repo, "churn@v1")


@pytest.fixture(scope="module")
def original(shop: Workshop, version: Version) -> Path:
    target = shop.repo.root.parent / "made"
    package(shop.repo, version, target)
    return target


@pytest.fixture
def made(original: Path, tmp_path: Path) -> Path:
    """Return a copy of the package that a test may damage."""
    shutil.copytree(original, tmp_path / "made")
    return tmp_path / "made"
