"""The clients that people have, against a real server: KServe's by REST and gRPC, and MLflow's."""

import json
import queue
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy
import pytest
import tritonclient.grpc as by_grpc
import tritonclient.http as by_http
from tritonclient.utils import InferenceServerException

from mlops_cli.data import prediction_log
from tests.imports.conftest import mlflow_python  # noqa: F401  a fixture
from tests.serving.conftest import ROW, TRAINING, Running, classifier
from tests.serving.served import served

TYPES = {"size": "FP64", "count": "INT64", "soil": "BYTES"}
EXPECTED = classifier().predict(TRAINING).tolist()
SHARES = classifier().predict_proba(TRAINING)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with served(tmp_path_factory.mktemp("project") / "here") as one:
        yield one


@pytest.fixture(params=["http", "grpc"])
def triton(request: pytest.FixtureRequest, running: Running) -> Iterator[tuple[Any, Any]]:
    """A client and its module."""
    module = {"http": by_http, "grpc": by_grpc}[request.param]
    client = module.InferenceServerClient(running.ready.url.removeprefix("http://"))
    yield module, client
    client.close()


def inputs(module: Any, **how: Any) -> list[Any]:
    made = []
    for name, datatype in TYPES.items():
        tensor = module.InferInput(name, [len(TRAINING)], datatype)
        values = TRAINING[name].to_numpy(dtype=object if datatype == "BYTES" else None)
        made.append(tensor.set_data_from_numpy(values, **how))
    return made


def test_kserves_clients_see_server_and_model(triton: tuple[Any, Any]) -> None:
    module, client = triton
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("plant")
    assert client.is_model_ready("plant", "1")
    as_json = {"as_json": True} if module is by_grpc else {}
    server = client.get_server_metadata(**as_json)
    assert (server["name"], server["extensions"]) == ("mlo", ["binary_tensor_data"])
    model = client.get_model_metadata("plant", **as_json)
    assert {one["name"]: one["datatype"] for one in model["inputs"]} == TYPES
    assert [one["name"] for one in model["outputs"]] == [
        *("predict", "predict_proba", "prediction_id")
    ]


def test_kserves_clients_get_the_models_answers(triton: tuple[Any, Any], running: Running) -> None:
    module, client = triton
    hows = [{"binary_data": True}, {"binary_data": False}] if module is by_http else [{}]
    for how in hows:
        result = client.infer("plant", inputs(module, **how), request_id="seven")
        labels = [value.decode() for value in result.as_numpy("predict").tolist()]
        assert labels == EXPECTED
        numpy.testing.assert_array_equal(result.as_numpy("predict_proba"), SHARES)
        ids = [value.decode() for value in result.as_numpy("prediction_id").tolist()]
        assert all(prediction_log.is_prediction_id(one) for one in ids)
        said = result.get_response()
        name, version, own = (
            (said["model_name"], said["model_version"], said["id"])
            if module is by_http
            else (said.model_name, said.model_version, said.id)
        )
        assert (name, version, own) == ("plant", "1", "seven")


def test_kserves_clients_choose_outputs_and_version(triton: tuple[Any, Any]) -> None:
    module, client = triton
    outputs = [module.InferRequestedOutput("predict_proba")]
    result = client.infer("plant", inputs(module), model_version="1", outputs=outputs)
    assert result.as_numpy("predict") is None
    numpy.testing.assert_array_equal(result.as_numpy("predict_proba"), SHARES)


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_kserves_clients_may_pack_what_they_send(triton: tuple[Any, Any], packing: str) -> None:
    module, client = triton
    name = "request_compression_algorithm" if module is by_http else "compression_algorithm"
    result = client.infer("plant", inputs(module), **{name: packing})
    assert [value.decode() for value in result.as_numpy("predict").tolist()] == EXPECTED


def test_kserves_clients_are_told_what_does_not_fit(triton: tuple[Any, Any]) -> None:
    module, client = triton
    wrong = inputs(module)
    wrong[2].set_data_from_numpy(numpy.array(["sand"] * len(TRAINING), dtype=object))
    with pytest.raises(InferenceServerException, match="row 0, field 'soil' must be a value"):
        client.infer("plant", wrong)
    with pytest.raises(InferenceServerException, match="field 'size' is missing"):
        client.infer("plant", inputs(module)[1:])
    with pytest.raises(InferenceServerException, match="no model 'tree' is served here"):
        client.infer("tree", inputs(module))
    with pytest.raises(InferenceServerException, match="version '2' of 'plant' is not served"):
        client.infer("plant", inputs(module), model_version="2")
    with pytest.raises(InferenceServerException, match="there is no output 'nothing'"):
        client.infer("plant", inputs(module), outputs=[module.InferRequestedOutput("nothing")])
    assert client.is_server_live()


