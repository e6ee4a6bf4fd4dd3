"""A server of one model for a whole module of tests."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from mlops_cli.core.repository import create
from mlops_cli.serving.server import Server
from tests.serving.conftest import Running, Shelf, classifier


@dataclass
class Served(Running):
    """A server that answers, and the shelf of its versions."""

    shelf: Shelf | None = None


SETTINGS = "{max_rows: 1000, max_body_bytes: 100000}"


@contextmanager
def served(root: Path, settings: str = SETTINGS, verify: Any = True) -> Iterator[Served]:
    """Serve the classifier in a project at `root` with these settings of serving."""
    root.mkdir(exist_ok=True)
    (root / ".mlops.yaml").write_text(f"serving: {settings}\n")
    shelf = Shelf(create(root), root / "shelf")
    shelf.point(shelf.put(classifier()))
    said: list[str] = []
    server = Server(shelf.repo, [shelf.find], port=0, say=said.append)
    is_ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(lambda ready: is_ready.set(),))
    thread.start()
    assert is_ready.wait(30)
    ready = server.ready[0]
    try:
        with httpx.Client(base_url=ready.url, timeout=30, verify=verify) as client:
            yield Served(server, ready, client, said, shelf)
    finally:
        server.stop()
        thread.join(30)
    assert not thread.is_alive()
