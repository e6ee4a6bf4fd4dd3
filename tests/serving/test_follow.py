"""A reference is found through the registry, and followed."""

from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.registry import formats, promote, signature
from mlops_cli.registry.register import register
from mlops_cli.serving.follow import follow
from tests.serving.conftest import TRAINING, classifier


def add(repo: Repository, strength: float) -> None:
    folder = repo.root / "model"
    model = classifier(strength)
    formats.save(model, folder, signature.for_model(model, TRAINING))
    register(repo, "plant", path=folder)


@pytest.fixture
def said() -> list[str]:
    return []


def test_a_bare_name_is_what_is_in_production(repo: Repository, said: list[str]) -> None:
    add(repo, 1.0)
    promote.promote(repo, "plant", "production")
    add(repo, 2.0)
    found = follow(repo, "plant", max_rows=10, say=said.append)()
    assert (found.reference, found.load().version) == ("plant@production", 1)
    assert said == []


def test_without_production_it_is_the_newest_then_until_production_comes(
    repo: Repository, said: list[str]
) -> None:
    add(repo, 1.0)
    find = follow(repo, "plant", max_rows=10, say=said.append)
    assert find().reference == "plant@v1"
    assert said == ["nothing of plant is in production: plant@v1 answers, its newest"]
    add(repo, 2.0)
    assert find().load().version == 1
    promote.promote(repo, "plant@v2", "production")
    found = find()
    assert (found.reference, found.load().version) == ("plant@production", 2)
    assert len(said) == 1


def test_a_stage_is_followed_forward_and_back(repo: Repository, said: list[str]) -> None:
    add(repo, 1.0)
    add(repo, 2.0)
    find = follow(repo, "plant@staging", max_rows=10, say=said.append)
    with pytest.raises(RequestError, match="nothing at 'staging'"):
        find()
    promote.promote(repo, "plant@v1", "staging")
    assert find().load().version == 1
    promote.promote(repo, "plant@v2", "staging")
    assert find().load().version == 2
    promote.rollback(repo, "plant", "staging")
    loaded = find().load()
    assert loaded.version == 1
    assert loaded.signature.names == ("size", "count", "soil")
    assert loaded.classes == ("no", "yes")


def test_a_model_whose_inputs_nobody_knows_is_not_served(
    repo: Repository, said: list[str], tmp_path: Path
) -> None:
    class_file = tmp_path / "oracle.py"
    class_file.write_text("class Oracle:\n    def predict(self, frame):\n        return [1]\n")
    import importlib.util
    import pickle
    import sys

    spec = importlib.util.spec_from_file_location("oracle", class_file)
    assert spec is not None
    assert spec.loader is not None
    sys.modules["oracle"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "oracle.pkl").write_bytes(pickle.dumps(module.Oracle()))
    register(repo, "oracle", path=tmp_path / "oracle.pkl", trust=True)
    del sys.modules["oracle"]
    found = follow(repo, "oracle", max_rows=10, say=said.append)()
    with pytest.raises(RequestError, match="nobody recorded what its inputs are"):
        found.load()
