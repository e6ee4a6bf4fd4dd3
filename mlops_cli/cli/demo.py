"""The guided tour: once round the loop on real data, by the commands a user would type."""

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlops_cli.core.records import dataclass
from mlops_cli.errors import ExternalError, RequestError

_FIRST_ROWS, _ALL_ROWS = 400, 569
_BROKEN = {"mean_texture": 1.35, "mean_smoothness": 1.25}
"""The columns that the faulty instrument measures, and its factor."""
_OF_ANOTHER_REPOSITORY = (
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
)
"""What would lead git out of the tour's project, into the repository of a hook that starts it."""
_SOMEBODY = "-c user.name=Demo -c user.email=demo@example.org "


@dataclass(frozen=True, slots=True)
class Finished:
    """What the tour has left behind and found out."""

    project: str
    clone: str
    seconds: float
    requests: int
    lost_requests: int
    drifted: tuple[str, ...]


class Tour:
    """Runs commands in a project, showing each, and stops at the first that surprises."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.say = say
        self.here = folder
        self._environment = {
            name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_REPOSITORY
        }
        programs = str(Path(sys.executable).parent)
        self._environment["PATH"] = programs + os.pathsep + os.environ.get("PATH", os.defpath)

    def chapter(self, title: str) -> None:
        """Say what comes next."""
        self.say(f"\n# {title}")

    def run(self, line: str, *, expect: int = 0) -> None:
        """Show a command, run it, and show what it prints as it comes.

        Raises:
            ExternalError: its exit code is not `expect`.
        """
        self.say(f"$ {line}")
        with subprocess.Popen(
            self._arguments(line),
            cwd=self.here,
            env={**self._environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdout is not None
            for text in process.stdout:
                self.say(f"  {text}".rstrip())
        if process.returncode != expect:
            raise ExternalError(
                f"`{line}` ended with exit code {process.returncode}, not {expect}",
                hint=f"look at '{self.here}', and try: mlo doctor",
            )

    def ask(self, line: str, *, expect: int = 0) -> Any:
        """Run a command with `--json`, unseen, and return what it says."""
        done = subprocess.run(
            self._arguments(line + " --json"),
            cwd=self.here,
            env=self._environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        if done.returncode != expect:
            raise ExternalError(f"`{line} --json` failed: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def git_knows_who(self) -> bool:
        """Return whether git can name an author for a commit here."""
        done = subprocess.run(
            ["git", "var", "GIT_COMMITTER_IDENT"],
            cwd=self.here,
            env=self._environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
        return done.returncode == 0

    @contextmanager
    def serving(self, line: str) -> Iterator[str]:
        """Run a server for a `with` block and yield its address."""
        self.say(f"$ {line} &")
        server = subprocess.Popen(
            self._arguments(line + " --json"),
            cwd=self.here,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        assert server.stdout is not None
        try:
            ready = server.stdout.readline()
            if not ready:
                raise ExternalError(f"`{line}` did not start (exit code {server.wait()})")
            url: str = json.loads(ready)["url"]
            self.say(f"  listening at {url}")
            yield url
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=30)
            server.stdout.close()

    def _arguments(self, line: str) -> list[str]:
        words = shlex.split(line)
        if words[0] == "mlo":
            return [sys.executable, "-m", "mlops_cli", *words[1:]]
        return words


def tour(folder: Path, *, say: Callable[[str], None], clock: Callable[[], float]) -> Finished:
    """Go once round the loop in `folder`, which must not exist or be empty.

    Raises:
        RequestError: there is something in `folder` already.
        ExternalError: a command did not end as it should; the project is left as it is.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RequestError(f"'{folder}' is not empty", hint="mlo demo SOME_NEW_FOLDER")
    started = clock()
    project, clone = folder / "project", folder / "clone"
    project.mkdir(parents=True)
    guide = Tour(project, say)
    _first_model(guide)
    _second_model(guide)
    with guide.serving("mlo serve cancer@production --port 0") as url:
        drifted, sent = _notice_drift(guide, url)
        prediction, load = _retrain(guide, url)
    guide.chapter("Where does one prediction come from?")
    guide.run(f"mlo trace {prediction}")
    _share(guide, project, clone)
    return Finished(
        project=str(project),
        clone=str(clone),
        seconds=round(clock() - started, 1),
        requests=sent + load.answered + len(load.lost),
        lost_requests=len(load.lost),
        drifted=drifted,
    )


def _first_model(guide: Tour) -> None:
    guide.chapter("A project with real data: 400 biopsies, 30 measurements each")
    guide.run("git init --quiet")
    guide.run("mlo init --template tabular")
    guide.run(f"python get_data.py {_FIRST_ROWS}")
    guide.run("mlo add data/raw.csv")
    _commit(guide, "First data")
    guide.chapter("A pipeline of three steps, from data to metrics")
    guide.run("mlo run")
    _commit(guide, "First model")


