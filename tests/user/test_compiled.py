"""Compiled models, as a user meets them."""

from pathlib import Path

import pandas
import pytest
from sklearn.tree import DecisionTreeClassifier

from mlops_cli.core.repository import open_repository
from mlops_cli.registry import formats, signature
from tests.conftest import Mlo


@pytest.fixture
def tree(project: Path) -> Path:
    """A project with a model that no run made."""
    table = pandas.DataFrame({"a": [0.5, 1.5, 2.5, 3.5] * 3, "b": [1.0, 2.0, 3.0] * 4})
    model = DecisionTreeClassifier(random_state=0).fit(table, ["low", "low", "high", "high"] * 3)
    formats.save(model, project / "model", signature.for_model(model, table))
    table.to_csv(project / "table.csv", index=False)
    return project


def test_register_says_what_answers(tree: Path, mlo_here: Mlo) -> None:
    made = mlo_here("register", "tree", "--path", "model", "--data", "table.csv")
    assert "answers  compiled, as the original does on 1" in made.stdout

    plain = mlo_here("register", "plain", "--path", "model", "--no-compile")
    assert "answers  the original: compiling was not asked for" in plain.stdout


def test_the_same_model_has_the_same_compiled_form(tree: Path, mlo_here: Mlo) -> None:
    once, again = (
        mlo_here("register", name, "--path", "model", "--json").json["version"]["runtime"]
        for name in ("one", "two")
    )
    assert once == again
    assert once["kind"] == "onnx"


def test_a_compiled_form_travels_with_a_version_in_a_stage(
    tree: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    made = mlo_here("register", "tree", "--path", "model", "--json").json["version"]
    mlo_here("promote", "tree@v1", "production")
    mlo_here("remote", "add", "origin", str(tmp_path / "store"))
    mlo_here("push", "origin")
    mlo_here("init", "other", cwd=tmp_path)
    clone = tmp_path / "other"
    mlo_here("remote", "add", "origin", str(tmp_path / "store"), cwd=clone)
    mlo_here("pull", "origin", cwd=clone)

    mlo_here("gc", cwd=clone)

    assert open_repository(clone).objects.get(made["runtime"]["artifact"])


def test_serve_knows_its_runtimes(project: Path, mlo_here: Mlo) -> None:
    refused = mlo_here("serve", "tree", "--port", "0", "--runtime", "gpu", code=2)
    assert "there is no runtime 'gpu'" in refused.stderr
