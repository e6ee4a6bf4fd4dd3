"""A web server as a remote: what can be pulled, and all that a server may answer."""

import base64
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository
from mlops_cli.data import snapshot
from mlops_cli.data.restore import restore
from mlops_cli.errors import ExternalError, IntegrityError, RequestError
from mlops_cli.remotes import fetch, http
from mlops_cli.remotes.folder import FolderTransport
from mlops_cli.remotes.http import HttpTransport
from mlops_cli.remotes.push import push
from mlops_cli.remotes.remote import Remote
from mlops_cli.remotes.transport import MissingKey
from tests.conftest import noise
from tests.data.test_snapshot import fill, store
from tests.remotes.conftest import grow, remote_of
from tests.servers.files import CERTIFICATE, FileServer, serving

Fault = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def transport(file_server: FileServer) -> HttpTransport:
    """Return a transport of a server that has one file, `packs/a.pack`."""
    FolderTransport(file_server.folder).write_new("packs/a.pack", b"0123456789")
    return HttpTransport(file_server.url)


def over_http(repo: Repository, server: FileServer) -> Remote:
    return Remote("origin", HttpTransport(server.url), repo.layout.remotes / "origin")


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
def test_what_was_pushed_to_a_folder_is_pulled_over_http(
    here: Repository, there: Repository, file_server: FileServer, *, ranges: bool
) -> None:
    file_server.ranges = ranges
    fill(here.root / "data")
    (here.root / "data" / "big").write_bytes(noise(3_000_000))
    found = store(here, here.root / "data")
    head = grow(here, "models/churn", "first")
    push(here, remote_of(here, file_server.folder))
    remote = over_http(there, file_server)
    assert fetch.records(there, remote).moved == ("models/churn",)
    assert there.refs.get("models/churn") == head
    fetch.content(there, remote, [found.oid])
    restore(there, found.oid, found.kind, there.root / "data")
    assert snapshot.take(there, there.root / "data") == found


def test_one_file_of_a_folder_costs_one_file(
    here: Repository, there: Repository, file_server: FileServer
) -> None:
    with here.objects.writer() as writer:
        oids = [writer.put(noise(40_000, seed)) for seed in range(50)]
    push(here, remote_of(here, file_server.folder))
    remote = over_http(there, file_server)
    fetch.records(there, remote)
    file_server.asked.clear()
    fetch.content(there, remote, [oids[25]])
    ((_, _, wanted, _),) = file_server.asked
    first, last = (int(number) for number in re.findall(r"\d+", str(wanted)))
    assert last - first + 1 == 40_000


def test_pushing_over_http_is_refused_before_anything_is_sent(
    here: Repository, file_server: FileServer
) -> None:
    grow(here, "models/churn", "first")
    with pytest.raises(RequestError, match="read-only"):
        push(here, over_http(here, file_server))


def test_pulling_what_somebody_changed_on_the_server_is_refused(
    here: Repository, there: Repository, file_server: FileServer
) -> None:
    oid = here.objects.put(noise(5_000))
    push(here, remote_of(here, file_server.folder))
    (pack,) = (file_server.folder / "packs").iterdir()
    data = bytearray(pack.read_bytes())
    data[100] ^= 1
    pack.write_bytes(data)
    remote = over_http(there, file_server)
    fetch.records(there, remote)
    with pytest.raises(IntegrityError, match=oid):
        fetch.content(there, remote, [oid])
    assert not there.objects.has(oid)


def test_one_connection_serves_many_requests(
    transport: HttpTransport, file_server: FileServer
) -> None:
    for start in range(10):
        assert transport.read("packs/a.pack", start, 2) == b"0123456789"[start : start + 2]
        assert transport.size("packs/a.pack") == 10
    assert file_server.connections == 1


def test_threads_share_connections(transport: HttpTransport, file_server: FileServer) -> None:
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: transport.read("packs/a.pack"), range(40)))
    assert set(found) == {b"0123456789"}
    assert file_server.connections <= 8  # one that was dropped is made anew


