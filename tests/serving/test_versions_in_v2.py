"""Who names a version in KServe's protocol is answered by it, also while it is a canary."""

from collections.abc import Callable
from typing import Any

from mlops_cli.core.repository import Repository
from mlops_cli.registry import routes
from tests.serving.conftest import ROW
from tests.serving.registry import served

INPUTS: list[dict[str, Any]] = [
    {"name": name, "datatype": datatype, "shape": [1], "data": [ROW[name]]}
    for name, datatype in (("size", "FP64"), ("count", "INT64"), ("soil", "BYTES"))
]


def test_a_canary_is_answered_by_when_it_is_named(two_versions: Callable[..., Repository]) -> None:
    repo = two_versions()
    routes.begin(repo, "plant@v2", "canary", share=0.01)
    with served(repo) as running:
        described = running.client.get("/v2/models/plant").json()
        assert described["versions"] == ["1", "2"]
        for version in ("1", "2"):
            path = f"/v2/models/plant/versions/{version}"
            assert running.client.get(f"{path}/ready").json()["ready"]
            answer = running.client.post(f"{path}/infer", json={"inputs": INPUTS}).json()
            assert answer["model_version"] == version
        missing = running.client.post("/v2/models/plant/versions/3/infer", json={"inputs": INPUTS})
        assert missing.status_code == 404
        assert missing.json()["error"].endswith("is not served here: there is v1, v2")
