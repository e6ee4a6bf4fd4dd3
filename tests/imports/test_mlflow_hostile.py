"""What is broken or means harm in MLflow's stores is named and left out, and the rest comes."""

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mlops_cli.core.packs import Kind
from mlops_cli.core.repository import open_repository
from mlops_cli.imports.mlflow_record import key_of
from mlops_cli.runs.index import open_index
from mlops_cli.runs.record import Run
from tests.conftest import Mlo

RUNS = [digit * 32 for digit in "abcdef"]
META = """\
artifact_uri: {uri}
end_time: 1700000001500
experiment_id: '1'
lifecycle_stage: active
run_id: {run}
run_name: name
start_time: 1700000000000
status: 3
user_id: ada
"""


def add_run(store: Path, run: str, *, uri: str | None = None) -> Path:
    """Put a run as MLflow keeps it into a store, and return its folder."""
    experiment = store / "1"
    experiment.mkdir(parents=True, exist_ok=True)
    (experiment / "meta.yaml").write_text(
        "name: demo\nexperiment_id: '1'\nlifecycle_stage: active\n"
    )
    folder = experiment / run
    for name in ("params", "metrics", "tags", "artifacts"):
        (folder / name).mkdir(parents=True)
    (folder / "metrics/auc").write_text("1700000000100 0.5 0\n1700000000200 0.75 1\n")
    (folder / "params/depth").write_text("6")
    (folder / "meta.yaml").write_text(META.format(run=run, uri=uri or f"file://{folder}/artifacts"))
    return folder


def come(root: Path) -> dict[str, Run]:
    """Return the runs that are in a project, by MLflow's id."""
    repo = open_repository(root)
    with open_index(repo) as index:
        found = {index.with_key(key_of(run)): run for run in RUNS}
    return {run: Run.read(repo, oid) for oid, run in found.items() if oid is not None}


def stored(root: Path) -> list[bytes]:
    """Return the contents of all files that are in the store."""
    objects = open_repository(root).objects
    return [objects.get(oid) for oid in objects.each(Kind.BLOB)]


Break = Callable[[Path], object]
BROKEN: Mapping[str, tuple[Break, str]] = {
    "no description": (lambda run: (run / "meta.yaml").unlink(), "there is no"),
    "no YAML": (lambda run: (run / "meta.yaml").write_text("a: [\n"), "meta.yaml"),
    "code in YAML": (
        lambda run: (run / "meta.yaml").write_text("!!python/object/apply:os.system [true]"),
        "meta.yaml",
    ),
    "half a description": (lambda run: (run / "meta.yaml").write_text("status: 3\n"), "start_time"),
    "no such status": (
        lambda run: (run / "meta.yaml").write_text(META.format(run="", uri="").replace(" 3", " 9")),
        "its status is '9'",
    ),
    "no such time": (
        lambda run: (run / "meta.yaml").write_text(META.format(run="", uri="").replace("17", "-7")),
        "which is no date",
    ),
    "no number": (lambda run: (run / "metrics/auc").write_text("1 x 2\n"), "malformed on line 1"),
    "cut off": (lambda run: (run / "metrics/auc").write_text("1 0.5 0\n17"), "on line 2"),
    "a huge parameter": (
        lambda run: (run / "params/depth").write_text("x" * 2_000_000),
        "too large for what it should hold",
    ),
    "no text": (lambda run: (run / "params/depth").write_bytes(b"\xff"), "is not UTF-8"),
    "a name that is no text": (
        lambda run: open(os.fsencode(run) + b"/params/\xff", "w").close(),
        "is not UTF-8",
    ),
    "a dataset elsewhere": (
        lambda run: (
            (run / "inputs/x").mkdir(parents=True),
            (run / "inputs/x/meta.yaml").write_text(
                "source_type: DATASET\nsource_id: ../../../../etc\n"
            ),
        ),
        "outside of its folder",
    ),
    "git's folder": (
        lambda run: (
            (run / "artifacts/.git").mkdir(),
            (run / "artifacts/.git/config").write_text("x"),
        ),
        "reaches into '.git'",
    ),
}