def test_what_has_not_changed_is_not_sent_again(
    transport: HttpTransport, file_server: FileServer
) -> None:
    (file_server.folder / "state").write_bytes(b"one")
    assert [transport.read("state"), transport.read("state")] == [b"one", b"one"]
    (file_server.folder / "state").write_bytes(b"two")
    assert transport.read("state") == b"two"
    assert [status for *_, status in file_server.asked] == [200, 304, 200]
    assert {asked["Cache-Control"] for asked in file_server.headers} == {"no-cache"}
    assert file_server.connections == 1


def answers(status: int, body: bytes | None = b"", **headers: str) -> Fault:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.reply(status, body, **named)  # type: ignore[attr-defined]


def hangs_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def breaks_off(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "10")
    handler.end_headers()
    handler.wfile.write(b"012")
    handler.wfile.flush()
    hangs_up(handler)


@pytest.mark.parametrize(
    "fault",
    [answers(503), answers(500), answers(429, Retry_After="3600"), hangs_up, breaks_off],
    ids=["503", "500", "429", "hangs up", "breaks off"],
)
def test_what_may_pass_is_tried_again(
    transport: HttpTransport, file_server: FileServer, fault: Fault
) -> None:
    file_server.faults.append(fault)
    assert transport.read("packs/a.pack") == b"0123456789"


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (answers(503), "answered 503 for 'state'"),
        (answers(418), "answered 418 for 'state'"),
        (answers(401), r"forbids reading 'state' \(401\)"),
        (answers(403), r"forbids reading 'state' \(403\)"),
        (answers(302), "answered 302"),
        (answers(302, Location="ftp://host/x"), "not HTTPS"),
        (answers(302, Location="file:///etc/passwd"), "not HTTPS"),
        (answers(301, Location="http://example.org/state"), "not HTTPS"),
        (answers(301, Location="/state"), "without end"),
        (answers(200, b"x", Content_Encoding="gzip"), "compressed"),
        (hangs_up, "hung up"),
        (breaks_off, "broke off"),
    ],
)
def test_what_does_not_pass_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, file_server: FileServer, fault: Fault, says: str
) -> None:
    monkeypatch.setattr(http, "_PAUSES_S", (0, 0))
    file_server.faults += [fault] * 10
    with pytest.raises(ExternalError, match=says) as caught:
        HttpTransport(file_server.url).read("state")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_not_there_is_a_missing_key(file_server: FileServer, status: int) -> None:
    file_server.faults.append(answers(status))
    with pytest.raises(MissingKey, match="'state' is not on the remote"):
        HttpTransport(file_server.url).read("state")


@pytest.mark.parametrize(
    ("part", "body"),
    [
        ("bytes 0-1/10", b"01"),
        ("bytes 3-4/10", b"34"),
        ("bytes 3-6/*", b"3456"),
        ("", b"3456"),
        ("bytes 3-6/10", b"34"),
    ],
    ids=["elsewhere", "less", "no size", "no range", "short"],
)
def test_another_part_than_asked_for_is_refused(
    transport: HttpTransport, file_server: FileServer, part: str, body: bytes
) -> None:
    file_server.faults.append(answers(206, body, Content_Range=part))
    with pytest.raises(ExternalError, match=r"another part of 'packs/a\.pack'"):
        transport.read("packs/a.pack", 3, 4)


def test_no_more_is_read_than_asked_for(transport: HttpTransport, file_server: FileServer) -> None:
    file_server.faults.append(answers(206, b"3456789999", Content_Range="bytes 3-6/10"))
    assert transport.read("packs/a.pack", 3, 4) == b"3456"


@pytest.mark.parametrize(
    "faults",
    [
        [answers(405)],
        [answers(501)],
        [answers(200, None)],
        [answers(405), answers(200, b"0123456789")],
        [answers(405), answers(416, Content_Range="bytes */10")],
    ],
    ids=["not allowed", "not known", "no length", "no ranges", "empty"],
)
def test_a_size_is_found_where_nobody_answers_head(
    transport: HttpTransport, file_server: FileServer, faults: list[Fault]
) -> None:
    file_server.faults += faults
    assert transport.size("packs/a.pack") == 10


