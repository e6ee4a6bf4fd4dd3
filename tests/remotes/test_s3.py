"""A bucket as a remote: what two clones share, kills, and all that a server may say."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository, create, open_repository
from mlops_cli.data import snapshot
from mlops_cli.data.restore import restore
from mlops_cli.errors import Conflict, ExternalError, RequestError
from mlops_cli.remotes import fetch, s3_store
from mlops_cli.remotes.push import push
from mlops_cli.remotes.remote import Remote
from mlops_cli.remotes.s3 import S3Transport
from mlops_cli.remotes.transport import MissingKey
from tests.conftest import in_threads, noise
from tests.data.test_snapshot import fill, store
from tests.remotes.conftest import grow
from tests.servers.seaweed import BUCKET, S3Server


@pytest.fixture
def url() -> str:
    return f"s3://{BUCKET}/{uuid.uuid4()}"


class Noting(S3Transport):
    """Notes what is sent, and lets two meet before either moves anything."""

    meet: threading.Barrier | None = None

    def __init__(self, url: str, environment: dict[str, str]) -> None:
        super().__init__(url, environment)
        self.sent: list[str] = []

    def write_new(self, key: str, source: Path | bytes) -> None:
        self.sent.append(key)
        super().write_new(key, source)

    def compare_and_swap(self, key: str, old: bytes | None, new: bytes) -> None:
        if self.meet:
            meet, self.meet = self.meet, None
            meet.wait(30)
        super().compare_and_swap(key, old, new)


def remote_of(repo: Repository, url: str, server: S3Server) -> Remote:
    transport = Noting(url, server.environment())
    return Remote("origin", transport, repo.layout.remotes / "origin")


def bring(repo: Repository, remote: Remote) -> fetch.Fetched:
    found = fetch.records(repo, remote)
    fetch.content(repo, remote, None)
    return found


def test_what_is_pushed_can_be_fetched_elsewhere(
    here: Repository, there: Repository, url: str, s3_server: S3Server
) -> None:
    fill(here.root / "data")
    (here.root / "data" / "big").write_bytes(noise(12_000_000))
    found = store(here, here.root / "data")
    head = grow(here, "models/churn", "first")
    assert push(here, remote_of(here, url, s3_server)).moved == ("models/churn",)
    remote = remote_of(there, url, s3_server)
    assert fetch.records(there, remote).moved == ("models/churn",)
    assert there.refs.get("models/churn") == head
    fetch.content(there, remote, [found.oid])
    restore(there, found.oid, found.kind, there.root / "data")
    assert snapshot.take(there, there.root / "data") == found
    again = remote_of(here, url, s3_server)
    assert push(here, again).objects == 0
    assert again.transport.sent == []  # type: ignore[attr-defined]


def at_once(
    repos: list[Repository], url: str, server: S3Server
) -> tuple[list[Exception | None], list[Remote]]:
    """Push from all, which meet before they move the remote; return how each ended."""
    remotes = [remote_of(repo, url, server) for repo in repos]
    meet = threading.Barrier(len(repos))
    ended: list[Exception | None] = [None] * len(repos)

    def work(at: int) -> None:
        remotes[at].transport.meet = meet  # type: ignore[attr-defined]
        try:
            push(open_repository(repos[at].root), remotes[at])
        except Conflict as error:
            ended[at] = error

    assert in_threads(work, len(repos)) == []
    return ended, remotes


@pytest.mark.parametrize("begun", [False, True], ids=["new remote", "old remote"])
def test_of_two_pushes_at_once_one_wins_and_the_other_is_told_to_pull(
    here: Repository, there: Repository, url: str, s3_server: S3Server, *, begun: bool
) -> None:
    if begun:
        grow(here, "models/churn", "first")
        push(here, remote_of(here, url, s3_server))
        bring(there, remote_of(there, url, s3_server))
    blobs = [repo.objects.put(noise(9_000, seed)) for seed, repo in enumerate((here, there))]
    heads = [grow(here, "models/churn", "mine"), grow(there, "models/churn", "theirs")]
    ended, remotes = at_once([here, there], url, s3_server)
    (lost,) = [at for at, error in enumerate(ended) if error]
    error = ended[lost]
    assert isinstance(error, Conflict)
    assert error.hint == "mlo pull origin"
    assert remotes[lost].read().state.refs == {"models/churn": heads[1 - lost]}

    loser = [here, there][lost]
    assert bring(loser, remotes[lost]).diverged == {"models/churn": heads[1 - lost]}
    assert loser.refs.get("models/churn") == heads[lost]
    assert all(loser.objects.has(blob) for blob in blobs)


def test_two_pushes_at_once_of_different_things_both_arrive(
    here: Repository, there: Repository, url: str, s3_server: S3Server, tmp_path: Path
) -> None:
    blobs = [repo.objects.put(noise(9_000, seed)) for seed, repo in enumerate((here, there))]
    grow(here, "audit/here", "entry")
    grow(there, "audit/there", "entry")
    ended, _ = at_once([here, there], url, s3_server)
    assert ended == [None, None]
    third = create(tmp_path / "third")
    bring(third, remote_of(third, url, s3_server))
    assert set(third.refs.all()) == {"audit/here", "audit/there"}
    assert all(third.objects.has(blob) for blob in blobs)


PACKS = 10


@pytest.mark.parametrize("after_packs", [0, 1, 4, PACKS - 1, PACKS])
def test_a_killed_push_leaves_the_remote_whole_and_sends_nothing_twice(
    here: Repository, there: Repository, url: str, s3_server: S3Server, after_packs: int
) -> None:
    oids = [here.objects.put(noise(1_000_000, seed)) for seed in range(PACKS - 2)]
    oids.append(here.objects.put(noise(20_000_000, PACKS)))
    head = grow(here, "models/churn", "first")
    (here.root / ".mlops.yaml").write_text(f"remotes:\n  origin: {url}\n")
    transport = remote_of(here, url, s3_server).transport
    process = subprocess.Popen(
        [Path(sys.executable).parent / "mlo", "push"],
        cwd=here.root,
        env={**os.environ, **s3_server.environment()},
        stdout=subprocess.DEVNULL,
    )
    while process.poll() is None:
        if len(transport.list("packs/")) >= after_packs:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()

    sent = set(transport.list("packs/"))
    assert len(sent) >= min(after_packs, PACKS)
    remote = remote_of(there, url, s3_server)
    bring(there, remote)
    assert there.refs.all() in ({}, {"models/churn": head})

    again = remote_of(here, url, s3_server)
    push(open_repository(here.root), again)
    assert not sent & set(again.transport.sent)  # type: ignore[attr-defined]
    bring(there, remote_of(there, url, s3_server))
    assert there.refs.get("models/churn") == head
    assert set(there.objects.each(Kind.BLOB)) == set(oids)


SENDER = """
import sys
from pathlib import Path
from mlops_cli.remotes.s3 import S3Transport

