"""A server with tokens and TLS, as clients of HTTP and of gRPC see it."""

import queue
import ssl
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
import tritonclient.grpc as by_grpc

from mlops_cli.core.config_serving import Serving, Tls
from mlops_cli.core.repository import create
from mlops_cli.errors import RequestError
from mlops_cli.serving.guard.guard import guard
from tests.conftest import git
from tests.serving.conftest import ROW, Running
from tests.serving.served import served

PEM = Path(__file__).parents[2] / "servers/localhost-for-tests.pem"
TOKEN, OTHER = "t" * 40, "u" * 40
OPEN = ("/health", "/ready", "/ping", "/v2/health/live", "/v2/health/ready")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    root = tmp_path_factory.mktemp("guarded") / "here"
    root.mkdir()
    (root / "tokens").write_text(f"{OTHER}\n{TOKEN}\n")
    settings = f"{{tokens_file: tokens, tls: {{cert: '{PEM}'}}}}"
    context = ssl.create_default_context(cafile=str(PEM))
    with served(root, settings, verify=context) as one:
        yield one


def bearing(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_only_who_has_a_token_is_answered(running: Running) -> None:
    assert running.ready.url.startswith("https://")
    assert running.predict().status_code == 401
    for path in ("/", "/metrics", "/openapi.json", "/v2", "/v2/models/plant", "/nowhere"):
        answer = running.client.get(path)
        assert (answer.status_code, answer.headers["www-authenticate"][:6]) == (401, "Bearer")
    assert "plant" not in running.client.get("/").text
    for token in (TOKEN, OTHER):
        answer = running.client.post("/predict", json={"rows": [ROW]}, headers=bearing(token))
        assert answer.status_code == 200
    wrong = running.client.post("/predict", json={"rows": [ROW]}, headers=bearing("v" * 40))
    assert (wrong.status_code, wrong.json()["error"][:9]) == (401, "the token")


def test_probes_need_no_token(running: Running) -> None:
    for path in OPEN:
        assert running.client.get(path).status_code == 200


def test_openapi_tells_of_the_token(running: Running) -> None:
    described = running.client.get("/openapi.json", headers=bearing(TOKEN)).json()
    assert described["security"] == [{"token": []}]


def test_grpc_goes_through_the_same_tls_and_tokens(running: Running) -> None:
    place = running.ready.url.removeprefix("https://")
    secure = grpc.ssl_channel_credentials(PEM.read_bytes())
    with by_grpc.InferenceServerClient(
        place.replace("127.0.0.1", "localhost"), ssl=True, creds=secure
    ) as client:
        assert client.is_server_live()
        assert client.is_model_ready("plant", headers=bearing(TOKEN))
        with pytest.raises(Exception, match="a token is needed") as refused:
            client.get_server_metadata()
        assert "UNAUTHENTICATED" in str(refused.value)


def test_grpc_asks_for_the_token_before_it_takes_the_message(running: Running) -> None:
    place = running.ready.url.removeprefix("https://").replace("127.0.0.1", "localhost")
    secure = grpc.ssl_channel_credentials(PEM.read_bytes())
    with grpc.secure_channel(place, secure) as channel:
        infer = channel.stream_unary("/inference.GRPCInferenceService/ModelInfer")
        never = queue.SimpleQueue[bytes]()
        with pytest.raises(grpc.RpcError, match="a token is needed"):
            infer(iter(never.get, b""), timeout=30)
        never.put(b"")


def test_old_tls_and_plain_http_are_not_spoken(running: Running) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.get(running.ready.url.replace("https", "http") + "/health", timeout=10)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(httpx.HTTPError):
        httpx.get(running.ready.url + "/health", verify=old, timeout=10)
    assert running.client.get("/health").status_code == 200


def test_tokens_that_git_keeps_are_refused(tmp_path: Path, own_home: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "tokens").write_text(TOKEN)
    git(tmp_path, "add", "tokens")
    (tmp_path / ".mlops.yaml").write_text("serving: {tokens_file: tokens}\n")
    repo = create(tmp_path)
    with pytest.raises(RequestError, match="git tracks 'tokens', which must stay secret"):
        guard(repo.settings.serving, repo.root, {}, say=print)


@pytest.mark.parametrize(
    ("name", "words"), [("cert.pem", "are not a certificate and its key"), ("gone.pem", "no file")]
)
def test_files_that_are_no_certificate_are_told_at_the_start(
    name: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "cert.pem").write_text("none")
    with pytest.raises(RequestError, match=words):
        guard(Serving(tls=Tls(name)), tmp_path, {}, say=print)
