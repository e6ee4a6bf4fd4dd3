"""A thousand swaps of the version that answers, under load, with workers killed on the way.

    python -m benchmarks.swaps [SWAPS] [WORKERS] [KILLS]

Promotions, rollbacks and canary steps follow each other while clients ask without a break, each
on a connection that it keeps. Every request must be answered with 200; a client may lose its
connection only to a worker that was killed. It says how long swaps took; 1 if one was lost.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx

ROW = {"a": 0.5, "b": 1.5}
CLIENTS = 8


def main(swaps: int, workers: int, kills: int) -> int:
    """Run it in a temporary project, and return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        repo = _project(root)
        command = [sys.executable, "-m", "mlops_cli", "serve", "m", "--port", "0", "--json"]
        with subprocess.Popen(
            [*command, "--workers", str(workers)],
            cwd=root,
            stdout=subprocess.PIPE,
            text=True,
            stderr=subprocess.DEVNULL,
        ) as server:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["url"]
            found = _Clients(url)
            took, killed = _swap(repo, found, swaps, server.pid if workers > 1 else None, kills)
            found.stop()
            server.send_signal(signal.SIGTERM)
            code = server.wait(60)
    cuts = quantiles(took, n=100)
    print(f"{swaps} swaps, {workers} workers, {killed} of them killed, {CLIENTS} clients")
    print(
        f"answered {found.answered}, not with 200: {found.wrong}, connections lost: {found.broken}"
    )
    print(
        f"a swap was seen after {cuts[49]:.3f} s (median), {cuts[98]:.3f} s (99 of 100), "
        f"{max(took):.3f} s (longest); exit code {code}"
    )
    part = max(swaps // 10, 1)
    print(f"the first tenth {median(took[:part]):.3f} s, the last {median(took[-part:]):.3f} s")
    lost = found.wrong or code or found.refused or found.broken > killed * CLIENTS
    return 1 if lost else 0


class _Clients:
    """Clients that ask without a break, and what they met."""

    def __init__(self, url: str) -> None:
        self.answered = self.wrong = self.broken = self.refused = 0
        self.versions = [0] * CLIENTS
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(url, number)) for number in range(CLIENTS)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, url: str, number: int) -> None:
        while not self._stop.is_set():
            try:
                with httpx.Client(base_url=url, timeout=30) as client:
                    while not self._stop.is_set():
                        answer = client.post("/predict", json={"rows": [ROW]})
                        self.answered += 1
                        self.wrong += answer.status_code != 200
                        self.versions[number] = answer.json().get("version", 0)
            except httpx.ConnectError:
                self.refused += 1
            except httpx.HTTPError:
                self.broken += 1


def _swap(
    repo: Any, clients: _Clients, swaps: int, parent: int | None, kills: int
) -> tuple[list[float], int]:
    """Move the version `swaps` times; return how long each took to be seen, and the kills."""
    from mlops_cli.registry import promote, routes

    took, killed = [], 0
    for swap in range(swaps):
        due = 2 - swap % 2
        if swap % 2 == 0:
            promote.promote(repo, "m@v2", "production")
        else:
            promote.rollback(repo, "m", "production")
        if swap % 10 == 1:
            routes.begin(repo, "m@v3", "canary", share=random.choice((0.05, 0.2)))
        if swap % 10 == 6:
            routes.end(repo, "m", "canary", how="aborted")
        if parent is not None and kills and swap % max(swaps // kills, 1) == 5:
            one = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()[0]
            os.kill(int(one), signal.SIGKILL)
            killed += 1
        started = time.monotonic()
        while not all(version in (due, 3) for version in clients.versions):
            if time.monotonic() - started > 30:
                raise SystemExit(f"swap {swap}: v{due} was not seen: {clients.versions}")
            time.sleep(0.002)
        took.append(time.monotonic() - started)
    return took, killed


def _project(root: Path) -> Any:
    """Return a repository with three versions of a model, the first in production."""
    import pandas
    from sklearn.linear_model import LogisticRegression

    from mlops_cli.core.repository import create
    from mlops_cli.registry import formats, promote, signature
    from mlops_cli.registry.register import register

    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    for key, value in (("user.name", "A"), ("user.email", "a@example.com")):
        subprocess.run(["git", "-C", str(root), "config", key, value], check=True)
    repo = create(root)
    table = pandas.DataFrame({"a": [0.0, 1.0] * 50, "b": [0.5, 2.5] * 50})
    for strength in (0.5, 1.0, 2.0):
        model = LogisticRegression(C=strength).fit(table, ["no", "yes"] * 50)
        formats.save(model, root / "model", signature.for_model(model, table))
        register(repo, "m", path=root / "model")
    promote.promote(repo, "m@v1", "production")
    return repo


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:4]]
    raise SystemExit(main(*(given + [1000, 2, 10][len(given) :])))
