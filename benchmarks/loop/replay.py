"""The closed loop itself: rows asked of a real `mlo serve`, their truth told, and `mlo retrain`.

Everything is as in production but the clock: the server answers by HTTP, writes its log, takes the
feedback, and follows the stage; retraining runs the pipeline in a work tree aside. The look at
whether to retrain is made from this process, but for one stream: there a new `mlo monitor --once`
makes each, as cron would have it, and new versions are tried as canaries.
"""

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.loop import learner
from benchmarks.loop.arms import Arm, Hits
from benchmarks.loop.learner import TARGET
from benchmarks.loop.streams import Stream
from benchmarks.measure import MLO
from mlops_cli.audit import chain
from mlops_cli.core.repository import open_repository
from mlops_cli.monitor.retrain.ground import Using
from mlops_cli.monitor.retrain.retrain import retrain
from mlops_cli.registry import models, routes

_SETTINGS = """\
steps:
  train: {cmd: python train.py rows.csv, deps: [train.py, rows.csv], outs: [model]}
models: {m: {path: model, data: rows.csv, target: truth, evaluate: {data: recent.csv}}}
serving: {port: 0, log: {fsync_s: 3600}}
monitor: {retrain: {m: {into: rows.csv, max_per_day: 1000, cooldown: 0%s}}}
"""
_CANARY = ", if_needed: true, canary: {share: 50%, for: 1s, min_requests: 40}"
_REQUEST = 20
"""Rows of a request where some go to a canary."""
_FLUSHED_S = 0.15
"""By then what was answered is in the log."""
_START_S = 60.0


@dataclass(frozen=True)
class Replayed:
    """What the loop came to, and how often it put a version from before into the stage again."""

    arm: Arm
    brought_back: int


def loop(stream: Stream, folder: Path) -> Replayed:
    """Return how the loop does on a stream."""
    _begin(stream, folder)
    hits, trained = [], []
    live = stream.live
    with _serving(folder) as url:
        for start in range(0, len(live), stream.block):
            rows = live.iloc[start : start + stream.block]
            hits.append(_asked(url, rows, _REQUEST if stream.canary else len(rows)))
            before = _trainings(folder)
            (_monitored if stream.canary else _looked)(folder)
            if _trainings(folder) > before:
                trained.append(start + len(rows))
            _follow(url, folder)
    return Replayed(Arm("closed loop", np.concatenate(hits), trained), _brought_back(folder))


def _begin(stream: Stream, folder: Path) -> None:
    """Make a project whose model is fitted on the first rows, and put it into production."""
    folder.mkdir(parents=True)
    first = stream.rows.iloc[: stream.reference]
    cut = int(len(first) * 0.8)
    first.iloc[:cut].to_csv(folder / "rows.csv", index=False)
    first.iloc[cut:].to_csv(folder / "recent.csv", index=False)
    (folder / "train.py").write_text(Path(learner.__file__).read_text())
    (folder / ".mlops.yaml").write_text(_SETTINGS % (_CANARY if stream.canary else ""))
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


def _asked(url: str, rows: pd.DataFrame, size: int) -> Hits:
    """Ask for rows, tell what was true of them, and return which answers were right."""
    asked = rows.drop(columns=TARGET).to_dict(orient="records")
    answers = []
    for start in range(0, len(asked), size):
        body = {"rows": asked[start : start + size]}
        answers += _post(f"{url}/predict", body)["predictions"]
    time.sleep(_FLUSHED_S)
    truth = rows[TARGET].tolist()
    pairs = zip(answers, truth, strict=True)
    labels = [{"id": one["id"], "label": label} for one, label in pairs]
    if _post(f"{url}/feedback", {"feedback": labels})["new"] != len(rows):
        raise OSError("the server did not keep all labels")
    hits: Hits = np.array([one["prediction"] for one in answers]) == np.array(truth)
    return hits


def _looked(folder: Path) -> None:
    """Do what `mlo retrain m --if-needed` does."""
    retrain(open_repository(folder), "m", if_needed=True, using=Using(environ=_environ()))


def _monitored(folder: Path) -> None:
    """Have the monitor look and go on, in a process of its own."""
    argv = (MLO, "monitor", "--once")
    subprocess.run(argv, cwd=folder, env=_environ(), check=True, capture_output=True)


def _trainings(folder: Path) -> int:
    """Return how often the pipeline ran because of a retraining, whatever came of it."""
    entries = chain.entries(open_repository(folder))
    return sum(one.action == "retrain" and one.detail["step"] == "run" for one in entries)


def _brought_back(folder: Path) -> int:
    moves = [one for one in _model(folder).events if one.kind == "promote"]
    kinds = [(one.detail.get("cause") or {}).get("kind") for one in moves]
    return kinds.count("earlier version")


def _model(folder: Path) -> models.Model:
    return models.model(open_repository(folder), "m")


def _follow(url: str, folder: Path) -> None:
    """Wait until the server answers with what stands in the stage, and has what is beside it."""
    model = _model(folder)
    stage, beside = model.stages["production"], [one.version for one in routes.arms(model)]
    end = time.monotonic() + _START_S
    while time.monotonic() < end:
        with urllib.request.urlopen(f"{url}/ready", timeout=_START_S) as said:
            follows = json.load(said).get("version") == stage
        heard = (folder / "serve.log").read_text()
        if follows and all(f"v{one}" in heard for one in beside):
            return
        time.sleep(0.05)
    raise OSError(f"the server does not answer with v{stage}")


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
