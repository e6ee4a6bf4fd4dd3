"""A real repository, real scikit-learn models and a real server on a free port of loopback."""

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pandas
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from mlops_cli.core.canonical import decode, encode
from mlops_cli.core.repository import Repository, create, open_repository
from mlops_cli.registry import formats, promote, signature
from mlops_cli.serving.live import Live
from mlops_cli.serving.load import live
from mlops_cli.serving.server import Ready, Server
from mlops_cli.serving.slot import Found

TRAINING = pandas.DataFrame(
    {
        "size": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
        "count": [1, 1, 2, 2, 3, 3, 4, 4],
        "soil": ["clay", "loam"] * 4,
    }
)
LABELS = ["no", "no", "no", "no", "yes", "yes", "yes", "yes"]
ROW = {"size": 7.5, "count": 4, "soil": "loam"}


def classifier(strength: float = 1.0) -> Any:
    encode_soil = ColumnTransformer([("soil", OneHotEncoder(), ["soil"])], remainder="passthrough")
    return make_pipeline(encode_soil, LogisticRegression(C=strength)).fit(TRAINING, LABELS)


def regression() -> Any:
    return LinearRegression().fit(TRAINING[["size", "count"]], TRAINING["size"] * 2)


@dataclass
class Shelf:
    """Versions of one model in folders, and a ref that says which of them is due."""

    repo: Repository
    folder: Path
    count: int = 0

    def put(self, model: Any) -> int:
        """Add a version and return its number."""
        self.count += 1
        described = signature.for_model(model, TRAINING)
        formats.save(model, self.folder / f"v{self.count}", described)
        return self.count

    def point(self, version: int) -> None:
        """Make `version` the one that is due, as a promotion does: by a move of a ref."""
        oid = self.repo.objects.put(encode({"version": version}))
        old = self.repo.refs.get("models/plant")
        if old != oid:
            self.repo.refs.move({"models/plant": (old, oid)})

    def find(self) -> Found:
        """Return the version that is due."""
        oid = self.repo.refs.get("models/plant")
        assert oid is not None
        version = decode(self.repo.objects.get(oid))["version"]

        def load() -> Live:
            return live(
                formats.load(self.folder / f"v{version}", trust=False),
                reference="plant@production",
                model="plant",
                version=version,
                version_id=oid,
                max_rows=self.repo.settings.serving.max_rows,
            )

        return Found("plant@production", oid, load)


@dataclass
class Running:
    """A server that answers, what it said, and a client for it."""

    server: Server
    ready: Ready
    client: httpx.Client
    said: list[str] = field(default_factory=list)

    def predict(self, row: dict[str, Any] = ROW) -> httpx.Response:
        return self.client.post("/predict", json={"rows": [row]})


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    settings = "serving: {max_rows: 1000, max_body_bytes: 100000}\n"
    (tmp_path / ".mlops.yaml").write_text(settings)
    return create(tmp_path)


@pytest.fixture
def shelf(repo: Repository, tmp_path: Path) -> Shelf:
    made = Shelf(repo, tmp_path / "shelf")
    made.point(made.put(classifier()))
    return made


Start = Callable[[], Running]


@pytest.fixture
def start(shelf: Shelf) -> Iterator[Start]:
    """Starts servers of the shelf's model, and stops them at the end."""
    running: list[tuple[Running, threading.Thread]] = []

    def start_one() -> Running:
        said: list[str] = []
        server = Server(shelf.repo, [shelf.find], port=0, say=said.append)
        is_ready = threading.Event()
        thread = threading.Thread(target=server.run, args=(lambda ready: is_ready.set(),))
        thread.start()
        assert is_ready.wait(30)
        client = httpx.Client(base_url=server.ready[0].url, timeout=30)
        running.append((Running(server, server.ready[0], client, said), thread))
        return running[-1][0]

    yield start_one
    for one, thread in running:
        one.client.close()
        one.server.stop()
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[bool, Path]]:
    """Where stores with two versions are kept once made, by whether the second is poisoned."""
    return tmp_path_factory.mktemp("stores"), {}


@pytest.fixture
def two_versions(project: Path, stores: tuple[Path, dict[bool, Path]]) -> Callable[..., Repository]:
    """Return what gives the project a model of two versions, the first of them in production."""
    from tests.serving.registry import add

    def give(*, poison: bool = False) -> Repository:
        folder, made = stores
        repo = open_repository(project)
        if poison not in made:
            add(repo, 1.0)
            promote.promote(repo, "plant@v1", "production")
            add(repo, 2.0, poison=poison)
            made[poison] = folder / str(poison)
            shutil.copytree(project / ".mlo", made[poison])
        else:
            shutil.rmtree(project / ".mlo")
            shutil.copytree(made[poison], project / ".mlo")
        return open_repository(project)

    return give