transport = S3Transport(sys.argv[1])
transport.write_new("format", b"")
print("go", flush=True)
transport.write_new("packs/big.pack", Path(sys.argv[2]))
"""


@pytest.mark.parametrize("after_s", [0.05, 0.2])
def test_of_an_object_that_was_not_sent_whole_nothing_is_seen(
    url: str, s3_server: S3Server, tmp_path: Path, after_s: float
) -> None:
    content = noise(32_000_000)
    (tmp_path / "big").write_bytes(content)
    process = subprocess.Popen(
        [sys.executable, "-c", SENDER, url, tmp_path / "big"],
        env={**os.environ, **s3_server.environment()},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    with suppress(subprocess.TimeoutExpired):
        process.wait(after_s)
    process.kill()
    process.communicate()
    transport = S3Transport(url, s3_server.environment())
    with suppress(MissingKey):
        assert transport.size("packs/big.pack") == len(content)
    transport.write_new("packs/big.pack", tmp_path / "big")
    assert transport.read("packs/big.pack") == content


def test_a_file_that_cannot_be_read_is_told(url: str, s3_server: S3Server, tmp_path: Path) -> None:
    transport = S3Transport(url, s3_server.environment())
    with pytest.raises(ExternalError, match=r"cannot read '.*none'"):
        transport.write_new("packs/a.pack", tmp_path / "none")
    with pytest.raises(MissingKey):
        transport.size("packs/a.pack")


@pytest.mark.parametrize(
    ("bucket", "environment", "says"),
    [
        (BUCKET, {"AWS_SECRET_ACCESS_KEY": "hush"}, "refuses the AWS secret key"),
        (BUCKET, {"AWS_ACCESS_KEY_ID": "nobody"}, "does not know the AWS access key"),
        ("nowhere", {}, "there is no bucket 'nowhere' at http://127"),
        (BUCKET, {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "127.0.0.1:1: connection refused"),
        (BUCKET, {"AWS_ENDPOINT_URL": "nonsense"}, "not of the form https://HOST"),
        (BUCKET, {"AWS_ENDPOINT_URL": "https://me:hush@host"}, "not of the form https://HOST"),
        (BUCKET, {"AWS_ENDPOINT_URL": "ftp://host"}, "not of the form https://HOST"),
        (BUCKET, {"AWS_REGION": "a b"}, "the AWS region that is set is none"),
        (
            BUCKET,
            {"AWS_ENDPOINT_URL": "https://a", "AWS_CA_BUNDLE": "/none"},
            "cannot read '/none'",
        ),
    ],
)
def test_what_the_server_or_the_settings_refuse_is_one_clear_line(
    s3_server: S3Server, bucket: str, environment: dict[str, str], says: str
) -> None:
    set_up = {**s3_server.environment(), **environment}
    with pytest.raises(ExternalError, match=re.escape(says)) as caught:
        S3Transport(f"s3://{bucket}/x", set_up).read("state")
    assert "\n" not in caught.value.message
    assert "hush" not in caught.value.message
    assert caught.value.hint


def test_a_server_that_speaks_no_tls_is_told(s3_server: S3Server) -> None:
    endpoint = s3_server.endpoint.replace("http:", "https:")
    with pytest.raises(ExternalError, match="does not speak TLS"):
        S3Transport("s3://team/x", {**s3_server.environment(), "AWS_ENDPOINT_URL": endpoint}).read(
            "state"
        )


def test_who_may_only_read_is_told_what_a_push_needs(url: str, s3_server: S3Server) -> None:
    S3Transport(url, s3_server.environment()).write_new("packs/a.pack", b"x")
    reader = S3Transport(url, s3_server.environment("reader"))
    assert reader.read("packs/a.pack") == b"x"
    for write in (
        lambda: reader.write_new("packs/b.pack", b"y"),
        lambda: reader.compare_and_swap("state", None, b"y"),
    ):
        with pytest.raises(ExternalError, match="forbids it") as caught:
            write()
        assert "s3:PutObject" in str(caught.value.hint)


def test_who_has_no_keys_is_told(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(ExternalError, match="no AWS credentials were found"):
        S3Transport(url).read("state")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://me:hush@host/bucket", "takes no credentials"),
        ("s3://bucket/x?secret=hush", "takes no credentials or options"),
        ("s3://", "names no bucket"),
        ("s3:///prefix", "names no bucket"),
        ("s3://bucket/a/../b", "prefix that no bucket can keep"),
        ("s3://bucket/a\nb", "prefix that no bucket can keep"),
    ],
)
def test_a_url_that_is_none_is_refused_before_anybody_is_asked(url: str, says: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        S3Transport(url)
    assert "hush" not in caught.value.message + str(caught.value.hint)


def test_a_server_that_says_nothing_is_given_up(
    monkeypatch: pytest.MonkeyPatch, url: str, s3_server: S3Server
) -> None:
    monkeypatch.setattr(s3_store, "_SILENCE_S", 0.2)
    monkeypatch.setattr(s3_store, "_PATIENCE_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        endpoint = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        transport = S3Transport(url, {**s3_server.environment(), "AWS_ENDPOINT_URL": endpoint})
        began = time.monotonic()
        with pytest.raises(ExternalError, match="no answer in time"):
            transport.read("state")
    assert time.monotonic() - began < 5


def test_control_c_is_heard_while_a_server_says_nothing(url: str, here: Repository) -> None:
    (here.root / ".mlops.yaml").write_text(f"remotes:\n  origin: {url}\n")
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        server = S3Server(f"http://127.0.0.1:{deaf.getsockname()[1]}")
        process = subprocess.Popen(
            [Path(sys.executable).parent / "mlo", "fetch"],
            cwd=here.root,
            env={**os.environ, **server.environment()},
        )
        with deaf.accept()[0] as asked:
            asked.recv(100)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
    assert time.monotonic() - began < 5


class Careless(BaseHTTPRequestHandler):
    """An S3 server that takes every write, whatever its conditions."""

    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]

    def do_PUT(self) -> None:
        self.objects[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(200, b"")

    def do_GET(self) -> None:
        if self.path in self.objects:
            self.answer(200, self.objects[self.path])
        else:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"always the same"')
        self.send_header("Last-Modified", "Sat, 21 Nov 2026 08:00:00 GMT")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def careless() -> Iterator[S3Server]:
    kind = type("Kind", (Careless,), {"objects": {}})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield S3Server(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


def test_a_server_that_ignores_conditions_is_refused(careless: S3Server, url: str) -> None:
    def swap(old: bytes | None, new: bytes) -> Callable[[], None]:
        transport = S3Transport(url, careless.environment())
        return lambda: transport.compare_and_swap("state", old, new)

    for write in (swap(None, b"one"), swap(b"one", b"two")):
        with pytest.raises(ExternalError, match="ignores conditional writes"):
            write()
    assert S3Transport(url, careless.environment()).read("state") == b"one"
