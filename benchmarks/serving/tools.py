"""The servers that are measured: how each is started, and how it is asked."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.environments import environment, pinned
from benchmarks.measure import MLO
from benchmarks.measure import environment as surroundings
from benchmarks.serving.models import Model

SCRIPTS = Path(__file__).with_name("scripts")
_START_S = 90.0
_SHARED = tuple(f"{name}=={version(name)}" for name in ("scikit-learn", "pandas", "numpy"))
"""The same models take the same libraries."""

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    path: str
    body: Body
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tool:
    """A server.

    Attributes:
        packages: what it is installed from; nothing for what is here already.
        command: from a Python, a folder with models, a model and a port to what starts it.
        asked: the request for a model's row.
        variables: of its environment.
    """

    name: str
    packages: tuple[str, ...]
    command: Callable[[Path, Path, Model, int], Sequence[str]]
    asked: Callable[[Model], Asked]
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path | None:
        """The Python that has it, installed first if need be; None where that cannot be done."""
        if not self.packages:
            return Path(sys.executable)
        folder = environment(self.name, *self.packages, *_SHARED)
        return None if folder is None else folder / "bin" / "python"

    @property
    def version(self) -> str | None:
        """The version that is measured."""
        if not self.packages:
            return version("mlo")
        return pinned(self.packages[0]) if self.python else None


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    pid: int
    url: str
    asked: Asked
    start_s: float
    """From its start to its first answer."""


@contextmanager
def running(tool: Tool, folder: Path, model: Model) -> Iterator[Running]:
    """Start a server in a folder with models, wait until it answers, and end it afterwards.

    Raises:
        RuntimeError: it ended, or did not answer in time.
    """
    port, asked = _free_port(), tool.asked(model)
    url = f"http://127.0.0.1:{port}{asked.path}"
    log = folder / f"{model.name}.log"
    python = tool.python
    assert python is not None
    started = time.perf_counter()
    with log.open("w") as output:
        process = subprocess.Popen(
            tool.command(python, folder, model, port),
            cwd=folder,
            env=surroundings({**_quiet(python), **tool.variables}),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            _wait(process, url, asked, log, started)
            yield Running(process.pid, url, asked, time.perf_counter() - started)
        finally:
            _end(process)


def _quiet(python: Path) -> dict[str, str]:
    return {
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "BENTOML_DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }


def _wait(
    process: "subprocess.Popen[bytes]", url: str, asked: Asked, log: Path, started: float
) -> None:
    said = ""
    while time.perf_counter() - started < _START_S:
        if process.poll() is not None:
            break
        try:
            _ask(url, asked)
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            time.sleep(0.05)
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError(f"{url} did not answer: {said}{log.read_text()[-3000:]}")


def _ask(url: str, asked: Asked) -> bytes:
    headers = {"Content-Type": "application/json", **asked.headers}
    request = urllib.request.Request(url, json.dumps(asked.body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        said: bytes = answer.read()
        return said


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a server and all it started: it leads a process group of its own."""
    import signal

    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(15)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _rows(model: Model) -> Asked:
    return Asked("/predict", {"rows": [model.row]})


def _mlo(
    _python: Path, _folder: Path, model: Model, port: int, *, options: Sequence[str] = ()
) -> Sequence[str]:
    return [MLO, "serve", model.name, "--port", str(port), *options]


def _floor(python: Path, _folder: Path, _model: Model, port: int) -> Sequence[str]:
    return [str(python), str(SCRIPTS / "constant_script.py"), str(port)]


def _script(name: str, python: Path, folder: Path, model: Model, port: int) -> Sequence[str]:
    return [str(python), str(SCRIPTS / name), str(folder), model.name, str(port)]


def _mlflow(model: Model) -> Asked:
    if model.name == "mixed":
        split = {"columns": list(model.row), "data": [model.values]}
        return Asked("/invocations", {"dataframe_split": split})
    return Asked("/invocations", {"inputs": [model.values]})


def _v2(model: Model) -> Asked:
    path = f"/v2/models/{model.name}/infer"
    if model.name != "mixed":
        values = {"name": "x", "shape": [1, 8], "datatype": "FP64", "data": model.values}
        return Asked(path, {"inputs": [values]})
    inputs = [
        {"name": name, "shape": [1], "datatype": "BYTES", "data": [one]}
        | {"parameters": {"content_type": "str"}}
        if isinstance(one, str)
        else {"name": name, "shape": [1], "datatype": "FP64", "data": [one]}
        for name, one in model.row.items()
    ]
    return Asked(path, {"parameters": {"content_type": "pd"}, "inputs": inputs})


FLOOR = Tool("a constant", (), _floor, _rows)
OURS = Tool("mlo", (), _mlo, _rows)
NATIVE = Tool("mlo, native", (), partial(_mlo, options=("--runtime", "native")), _rows)
BARE = Tool("mlo, log off", (), _mlo, _rows)
"""In a folder whose settings turn the prediction log off."""
PEERS = (
    Tool("MLflow", ("mlflow==3.17.2",), partial(_script, "mlflow_script.py"), _mlflow),
    Tool("BentoML", ("bentoml==1.4.39",), partial(_script, "bentoml_script.py"), _rows),
    Tool(
        "BentoML, batching",
        ("bentoml==1.4.39",),
        partial(_script, "bentoml_script.py"),
        _rows,
        {"BENCHMARK_BATCHING": "1"},
    ),
    Tool(
        "MLServer",
        ("mlserver==1.7.1", "mlserver-sklearn==1.7.1"),
        partial(_script, "mlserver_script.py"),
        _v2,
    ),
    Tool("LitServe", ("litserve==0.2.19",), partial(_script, "litserve_script.py"), _rows),
)
