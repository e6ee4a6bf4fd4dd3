"""Gates on the schema of the data that a version was made from."""

from dataclasses import replace

import pytest

from mlops_cli.core.config_gates import ValidatedGate
from mlops_cli.errors import RequestError
from mlops_cli.registry import models
from mlops_cli.registry.gates import validated
from mlops_cli.registry.gates.asked import Asked
from mlops_cli.registry.register import register
from tests.conftest import git
from tests.registry.conftest import Workshop

SETTINGS = """\
models: {churn: {path: model, data: data/train.csv, target: left}}
data: {data/train.csv: {schema: schema.yaml}}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """v1 was trained on a table whose ages are 20 to 70, and a schema that allows 30 to 70."""
    from mlops_cli.core.repository import create

    root = tmp_path_factory.mktemp("validated") / "project"
    shop = Workshop(create(root))
    git(root, "init", "--quiet")
    shop.settings(SETTINGS)
    schema(shop, "columns: {age: {min: 30}}")
    git(root, "add", ".mlops.yaml", "schema.yaml")
    git(root, "commit", "--quiet", "--message", "Schema")
    register(shop.repo, "churn", run=shop.run({}))
    (root / "data/train.csv").write_text("age\n1000\n")  # what is there now does not count
    return shop


def schema(shop: Workshop, text: str) -> None:
    (shop.repo.root / "schema.yaml").write_text(text)


def ask(shop: Workshop, gate: ValidatedGate, *, commit: str | None = None) -> tuple[bool, str, str]:
    model = models.model(shop.repo, "churn")
    version = replace(model.version(1), commit=commit)
    (found,) = validated.check(Asked(shop.repo, model, version, "production"), gate)
    return found.passed, found.gate, found.why


def test_the_training_data_pass_the_schema_of_now_or_of_the_commit(shop: Workshop) -> None:
    schema(shop, "columns: {age: {min: 0, max: 100}}")
    name = "data/train.csv passes its schema"
    assert ask(shop, ValidatedGate()) == (True, name, "passes schema.yaml")
    passed, gate, why = ask(shop, ValidatedGate("commit"), commit="HEAD")
    assert (passed, gate) == (False, name + " then")
    assert why == "age: is below 30 in 1 of 6 rows (16.7 %)"


def test_what_cannot_be_asked_is_refused(shop: Workshop) -> None:
    with pytest.raises(RequestError, match="not known at which commit"):
        ask(shop, ValidatedGate("commit"))
    with pytest.raises(RequestError, match="was not made from 'other"):
        ask(shop, ValidatedGate("now", "other.csv"))
    shop.settings(SETTINGS.replace("data/train.csv: {schema", "b.csv: {schema"))
    with pytest.raises(RequestError, match="no data that v1 was made from has a schema"):
        ask(shop, ValidatedGate())
    shop.settings(SETTINGS)
