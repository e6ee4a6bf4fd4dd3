"""Where alerts arrive: a web server and a mail server that keep what they are given."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.monitor.watch import acting, rounds
from mlops_cli.monitor.watch import memory as memories
from mlops_cli.monitor.watch.alerts import Alert
from mlops_cli.monitor.watch.rounds import Report, Rounds
from tests.servers.files import CERTIFICATE
from tests.servers.programs import free_port

PASSWORD = "hunter2-in-the-environment"


@dataclass
class Hook:
    """A web server; `statuses` are what it answers next, 200 when there are no more."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    page: str = ""
    """What it answers to GET."""


@pytest.fixture
def hook() -> Iterator[Hook]:
    """Return a web server that keeps what is posted to it."""
    found = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.headers.append(dict(self.headers))
            found.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self._reply(found.statuses.pop(0) if found.statuses else 200, b"ok")

        def do_GET(self) -> None:
            self._reply(found.statuses.pop(0) if found.statuses else 200, found.page.encode())

        def _reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def dripping() -> Iterator[int]:
    """Return the port of a server that says a letter now and then, and never comes to an end."""
    over = threading.Event()

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                while not over.wait(0.05):
                    self.request.sendall(b"x")

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        over.set()
        server.shutdown()
        thread.join()


@dataclass
class Mailbox:
    """A mail server; `refuse` is what it answers to a message."""

    port: int = 0
    mails: list[bytes] = field(default_factory=list)
    to: list[list[str]] = field(default_factory=list)
    refuse: str | None = None
    signed_in: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuse is not None:
            return self.refuse
        self.mails.append(envelope.content)
        self.to.append(envelope.rcpt_tos)
        return "250 OK"

    def signs_in(self, _server: Any, _session: Any, _envelope: Any, _kind: str, data: Any) -> Any:
        self.signed_in.append(data.login)
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@pytest.fixture
def mailbox(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """Return a mail server: in the clear, or by a parameter with `starttls` or `tls`."""
    tls = getattr(request, "param", "none")
    found = Mailbox()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    options: dict[str, Any] = {"authenticator": found.signs_in} if tls != "none" else {}
    if tls == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    elif tls == "tls":
        options |= {"ssl_context": context, "auth_require_tls": False}
    server = _started(found, options)
    found.port = server.port
    yield found
    server.stop()


def _started(handler: Mailbox, options: dict[str, Any]) -> Controller:
    """Start a mail server; who takes its port before it does gets it, and it tries another."""
    for _ in range(5):
        server = Controller(handler, hostname="localhost", port=free_port(), **options)
        try:
            server.start()
        except OSError:
            continue
        return server
    raise AssertionError("no port is free")


@dataclass
class Clock:
    """A clock that goes on only when it is told to, or somebody waits."""

    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    on_wait: Callable[[], None] = lambda: None

    def __call__(self) -> datetime:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.on_wait()


@dataclass
class Guard:
    """A monitor of a project, whose clock is ours."""

    repo: Repository
    clock: Clock
    said: list[str] = field(default_factory=list)
    url: str = "http://127.0.0.1:9/metrics"

    def settings(self, text: str) -> None:
        """Write `monitor:` into the settings."""
        (self.repo.root / ".mlops.yaml").write_text(f"monitor: {text}\n")

    def going(self, *, dry: bool = False) -> Rounds:
        """Return whoever goes round, as after a restart."""
        self.repo = open_repository(self.repo.root)
        settings = rounds.of(self.repo)
        named = acting.actions(self.repo, settings, self.said.append)
        memory = memories.load(self.repo)
        return Rounds(self.repo, settings, memory, named, self.clock, self.said.append, dry=dry)

    def check(self) -> Report:
        """Check all rules once, in a process of its own as it were."""
        one = self.going()
        one.go(all_rules=True)
        return one.report()

    def now(self) -> None:
        """Let it be now."""
        self.clock.time = datetime.now(UTC)

    def later(self, **passed: float) -> None:
        """Let time pass."""
        self.clock.time += timedelta(**passed)


@pytest.fixture
def guard(project: Path) -> Guard:
    """Return a monitor of a new project."""
    return Guard(open_repository(project), Clock())


def alert(**changes: Any) -> Alert:
    """Return an alert on drift."""
    held: dict[str, Any] = {
        "id": "00c0ffee00c0ffee",
        "state": "firing",
        "rule": "inputs",
        "kind": "drift",
        "severity": "critical",
        "model": "churn",
        "version": 3,
        "version_id": "a" * 64,
        "reason": "2 of 9 columns (age <b>, plan & fee) drifted",
        "since": "2026-01-31T12:00:00.000000Z",
        "time": "2026-01-31T12:10:00.000000Z",
        "value": 0.4,
        "limit": 0.1,
        "facts": {"rows": 200, "worst": float("nan")},
    }
    return Alert(**{**held, **changes})