def test_grpc_takes_typed_contents_too(running: Running) -> None:
    from tritonclient.grpc import service_pb2 as pb
    from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

    request = pb.ModelInferRequest(model_name="plant")
    for name, datatype in TYPES.items():
        tensor = request.inputs.add(name=name, datatype=datatype, shape=[1])
        place = {"FP64": "fp64", "INT64": "int64", "BYTES": "bytes"}[datatype]
        value = ROW[name].encode() if datatype == "BYTES" else ROW[name]
        getattr(tensor.contents, f"{place}_contents").append(value)
    with grpc.insecure_channel(running.ready.url.removeprefix("http://")) as channel:
        stub = GRPCInferenceServiceStub(channel)
        answer = stub.ModelInfer(request, timeout=30)
        outputs = {one.name: one.contents for one in answer.outputs}
        assert list(outputs["predict"].bytes_contents) == [b"yes"]
        assert sum(outputs["predict_proba"].fp64_contents) == pytest.approx(1)
        request.inputs[0].contents.int_contents.append(3)
        with pytest.raises(grpc.RpcError, match="is FP64, but has int_contents"):
            stub.ModelInfer(request, timeout=30)
        missing = channel.unary_unary("/inference.GRPCInferenceService/Nothing")
        with pytest.raises(grpc.RpcError, match="there is no such call here") as told:
            missing(b"", timeout=30)
        assert told.value.code() is grpc.StatusCode.UNIMPLEMENTED
        broken = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        with pytest.raises(grpc.RpcError, match="the message is no ModelInferRequest"):
            broken(b"\xff" * 20, timeout=30)
        with pytest.raises(grpc.RpcError, match="a message may have 100000 bytes at most") as told:
            broken(bytes(400_000), timeout=30)
        assert told.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        healthy = channel.unary_unary("/grpc.health.v1.Health/Check")
        assert healthy(b"", timeout=30) == b"\x08\x01"


def test_grpc_and_http_are_counted_alike(running: Running) -> None:
    with by_grpc.InferenceServerClient(running.ready.url.removeprefix("http://")) as client:
        client.infer("plant", inputs(by_grpc))
    text = running.client.get("/metrics").text
    assert 'path="/inference.GRPCInferenceService/ModelInfer",status="200"' in text


def test_many_calls_share_a_connection_and_large_answers_flow(running: Running) -> None:
    many = 900
    table = {name: TRAINING[name].tolist() * (many // 8) for name in TYPES}
    with by_grpc.InferenceServerClient(running.ready.url.removeprefix("http://")) as client:
        tensors = []
        for name, datatype in TYPES.items():
            values = numpy.array(table[name], dtype=object if datatype == "BYTES" else None)
            tensors.append(by_grpc.InferInput(name, [len(values)], datatype))
            tensors[-1].set_data_from_numpy(values)
        results: Any = queue.SimpleQueue()
        for _ in range(10):
            client.async_infer("plant", tensors, lambda result, error: results.put(error or result))
        for _ in range(10):
            labels = results.get(timeout=30).as_numpy("predict").tolist()
            assert [value.decode() for value in labels] == EXPECTED * (many // 8)


MLFLOW = """
import json, sys
import pandas
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
url, rows = sys.argv[1], json.loads(sys.argv[2])
client = ScoringServerClient("127.0.0.1", url.rsplit(":", 1)[1])
client.wait_server_ready(timeout=30)
assert client.get_version()
answer = client.invoke(pandas.DataFrame(rows))
print(answer.get_predictions().to_json(orient="values"))
"""


def test_mlflows_own_scoring_client_gets_the_models_answers(
    running: Running,
    mlflow_python: Path,  # noqa: F811  the fixture
    tmp_path: Path,
) -> None:
    (tmp_path / "scipy").mkdir()  # it looks for scipy.sparse also where there is no scipy
    (tmp_path / "scipy/__init__.py").touch()
    rows = json.dumps(TRAINING.to_dict("list"))
    done = subprocess.run(
        [mlflow_python, "-c", MLFLOW, running.ready.url, rows],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [[label] for label in EXPECTED]
