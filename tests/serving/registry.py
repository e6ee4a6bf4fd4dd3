"""Servers of models that are in a registry, as `mlo serve` starts them, and clients that hammer."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from mlops_cli.core.repository import Repository
from mlops_cli.registry import formats, signature
from mlops_cli.registry.register import Said, register
from mlops_cli.serving.follow import follow
from mlops_cli.serving.server import Server
from tests.serving.conftest import ROW, TRAINING, Running, classifier


def add(repo: Repository, strength: float, *, poison: bool = False) -> None:
    """Register a version; a poisoned one fails on every row of loam, and only there."""
    folder, model = repo.root / "model", classifier(strength)
    if poison:
        model.named_steps["columntransformer"].transformers_[0][1].categories_[0][1] = "sand"
    formats.save(model, folder, signature.for_model(model, TRAINING))
    register(repo, "plant", path=folder, said=Said(compile=not poison))


def served(repo: Repository) -> AbstractContextManager[Running]:
    """Yield a server of the original of `plant` in this process."""
    return served_all(repo, ["plant"])


@contextmanager
def served_all(repo: Repository, references: Sequence[str]) -> Iterator[Running]:
    """Yield a server of the originals of several models in this process."""
    said: list[str] = []
    finds = [
        follow(repo, one, max_rows=1000, say=said.append, runtime="native") for one in references
    ]
    server = Server(repo, finds, port=0, say=said.append)
    ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(lambda _: ready.set(),))
    thread.start()
    assert ready.wait(30)
    try:
        with httpx.Client(base_url=server.ready[0].url, timeout=30) as client:
            yield Running(server, server.ready[0], client, said)
    finally:
        server.stop()
        thread.join(30)
        assert not thread.is_alive()


@dataclass
class Load:
    """What clients met: status and version of each answer, and the errors of connections."""

    seen: list[tuple[int, int]] = field(default_factory=list)
    broken: list[Exception] = field(default_factory=list)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return as soon as `condition` holds; fail after 30 seconds."""
        wait_for(condition)


def wait_for(condition: Callable[[], bool]) -> None:
    """Return as soon as `condition` holds; fail after 30 seconds."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@contextmanager
def hammered(url: str, *, clients: int = 3, row: Any = ROW) -> Iterator[Load]:
    """Yield what clients meet that ask without a break, each on a connection that it keeps."""
    load, stop = Load(), threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                with httpx.Client(base_url=url, timeout=30) as client:
                    while not stop.is_set():
                        answer = client.post("/predict", json={"rows": [row]})
                        load.seen.append((answer.status_code, answer.json().get("version", 0)))
            except httpx.HTTPError as error:
                load.broken.append(error)

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
