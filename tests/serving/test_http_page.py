"""The examples of `docs/http.md`, sent to a server; its tables, compared with what is built."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.serving.conftest import Start

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs/http.md").read_text()
BLOCKS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.S)]
BY_ROWS, BY_COLUMNS, SPLIT, ANSWER, UNFIT, REFUSAL, *BESIDE = BLOCKS
INFER, INFERRED, INVOKE, INVOKED, LABEL, KEPT = BESIDE


def rounded(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without ids, its probabilities as the page writes them."""
    for one in answer["predictions"]:
        del one["id"]
        one["probabilities"] = pytest.approx(one["probabilities"], abs=1e-3)
    return answer


def test_the_examples_are_answered_as_the_page_says(start: Start) -> None:
    client = start().client
    for request in (BY_ROWS, BY_COLUMNS, SPLIT):
        answer = client.post("/predict", json=request)
        assert answer.status_code == 200
        found = answer.json()
        assert all(one.pop("id") for one in found["predictions"])
        assert found == rounded(json.loads(json.dumps(ANSWER)))
    refused = client.post("/predict", json=UNFIT)
    assert (refused.status_code, refused.json()) == (422, REFUSAL)


def test_the_examples_of_other_protocols_are_answered_as_the_page_says(start: Start) -> None:
    client = start().client
    inferred = client.post("/v2/models/plant/infer", json=INFER).json()
    predict, shares, ids = inferred["outputs"]
    assert (inferred["model_name"], predict) == ("plant", INFERRED["outputs"][0])
    expected = INFERRED["outputs"][1]
    assert shares == expected | {"data": pytest.approx(expected["data"], abs=1e-3)}
    assert ids.keys() == INFERRED["outputs"][2].keys()
    invoked = client.post("/invocations", json=INVOKE).json()
    (name,) = invoked["ids"]
    assert invoked == INVOKED | {"ids": [name]}
    kept = client.post("/feedback", json=LABEL | {"id": name})
    assert (kept.status_code, kept.json()) == (200, KEPT)
    assert client.post("/feedback", json=LABEL).status_code == 404


def test_every_route_is_on_the_page(start: Start) -> None:
    client = start().client
    routes = set(re.findall(r"^\| `(/[^`]*)` \|", PAGE, re.M)) | {"/predict"}
    assert routes == set(client.get("/").json()["endpoints"])
    for name in re.findall(r"`(mlo_\w+)`", PAGE):
        assert f"\n{name} " in client.get("/metrics").text


def test_every_status_that_the_server_gives_is_on_the_page() -> None:
    told = set(map(int, re.findall(r"^\| (\d{3}) \|", PAGE, re.M)))
    code = "".join(path.read_text() for path in (TOP / "mlops_cli/serving").rglob("*.py"))
    given = set(map(int, re.findall(r"""(?:Refused\(\s*|_refuse\(\s*b")(\d{3})""", code)))
    assert given | {200, 500} == told
