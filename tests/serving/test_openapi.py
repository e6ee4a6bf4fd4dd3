"""What the server says of itself in OpenAPI, held against what it does by schemathesis."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from mlops_cli.serving.openapi import schemas
from tests.serving.conftest import ROW, Running
from tests.serving.protocols.lives import EVERY_KIND, live
from tests.serving.protocols.lives import ROW as EVERY
from tests.serving.served import served

FEW = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
HELD = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with served(tmp_path_factory.mktemp("project") / "here") as one:
        yield one


@pytest.fixture(scope="module")
def described(running: Running) -> Any:
    return running.client.get("/openapi.json").json()


def test_the_examples_of_the_document_are_answered(running: Running, described: Any) -> None:
    for path, operations in described["paths"].items():
        for content in operations.get("post", {}).get("requestBody", {"content": {}})["content"]:
            examples = operations["post"]["requestBody"]["content"][content].get("examples", {})
            for example in examples.values():
                answer = running.client.post(path, json=example["value"])
                assert answer.status_code == (404 if path == "/feedback" else 200)


def test_every_path_is_in_the_document_and_every_path_of_it_is_there(
    running: Running, described: Any
) -> None:
    listed = running.client.get("/").json()["endpoints"]
    own = {path.replace("{name}", "plant").replace("{version}", "1") for path in listed}
    assert own == set(described["paths"])
    for path, operations in described["paths"].items():
        if "get" in operations:
            assert running.client.get(path).status_code == 200


def test_the_server_does_what_its_document_says(running: Running, described: Any) -> None:
    schema = schemathesis.openapi.from_dict(described)
    schema.config.update(base_url=running.ready.url)
    held = CHECKS.get_by_names(HELD)
    asked = 0
    with requests.Session() as session:
        for found in schema.get_all_operations():
            operation = found.ok()
            posted = operation.method == "post"
            for mode in GenerationMode if posted else (GenerationMode.POSITIVE,):

                @settings(FEW, max_examples=6 if posted else 1)
                @given(case=operation.as_strategy(mode))
                def ask(case: Any) -> None:
                    nonlocal asked
                    asked += 1
                    case.call_and_validate(checks=held, session=session)

                ask()
    assert asked > 60
    assert not running.said


@pytest.mark.parametrize("form", ["rows", "columns", "data"])
def test_the_schema_takes_what_the_server_takes(form: str) -> None:
    model = live(EVERY_KIND)
    schema = schemas.request(model)
    good = {
        "rows": {"rows": [EVERY]},
        "columns": {"columns": {name: [value] for name, value in EVERY.items()}},
        "data": {"columns": list(EVERY), "data": [list(EVERY.values())]},
    }[form]
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(good, schema)
    for name, value in (("count", 1.5), ("wild", 0), ("soil", "sand"), ("size", "big")):
        bad = json.loads(json.dumps(good))
        if form == "rows":
            bad["rows"][0][name] = value
        elif form == "columns":
            bad["columns"][name] = [value]
        else:
            bad["data"][0][list(EVERY).index(name)] = value
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)
    assert ROW
