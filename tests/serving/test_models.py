"""Several models in one server, and what it does when one of them is not what it was."""

import shutil
from collections.abc import Callable

import pytest

from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.registry import formats, promote, signature
from mlops_cli.registry.register import Said, register
from mlops_cli.serving.follow import follow
from mlops_cli.serving.server import Server
from tests.serving.conftest import ROW, TRAINING, classifier
from tests.serving.registry import served_all, wait_for

Make = Callable[..., Repository]


def test_each_model_has_a_path_of_its_own_and_none_is_at_the_bare_one(two_versions: Make) -> None:
    repo = with_shrub(two_versions)
    with served_all(repo, ["plant", "shrub"]) as running:
        for name, version in (("plant", 1), ("shrub", 1)):
            answer = running.client.post(f"/models/{name}/predict", json={"rows": [ROW]})
            assert (answer.json()["model"], answer.json()["version"]) == (name, version)
        missing = running.client.post("/models/tree/predict", json={"rows": [ROW]})
        assert missing.status_code == 404
        assert "no model 'tree' is served here: there is plant, shrub" in missing.text
        bare = running.predict()
        assert bare.status_code == 404
        assert "did you mean '/models/{name}/predict'?" in bare.text
        ready = running.client.get("/ready").json()
        assert [one["model"] for one in ready["models"]] == ["plant", "shrub"]
        promote.promote(repo, "plant@v2", "production")
        wait_for(lambda: running.client.get("/ready").json()["models"][0]["version"] == 2)


def test_a_model_that_is_named_twice_is_refused(two_versions: Make) -> None:
    repo = two_versions()
    finds = [
        follow(repo, one, max_rows=10, say=print, runtime="native")
        for one in ("plant@v1", "plant@v2")
    ]
    with pytest.raises(RequestError, match="plant is there twice"):
        Server(repo, finds, port=0, say=print)


def test_versions_that_go_away_while_they_are_served_go_on_answering(two_versions: Make) -> None:
    repo = two_versions()
    with served_all(repo, ["plant"]) as running:
        for pack in (repo.root / ".mlo" / "packs").iterdir():
            pack.rename(pack.with_name(pack.name + ".gone"))
        ref = repo.refs.get("models/plant")
        repo.refs.move({"models/plant": (ref, None)})
        wait_for(lambda: running.client.get("/ready").json()["failure"] is not None)
        assert running.predict().status_code == 200
        assert [line for line in running.said if "plant v1 goes on answering" in line]


def with_shrub(two_versions: Make) -> Repository:
    """Return a repository with a second model, in production too."""
    repo = two_versions()
    folder, model = repo.root / "model", classifier(3.0)
    shutil.rmtree(folder, ignore_errors=True)
    formats.save(model, folder, signature.for_model(model, TRAINING))
    register(repo, "shrub", path=folder, said=Said(compile=False))
    promote.promote(repo, "shrub", "production")
    return repo