@pytest.mark.parametrize(("spoil", "why"), BROKEN.values(), ids=BROKEN)
def test_a_broken_run_is_named_and_the_others_come(
    spoil: Break, why: str, project: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    store = tmp_path / "mlruns"
    folders = [add_run(store, run) for run in RUNS[:3]]
    spoil(folders[1])
    done = mlo_here("import-mlflow", store, "--json", code=1).json
    assert [one["run"] for one in done["refused"]] == [RUNS[1]]
    assert why in done["refused"][0]["why"]
    assert list(come(project)) == [RUNS[0], RUNS[2]]
    shown = mlo_here("import-mlflow", store, code=1).stdout
    assert "1 run could not be read:" in shown


def test_a_run_whose_model_cannot_be_read_is_named(
    project: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    folder = add_run(tmp_path / "mlruns", RUNS[0])
    (folder / "outputs/m-1").mkdir(parents=True)
    model = folder.parent / "models/m-1"
    (model / "artifacts").mkdir(parents=True)
    (model / "artifacts/MLmodel").write_text("flavors: {}")
    (model / "meta.yaml").write_text("{")
    done = mlo_here("import-mlflow", tmp_path / "mlruns", "--json", code=1).json
    assert "m-1" in done["refused"][0]["why"]
    (model / "meta.yaml").write_text(f"name: fit\nsource_run_id: {RUNS[0]}\n")
    mlo_here("import-mlflow", tmp_path / "mlruns")
    assert [one.path for one in come(project)[RUNS[0]].models] == ["fit"]


def test_an_experiment_without_a_sound_description_has_its_folder_s_name(
    project: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    folder = add_run(tmp_path / "mlruns", RUNS[0])
    (folder.parent / "meta.yaml").write_text("{")
    done = mlo_here("import-mlflow", tmp_path / "mlruns", "--json").json
    assert done["experiments"] == {"1": 1}


def test_a_run_that_was_repaired_comes_with_the_next_import(
    project: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    folder = add_run(tmp_path / "mlruns", RUNS[0])
    whole = (folder / "meta.yaml").read_text()
    (folder / "meta.yaml").write_text("")
    mlo_here("import-mlflow", tmp_path, code=1)
    (folder / "meta.yaml").write_text(whole)
    mlo_here("import-mlflow", tmp_path)
    assert come(project)[RUNS[0]].metrics == {"auc": 0.75}


def test_artifacts_outside_of_what_is_imported_are_not_read(
    project: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    private = tmp_path / "private"
    private.mkdir()
    (private / "key").write_text("very private")
    store = tmp_path / "mlruns"
    (add_run(store, RUNS[0], uri=f"file://{private}") / "artifacts").rmdir()
    (add_run(store, RUNS[1], uri=f"{store}/../private") / "artifacts").rmdir()
    linked = add_run(store, RUNS[2])
    (linked / "artifacts").rmdir()
    (linked / "artifacts").symlink_to(private)
    done = mlo_here("import-mlflow", store, "--json", code=1).json
    assert len(done["refused"]) == 3
    assert all("outside of what is imported" in one["why"] for one in done["refused"])
    assert b"very private" not in stored(project)
    assert "--artifacts" in mlo_here("import-mlflow", store, code=1).stderr
    mlo_here("import-mlflow", store, "--artifacts", private)
    assert b"very private" in stored(project)
    assert len(come(project)) == 3


def test_artifacts_in_a_bucket_are_left_out_only_when_that_is_said(
    project: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    store = tmp_path / "mlruns"
    folder = add_run(store, RUNS[0], uri="s3://bucket/1/a/artifacts")
    (folder / "artifacts").rmdir()
    refused = mlo_here("import-mlflow", store, code=1)
    assert "its artifacts are at 's3://bucket" in refused.stdout
    assert "--no-artifacts" in refused.stderr
    mlo_here("import-mlflow", store, "--no-artifacts")
    assert list(come(project)) == [RUNS[0]]


@pytest.mark.parametrize("home", ["file:///home/ada/", "/home/ada/", "./", "mlflow-artifacts:/"])
def test_a_store_that_was_copied_brings_its_artifacts(
    home: str, project: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    store = tmp_path / "mlruns"
    folder = add_run(store, RUNS[0], uri=f"{home}mlruns/1/{RUNS[0]}/artifacts")
    (folder / "artifacts/a.txt").write_text("a")
    mlo_here("import-mlflow", f"file:{store}")
    assert [one.path for one in come(project)[RUNS[0]].outputs] == ["a.txt"]


def test_links_and_pipes_among_artifacts_are_counted_and_left_out(
    project: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    folder = add_run(tmp_path / "mlruns", RUNS[0])
    (folder / "artifacts/link").symlink_to("/etc/hosts")
    (folder / "artifacts/folder").symlink_to("/etc")
    os.mkfifo(folder / "artifacts/pipe")
    (folder / "artifacts/file").write_text("here")
    done = mlo_here("import-mlflow", tmp_path / "mlruns", "--json").json
    assert (done["links"], done["files"]) == (3, 1)
    assert [one.path for one in come(project)[RUNS[0]].outputs] == ["file"]


def test_secrets_are_masked(project: Path, mlo_here: Mlo, tmp_path: Path) -> None:
    folder = add_run(tmp_path / "mlruns", RUNS[0])
    (folder / "params/api_key").write_text("abc123")
    (folder / "tags/password").write_text("abc123")
    (folder / "tags/mlflow.note.content").write_text("see https://ada:abc123@example.org")
    (folder / "tags/mlflow.source.name").write_text("train.py --token abc123")
    mlo_here("import-mlflow", tmp_path / "mlruns")
    run = come(project)[RUNS[0]]
    repo = open_repository(project)
    assert b"abc123" not in repo.objects.get(run.id)
    assert run.params["api_key"] == "***"


def test_a_database_of_something_else_and_a_damaged_one_are_refused(
    project: Path, mlo_here: Mlo, tmp_path: Path
) -> None:
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE x (y)")
    assert "not of MLflow" in mlo_here("import-mlflow", other, code=2).stderr
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(other.read_bytes()[:100] + b"\xff" * 8000)
    assert "cannot read" in mlo_here("import-mlflow", damaged, code=4).stderr
    (tmp_path / "text.db").write_text("no database")
    assert "holds no runs" in mlo_here("import-mlflow", tmp_path / "text.db", code=2).stderr
    assert "is not there" in mlo_here("import-mlflow", tmp_path / "nothing", code=2).stderr
    refused = mlo_here("import-mlflow", "postgresql://ada:secret@host/db", code=2)
    assert "secret" not in refused.stderr


Answer = Callable[[str, dict[str, list[str]], dict[str, Any]], object]


@contextmanager
def server(answer: Answer) -> Iterator[str]:
    """Return the URL of a server that answers with what a function says of path, query and body."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = urlsplit(self.path)
            path = parts.path.removeprefix("/api/2.0/mlflow/")
            said = answer(path, parse_qs(parts.query), json.loads(sent or b"{}"))
            status, body = (
                (said, b"") if isinstance(said, int) else (200, json.dumps(said).encode())
            )
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as opened:
        threading.Thread(target=opened.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            yield f"http://127.0.0.1:{opened.server_port}"
        finally:
            opened.shutdown()


def told(files: list[dict[str, Any]]) -> Answer:
    """Return what an MLflow server with one run says, which lists these files everywhere."""
    info = {"run_id": RUNS[0], "status": "FINISHED", "start_time": 1, "lifecycle_stage": "active"}
    answers: dict[str, object] = {
        "experiments/search": {
            "experiments": [{"experiment_id": "1", "name": "x", "lifecycle_stage": "active"}]
        },
        "runs/search": {"runs": [{"info": info}]},
        "artifacts/list": {"files": files},
    }
    return lambda path, query, body: answers.get(path, 404)


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([{"path": "../../../etc/passwd"}], "leaves the project"),
        ([{"path": "/etc/passwd"}], "leaves the project"),
        ([{"path": ".git/hooks/post-commit"}], "reaches into"),
        ([{"path": "a", "is_dir": True}], "the server lists 'a' in 'a'"),
        ([{"name": "a"}], "malformed"),
        ([{"path": "a", "file_size": "x"}], "malformed"),
    ],
)
def test_a_server_that_lists_what_leads_elsewhere_is_not_believed(
    files: list[dict[str, Any]], why: str, project: Path, mlo_here: Mlo
) -> None:
    with server(told(files)) as url:
        done = mlo_here("import-mlflow", url, "--json", code=1).json
    assert why in done["refused"][0]["why"]
    assert come(project) == {}


BULK = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"


@pytest.mark.parametrize("bulk", [404, "whole", "too many"])
def test_values_come_from_servers_that_give_those_of_many_runs_and_from_others(
    bulk: object, project: Path, mlo_here: Mlo
) -> None:
    asked: list[str] = []
    value = {"value": 0.5, "timestamp": 7, "step": 1}

    def answer(path: str, query: dict[str, list[str]], body: dict[str, Any]) -> object:
        asked.append(path)
        runs = [
            {
                "info": {"run_id": run, "status": "FINISHED", "start_time": 1},
                "data": {"metrics": [{"key": "auc", "value": 0.5}]},
            }
            for run in RUNS
        ]
        if path == "runs/search":
            return {"runs": runs}
        if path == BULK and bulk == 404:
            return 404
        if path == BULK:
            times = 1 if bulk == "whole" else 5000
            return {"metrics": [{**value, "run_id": run} for run in query["run_id"]] * times}
        if path == "metrics/get-history":
            return {"metrics": [value]}
        return told([])(path, query, body)

    with server(answer) as url:
        mlo_here("import-mlflow", url)
    assert {run.metrics["auc"] for run in come(project).values()} == {0.5}
    assert len(come(project)) == len(RUNS)
    assert asked.count(BULK) == 1
    assert asked.count("metrics/get-history") == (0 if bulk == "whole" else len(RUNS))


def test_what_came_before_a_server_broke_off_stays_and_the_rest_comes_later(
    project: Path, mlo_here: Mlo
) -> None:
    broken = True

    def answer(path: str, query: dict[str, list[str]], body: dict[str, Any]) -> object:
        if path != "runs/search":
            return told([])(path, query, body)
        page = int(body.get("page_token", 0))
        if page == 2 and broken:
            return 403
        runs = [
            {"info": {"run_id": f"{page}-{number}", "status": "FINISHED", "start_time": 1}}
            for number in range(100)
        ]
        return {"runs": runs, "next_page_token": str(page + 1) if page < 2 else ""}

    with server(answer) as url:
        mlo_here("import-mlflow", url, "--no-artifacts", code=5)
        assert mlo_here("runs", "list", "--json").json["total"] == 200
        broken = False
        done = mlo_here("import-mlflow", url, "--no-artifacts", "--json").json
    assert (done["runs"], done["present"]) == (100, 200)


def test_what_is_no_mlflow_server_is_told_so(project: Path, mlo_here: Mlo) -> None:
    with server(lambda path, query, body: ["a list"]) as url:
        assert (
            "does not answer as an MLflow server" in mlo_here("import-mlflow", url, code=5).stderr
        )
    with server(lambda path, query, body: 401) as url:
        assert "MLFLOW_TRACKING_USERNAME" in mlo_here("import-mlflow", url, code=5).stderr
    with server(lambda path, query, body: {"next_page_token": "again"}) as url:
        assert "same page again" in mlo_here("import-mlflow", url, code=5).stderr
    assert "connection refused" in mlo_here("import-mlflow", url, code=5).stderr
    assert "password" in mlo_here("import-mlflow", "http://a:b@localhost", code=2).stderr
