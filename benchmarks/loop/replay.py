"""The closed loop itself: rows asked of a real `mlo serve`, their truth told, and `mlo retrain`.

Everything is as in production but the clock: the server answers by HTTP, writes its log, takes the
feedback, and follows the stage; retraining runs the pipeline in a work tree aside. Only the look at
whether to retrain is made from this process, as `mlo monitor` makes it from its own.
"""

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.loop import learner
from benchmarks.loop.arms import Arm, Hits
from benchmarks.loop.learner import TARGET
from benchmarks.loop.streams import Stream
from benchmarks.measure import MLO
from mlops_cli.core.repository import open_repository
from mlops_cli.monitor.retrain.ground import Using
from mlops_cli.monitor.retrain.record import Told
from mlops_cli.monitor.retrain.retrain import retrain
from mlops_cli.registry import models

_SETTINGS = """\
steps:
  train: {cmd: python train.py rows.csv, deps: [train.py, rows.csv], outs: [model]}
models: {m: {path: model, data: rows.csv, target: truth, evaluate: {data: recent.csv}}}
serving: {port: 0, log: {fsync_s: 3600}}
monitor: {retrain: {m: {into: rows.csv, max_per_day: 1000, cooldown: 0}}}
"""
_FLUSHED_S = 0.15
"""By then what was answered is in the log."""
_START_S = 60.0


def loop(stream: Stream, folder: Path) -> tuple[Arm, list[Told]]:
    """Return how the loop does on a stream, and what each retraining came to."""
    _begin(stream, folder)
    hits, trained, told = [], [], []
    live = stream.live
    with _serving(folder) as url:
        for start in range(0, len(live), stream.block):
            rows = live.iloc[start : start + stream.block]
            hits.append(_asked(url, rows))
            found = _look(folder)
            if found.attempt is not None:
                told.append(found)
            if found.trained is not None:
                trained.append(start + len(rows))
            if found.status == "promoted":
                _follow(url, found.version)
    return Arm("closed loop", np.concatenate(hits), trained), told


def _begin(stream: Stream, folder: Path) -> None:
    """Make a project whose model is fitted on the first rows, and put it into production."""
    folder.mkdir(parents=True)
    first = stream.rows.iloc[: stream.reference]
    cut = int(len(first) * 0.8)
    first.iloc[:cut].to_csv(folder / "rows.csv", index=False)
    first.iloc[cut:].to_csv(folder / "recent.csv", index=False)
    (folder / "train.py").write_text(Path(learner.__file__).read_text())
    (folder / ".mlops.yaml").write_text(_SETTINGS)
    for line in (
        ("git", "init", "--quiet"),
        ("git", "config", "user.name", "bench"),
        ("git", "config", "user.email", "bench@example.org"),
        (MLO, "init"),
        (MLO, "add", "rows.csv", "recent.csv"),
        ("git", "add", "--all"),
        ("git", "commit", "--quiet", "--message", "Begin"),
        (MLO, "run"),
        (MLO, "register", "m"),
        (MLO, "evaluate", "m"),
        (MLO, "promote", "m", "production"),
    ):
        subprocess.run(line, cwd=folder, env=_environ(), check=True, capture_output=True)


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    with (folder / "serve.log").open("wb") as said:
        server = subprocess.Popen(
            [MLO, "serve", "m", "--json"],
            cwd=folder,
            env=_environ(),
            stdout=subprocess.PIPE,
            stderr=said,
        )
    try:
        line = server.stdout.readline() if server.stdout else b""
        if not line:
            raise OSError((folder / "serve.log").read_text())
        yield json.loads(line)["url"]
    finally:
        server.terminate()
        server.wait(_START_S)
        if server.stdout:
            server.stdout.close()


def _asked(url: str, rows: pd.DataFrame) -> Hits:
    """Ask for rows, tell what was true of them, and return which answers were right."""
    asked = rows.drop(columns=TARGET).to_dict(orient="records")
    answers = _post(f"{url}/predict", {"rows": asked})["predictions"]
    time.sleep(_FLUSHED_S)
    truth = rows[TARGET].tolist()
    pairs = zip(answers, truth, strict=True)
    labels = [{"id": one["id"], "label": label} for one, label in pairs]
    if _post(f"{url}/feedback", {"feedback": labels})["new"] != len(rows):
        raise OSError("the server did not keep all labels")
    hits: Hits = np.array([one["prediction"] for one in answers]) == np.array(truth)
    return hits


def _look(folder: Path) -> Told:
    """Do what `mlo retrain m --if-needed` does."""
    return retrain(open_repository(folder), "m", if_needed=True, using=Using(environ=_environ()))


def _follow(url: str, number: int | None) -> None:
    """Wait until the server answers with a version."""
    end = time.monotonic() + _START_S
    while time.monotonic() < end:
        with urllib.request.urlopen(f"{url}/ready", timeout=_START_S) as said:
            if json.load(said).get("version") == number:
                return
        time.sleep(0.05)
    raise OSError(f"the server does not answer with v{number}")


def stage_moves(folder: Path) -> int:
    """Return how often the stage has moved."""
    model = models.model(open_repository(folder), "m")
    return sum(event.kind in ("promote", "rollback") for event in model.events)


def _environ() -> dict[str, str]:
    """Return an environment in which a model is fitted by one thread, as small ones are fastest."""
    bin_folder = str(Path(MLO).parent)
    return {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PATH": f"{bin_folder}{os.pathsep}{os.environ.get('PATH', '')}",
    }


def _post(url: str, body: Any) -> Any:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=_START_S) as said:
        return json.load(said)
