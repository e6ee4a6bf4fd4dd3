"""A user meets the same version whatever protocol the request is in, and wherever the key is."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
import tritonclient.grpc as by_grpc
import tritonclient.http as by_http

from mlops_cli.core.repository import Repository
from mlops_cli.registry import routes
from tests.serving.conftest import ROW, Running
from tests.serving.registry import served

USERS = [f"user-{number}" for number in range(12)]
TYPES: dict[str, tuple[str, Any]] = {
    "size": ("FP64", numpy.float64),
    "count": ("INT64", numpy.int64),
    "soil": ("BYTES", object),
}


@pytest.fixture
def running(project: Path, two_versions: Callable[..., Repository]) -> Iterator[Running]:
    repo = two_versions()
    routes.begin(repo, "plant@v2", "ab", share=0.5, by="user_id")
    with served(repo) as one:
        yield one


def tensors(module: Any, user: str | None = None, **how: Any) -> list[Any]:
    fields: dict[str, Any] = {"user_id": user, **ROW} if user else dict(ROW)
    made = []
    for name, value in fields.items():
        datatype, kind = TYPES.get(name, ("BYTES", object))
        one = module.InferInput(name, [1], datatype)
        made.append(one.set_data_from_numpy(numpy.array([value], dtype=kind), **how))
    return made


def as_tensors(user: str | None) -> list[dict[str, Any]]:
    fields: dict[str, Any] = {**ROW, "user_id": user} if user else dict(ROW)
    return [
        {"name": n, "shape": [1, 1], "datatype": TYPES.get(n, ("BYTES",))[0], "data": [[v]]}
        for n, v in fields.items()
    ]


def test_a_user_meets_one_version_in_all_protocols(running: Running) -> None:
    post = running.client.post
    place = running.ready.url.removeprefix("http://")
    http, rpc = by_http.InferenceServerClient(place), by_grpc.InferenceServerClient(place)

    def version(path: str, body: dict[str, Any]) -> int:
        answer = post(path, json=body)
        assert answer.status_code == 200, answer.text
        said = answer.json()
        return int(said.get("version") or said.get("model_version") or 0)

    def triton(client: Any, given: list[Any], **more: Any) -> int:
        answer = client.infer("plant", given, **more).get_response()
        said = answer["model_version"] if isinstance(answer, dict) else answer.model_version
        return int(said)

    def everywhere(user: str) -> list[int]:
        said = {"user_id": user}
        infer = "/v2/models/plant/infer"
        return [
            version("/predict", {"user_id": user, "rows": [ROW]}),
            version("/predict", {"rows": [{**ROW, "user_id": user}]}),
            version(infer, {"inputs": as_tensors(None), "parameters": said}),
            version(infer, {"inputs": as_tensors(user)}),
            triton(http, tensors(by_http), parameters=said),
            triton(http, tensors(by_http, user)),
            triton(http, tensors(by_http, user, binary_data=False)),
            triton(rpc, tensors(by_grpc), parameters=said),
            triton(rpc, tensors(by_grpc, user)),
        ]

    met = {user: set(everywhere(user)) for user in USERS}
    assert all(len(one) == 1 for one in met.values())
    assert set.union(*met.values()) == {1, 2}
    rows = {"dataframe_records": [ROW], "params": {"user_id": USERS[0]}}
    assert post("/invocations", json=rows).status_code == 200
    http.close()
    rpc.close()


def test_rows_of_two_users_in_one_call_are_refused(running: Running) -> None:
    tensor = {"name": "user_id", "shape": [2], "datatype": "BYTES", "data": ["a", "b"]}
    inputs = [{**one, "shape": [2], "data": one["data"] * 2} for one in as_tensors(None)]
    told = running.client.post("/v2/models/plant/infer", json={"inputs": [*inputs, tensor]})
    assert (told.status_code, told.json()["error"][:34]) == (
        422,
        "the rows have more than one 'user_",
    )