def _second_model(guide: Tour) -> None:
    guide.chapter("An experiment: what do deeper trees do?")
    guide.run("mlo run --set train.depth=8")
    guide.run("mlo runs list")
    guide.run("mlo runs compare")
    guide.chapter("Register the better one and promote it through the gates")
    guide.run("mlo register cancer --run best:auc")
    guide.run("mlo promote cancer staging")
    guide.run("mlo promote cancer production --reason 'first model'")


def _notice_drift(guide: Tour, url: str) -> tuple[tuple[str, ...], int]:
    """Send measurements of patients to come, the faulty ones too, and look for drift."""
    guide.chapter("New patients come in, and one instrument goes out of calibration")
    rows = _patients()
    for name, factor in _BROKEN.items():
        for row in rows:
            row[name] *= factor
    answers = [_predict(url, [row])[0] for row in rows]
    ill = sum(1 for answer in answers if answer["prediction"] == 1)
    guide.say(f"  {len(rows)} requests answered, {ill} found malignant")
    guide.run("mlo drift cancer@production", expect=1)
    report = guide.ask("mlo drift cancer@production", expect=1)
    drifted = tuple(
        sorted(column["name"] for column in report["columns"] if column["verdict"] == "drift")
    )
    if set(drifted) != set(_BROKEN):
        raise ExternalError(f"drift was found in {drifted}, not in {tuple(_BROKEN)}")
    return drifted, len(rows)


def _retrain(guide: Tour, url: str) -> tuple[str, "_Load"]:
    """Train on fresh data and swap the model under the feet of a client that never stops."""
    guide.chapter("The instrument is mended; train on all patients, swap the model while it serves")
    guide.run(f"python get_data.py {_ALL_ROWS}")
    guide.run("mlo status")
    guide.run("mlo add data/raw.csv")
    _commit(guide, "All patients")
    guide.run("mlo run")
    _commit(guide, "Train on all patients")
    guide.run("mlo register cancer")
    row = _patients()[0]
    with _Load(url, row) as load:
        guide.run("mlo promote cancer staging")
        guide.run("mlo promote cancer production --reason 'more patients'")
        load.until_version("v2")
    guide.say(
        f"  meanwhile {load.answered} requests were answered, {len(load.lost)} were lost; "
        f"versions seen: {', '.join(load.versions)}"
    )
    if load.lost:
        raise ExternalError(f"requests were lost in the swap: {load.lost[0]}")
    return load.last_id, load


def _share(guide: Tour, project: Path, clone: Path) -> None:
    guide.chapter("Share it: push the data, clone the code elsewhere, pull")
    guide.run("mlo remote add origin ../store")
    _commit(guide, "Add a remote")
    guide.run("mlo push")
    guide.here = project.parent
    guide.run("git clone --quiet project clone")
    guide.here = clone
    guide.run("mlo pull")
    guide.run("mlo models show cancer")
    guide.run("mlo audit --verify")
    for path in ("data/raw.csv", "metrics.json"):
        if (project / path).read_bytes() != (clone / path).read_bytes():
            raise ExternalError(f"'{path}' differs between the project and its clone")
    guide.say("  the clone holds the same bytes")


def _commit(guide: Tour, message: str) -> None:
    guide.run("git add --all")
    somebody = "" if guide.git_knows_who() else _SOMEBODY
    guide.run(f"git {somebody}commit --quiet --message {shlex.quote(message)}")


def _patients() -> list[dict[str, float]]:
    """Return the measurements of the patients that come after the first data."""
    code = (
        "import json; from sklearn.datasets import load_breast_cancer as load; "
        "f = load(as_frame=True).frame.drop(columns='target'); "
        "f.columns = [c.replace(' ', '_') for c in f.columns]; "
        f"f = f.sample(frac=1, random_state=20).tail({_ALL_ROWS - _FIRST_ROWS}); "
        "print(f.to_json(orient='records'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rows: list[dict[str, float]] = json.loads(done.stdout)
    return rows


def _predict(url: str, rows: list[dict[str, float]]) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = _post(url, rows)["predictions"]
    return answers


def _post(url: str, rows: list[dict[str, float]]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{url}/predict",
        data=json.dumps({"rows": rows}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


class _Load:
    """A client that sends one request after the other for as long as a `with` block lasts."""

    def __init__(self, url: str, row: dict[str, float]) -> None:
        self._url = url
        self._row = row
        self._stop = threading.Event()
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.answered = 0
        self.lost: list[str] = []
        self.versions: list[str] = []
        self.last_id = ""

    def __enter__(self) -> "_Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def until_version(self, version: str, wait_s: float = 15.0) -> None:
        """Wait until an answer came from `version`.

        Raises:
            ExternalError: none did in time.
        """
        with self._news:
            if not self._news.wait_for(lambda: version in self.versions, wait_s):
                raise ExternalError(f"the server did not move to {version}")

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                answer = _post(self._url, [self._row])
            except (OSError, ValueError) as error:
                self.lost.append(str(error))
                continue
            with self._news:
                self.answered += 1
                self.last_id = answer["predictions"][0]["id"]
                version = f"v{answer['version']}"
                if version not in self.versions:
                    self.versions.append(version)
                    self._news.notify_all()
