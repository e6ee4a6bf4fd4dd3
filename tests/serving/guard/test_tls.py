"""A certificate is renewed while the server answers; one that is no good changes nothing."""

import datetime
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mlops_cli.serving.guard import tls
from mlops_cli.serving.guard.tls import LOOK_S, Tls
from tests.serving.conftest import Running
from tests.serving.registry import wait_for
from tests.serving.served import served


def pair(name: str) -> tuple[bytes, bytes]:
    """Return a new certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(day)
        .not_valid_after(day + datetime.timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return made.public_bytes(serialization.Encoding.PEM), private


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Files:
    """A certificate and its key in two files, and who looks at them."""

    def __init__(self, folder: Path) -> None:
        self.cert, self.key = folder / "cert.pem", folder / "key.pem"
        self.put(*pair("first"))
        self.clock = Clock()
        self.said: list[str] = []
        self.tls = Tls(self.cert, self.key, say=self.said.append, clock=self.clock)

    def put(self, cert: bytes, key: bytes | None) -> None:
        for path, data in ((self.cert, cert), (self.key, key)):
            if data is not None:
                path.with_suffix(".new").write_bytes(data)
                path.with_suffix(".new").rename(path)

    def look(self, times: int = 1) -> ssl.SSLContext:
        for _ in range(times):
            self.clock.now += LOOK_S
            self.tls.follow()
        return self.tls.context


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_files_that_did_not_change_are_not_read_again(files: Files) -> None:
    first = files.tls.context
    assert files.look(5) is first
    assert not files.said


def test_a_new_pair_is_taken_and_told(files: Files) -> None:
    first = files.tls.context
    files.put(*pair("second"))
    assert files.look(2) is not first
    assert files.said == [f"the certificate in '{files.cert}' changed: new connections get it"]


def test_half_a_change_is_waited_for(files: Files) -> None:
    first = files.tls.context
    cert, key = pair("second")
    files.put(cert, None)
    assert files.look() is first
    files.put(cert, key)
    assert files.look(2) is not first
    assert [line for line in files.said if "changed" not in line] == []


def test_a_broken_file_leaves_the_old_one_and_is_told_once(files: Files) -> None:
    first = files.tls.context
    files.cert.write_text("none")
    assert files.look(10) is first
    (told,) = files.said
    assert told.endswith("the certificate from before goes on being used")
    assert files.tls.failure is not None
    files.cert.unlink()
    assert files.look(3) is first
    files.put(*pair("third"))
    assert files.look(2) is not first
    assert files.tls.failure is None


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Running, Files]]:
    monkeypatch.setattr(tls, "LOOK_S", 0.01)
    found = Files(tmp_path)
    settings = f"{{tls: {{cert: '{found.cert}', key: '{found.key}'}}}}"
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    with served(tmp_path / "here", settings, verify=anyone) as one:
        yield one, found


def shown(running: Running) -> bytes:
    """Return the certificate that a new connection is shown."""
    host, port = running.ready.url.removeprefix("https://").split(":")
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((host, int(port)), timeout=10) as raw,
        anyone.wrap_socket(raw, server_hostname="localhost") as made,
    ):
        return made.getpeercert(binary_form=True) or b""


def test_a_server_takes_a_new_certificate_and_drops_no_connection(
    running: tuple[Running, Files],
) -> None:
    one, files = running
    assert one.predict().status_code == 200
    assert one.server._worker is not None
    connections = one.server._worker.server.server_state.connections
    (mine,) = connections
    before = shown(one)
    files.put(*pair("second"))
    wait_for(lambda: shown(one) != before)
    assert one.predict().status_code == 200
    assert mine in connections
    assert "mlo_certificate_behind 0" in one.client.get("/metrics").text
    after = shown(one)
    files.cert.write_text("none")
    wait_for(lambda: "mlo_certificate_behind 1" in one.client.get("/metrics").text)
    assert shown(one) == after
    assert len([line for line in one.said if "goes on being used" in line]) == 1