def test_redirects_are_followed_and_take_no_account_along(
    transport: HttpTransport, file_server: FileServer, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hush\n")
    (tmp_path / "netrc").chmod(0o600)
    away = file_server.url.replace("127.0.0.1", "localhost") + "/packs/a.pack"
    signed_in = HttpTransport(file_server.url, {"NETRC": str(tmp_path / "netrc")})
    file_server.faults.append(answers(307, Location=away))
    assert signed_in.read("moved") == b"0123456789"
    pair = base64.b64encode(b"me:hush").decode()
    assert [one.get("Authorization") for one in file_server.headers] == [f"Basic {pair}", None]


def test_an_account_for_all_hosts_is_not_sent(file_server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("default login me password hush\n")
    with pytest.raises(MissingKey):
        HttpTransport(file_server.url, {"NETRC": str(tmp_path / "netrc")}).read("state")
    assert "Authorization" not in file_server.headers[0]


def test_a_netrc_that_is_laid_out_wrongly_is_named_and_not_quoted(
    file_server: FileServer, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("hush\n")
    with pytest.raises(ExternalError, match="netrc' is not laid out") as caught:
        HttpTransport(file_server.url, {"NETRC": str(tmp_path / "netrc")}).read("state")
    assert "hush" not in caught.value.message


def test_names_are_written_as_a_url_wants_them(file_server: FileServer) -> None:
    FolderTransport(file_server.folder / "dé jà").write_new("packs/a b?.pack", b"x")
    assert HttpTransport(f"{file_server.url}/dé jà/").read("packs/a b?.pack") == b"x"
    assert HttpTransport(f"{file_server.url}/d%C3%A9%20j%C3%A0").read("packs/a b?.pack") == b"x"


def test_https_is_read_when_the_certificate_is_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "state").write_bytes(b"one")
    with serving(tmp_path, tls=True) as server:
        url = server.url.replace("http://127.0.0.1", "https://localhost")
        with pytest.raises(ExternalError, match="its certificate is not trusted"):
            HttpTransport(url).read("state")
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        trusting = HttpTransport(url)
        assert trusting.read("state") == b"one"
        server.faults.append(answers(302, Location="http://example.org/state"))
        with pytest.raises(ExternalError, match="not HTTPS"):
            trusting.read("state")


def test_a_server_that_speaks_no_tls_is_told(file_server: FileServer) -> None:
    with pytest.raises(ExternalError, match="does not speak TLS"):
        HttpTransport(file_server.url.replace("http:", "https:")).read("state")


def test_a_proxy_that_is_set_is_used(
    monkeypatch: pytest.MonkeyPatch, file_server: FileServer
) -> None:
    monkeypatch.setenv("http_proxy", file_server.url)
    monkeypatch.setenv("no_proxy", "")
    file_server.faults.append(answers(200, b"by proxy"))
    assert HttpTransport("http://localhost:1/x").read("state") == b"by proxy"
    assert file_server.asked[0][1] == "http://localhost:1/x/state"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://me:hush@host/x", "takes no credentials"),
        ("https://hush@host/x", "takes no credentials"),
        ("https://host/x?token=hush", "takes no credentials or options"),
        ("https://host/x#hush", "takes no credentials or options"),
        ("https:///x", "names no place"),
        ("https://host:port/x", "names no place"),
        ("https://ho st/x", "names no place"),
        ("https://host/a\nb", "names no place"),
        ("http://example.org/x", "is not HTTPS"),
        ("http://127.0.0.1.example.org/x", "is not HTTPS"),
        ("http://192.168.1.1/x", "is not HTTPS"),
    ],
)
def test_a_url_that_is_none_is_refused_before_anybody_is_asked(url: str, says: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        HttpTransport(url)
    assert "hush" not in caught.value.message + str(caught.value.hint)


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1:1", "[::1]:1"])
def test_this_machine_needs_no_tls_and_nobody_there_is_told(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr(http, "_PAUSES_S", (0,))
    with pytest.raises(ExternalError, match=r"cannot reach the remote 'http://.*/x'"):
        HttpTransport(f"http://{host}/x").read("state")


def test_a_host_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_PAUSES_S", ())
    with pytest.raises(ExternalError, match="no such host"):
        HttpTransport("https://nowhere.invalid/x").read("state")


def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_SILENCE_S", 0.2)
    monkeypatch.setattr(http, "_PATIENCE_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        began = time.monotonic()
        with pytest.raises(ExternalError, match="no answer in time"):
            HttpTransport(f"http://127.0.0.1:{deaf.getsockname()[1]}").read("state")
    assert time.monotonic() - began < 5
