"""The commands of the registry and of remotes, as a user types them."""

from pathlib import Path

import pytest

from tests.conftest import Mlo, git

SETTINGS = """
params: {depth: 2}
steps:
  train:
    cmd: python train.py
    deps: [train.py, data/iris.csv]
    params: [depth]
    outs: [model]
    metrics: [metrics.json]
models:
  iris:
    path: model
    target: kind
    stages:
      staging: {}
      production: {requires: staging, gates: [{metric: accuracy, min: 0.9}]}
"""
TRAIN = """
import json
import mlops_cli.api as mlo
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

frame = pd.read_csv("data/iris.csv")
kind = frame.pop("kind")
model = DecisionTreeClassifier(max_depth=mlo.params().depth, random_state=0).fit(frame, kind)
json.dump({"accuracy": model.score(frame, kind)}, open("metrics.json", "w"))
mlo.log_model(model, "model", data=frame)
"""


@pytest.fixture
def iris(project: Path, mlo_here: Mlo) -> Path:
    """A project whose pipeline has run once, with everything committed."""
    from sklearn.datasets import load_iris

    (project / "data").mkdir()
    frame = load_iris(as_frame=True).frame.rename(columns={"target": "kind"})
    frame.columns = [name.removesuffix(" (cm)").replace(" ", "_") for name in frame.columns]
    frame.to_csv(project / "data" / "iris.csv", index=False)
    (project / "train.py").write_text(TRAIN)
    (project / ".mlops.yaml").write_text(SETTINGS)
    mlo_here("add", "data/iris.csv")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Iris")
    mlo_here("run")
    return project


def test_from_a_run_to_production_and_back(iris: Path, mlo_here: Mlo) -> None:
    made = mlo_here("register", "iris", "--json").json
    assert (made["created"], made["version"]["number"]) == (True, 1)
    assert mlo_here("promote", "iris", "production", code=1).stdout.count("FAIL") == 1
    mlo_here("promote", "iris", "staging")
    moved = mlo_here("promote", "iris", "production", "--reason", "good", "--json").json
    assert moved["moved"]
    assert "production v1" in mlo_here("models", "list").stdout
    mlo_here("models", "alias", "iris@v1", "champion")
    shown = mlo_here("models", "show", "iris@champion").stdout
    assert "petal_width" in shown
    mlo_here("run", "--set", "depth=1")
    mlo_here("register", "iris", "--run", "last")
    mlo_here("promote", "iris@v2", "staging")
    refused = mlo_here("promote", "iris@v2", "production", "--dry-run", "--json", code=1).json
    assert [gate["passed"] for gate in refused["gates"]] == [True, False]
    assert mlo_here("rollback", "iris", "staging", "--json").json["number"] == 1
    assert "nothing of iris" in mlo_here("rollback", "iris", "nowhere", code=2).stderr
    assert "was registered from" in mlo_here("runs", "rm", "last", code=3).stderr
    mlo_here("runs", "rm", "--force", "last")
    page = (Path(__file__).parents[2] / "docs/design/format.md").read_text()
    listed = page.partition("## The folder")[2].partition("## Objects")[0]
    for entry in (iris / ".mlo").iterdir():
        assert f"\n  {entry.name}" in listed, f"format.md does not tell of {entry.name}"
    record = mlo_here("audit", "--json").json
    assert [entry["action"] for entry in record].count("promote") == 3
    assert "the record holds" in mlo_here("audit", "--verify").stdout


def test_a_file_is_predicted_and_traced(iris: Path, mlo_here: Mlo) -> None:
    mlo_here("register", "iris")
    batch = mlo_here("predict", "iris", "data/iris.csv", "out.csv", "--json").json
    assert batch["rows"] == 150
    assert (
        "exists already" in mlo_here("predict", "iris", "data/iris.csv", "out.csv", code=2).stderr
    )
    traced = mlo_here("trace", batch["id"]).stdout
    for part in ("version iris v1", "run ", "code commit", "data data/iris.csv"):
        assert part in traced
    assert mlo_here("trace", "data/iris.csv", "--json").json["kind"] == "data"
    assert "'nonsense' is no prediction" in mlo_here("trace", "nonsense", code=2).stderr


def test_a_bare_name_predicts_with_what_is_in_production(iris: Path, mlo_here: Mlo) -> None:
    made = mlo_here("register", "iris").stdout
    (run,) = mlo_here("runs", "list", "--json").json["runs"]
    assert f"model, run {run['name']} ({run['key'][:8]})\n" in made
    lines = (iris / "data/iris.csv").read_text().splitlines()
    (iris / "one.csv").write_text("\n".join(lines[:2]))
    done = mlo_here("predict", "iris", "one.csv", "newest.csv")
    assert "nothing of iris is in production: iris@v1 answers, its newest" in done.stderr
    assert "1 row predicted by iris v1" in done.stdout
    mlo_here("promote", "iris", "staging")
    mlo_here("promote", "iris", "production", "--reason", "good")
    mlo_here("run", "--set", "depth=1")
    mlo_here("register", "iris", "--run", "last")
    done = mlo_here("predict", "iris", "one.csv", "live.csv")
    assert "1 row predicted by iris v1" in done.stdout
    assert "nothing of" not in done.stderr
    assert "iris v2" in mlo_here("predict", "iris@v2", "one.csv", "second.csv").stdout


def test_a_model_that_no_run_made_needs_somebody_who_vouches_for_it(
    iris: Path, mlo_here: Mlo
) -> None:
    import joblib
    from sklearn.neighbors import KNeighborsClassifier

    joblib.dump(KNeighborsClassifier(1).fit([[0.0], [1.0]], [0, 1]), iris / "near.joblib")
    refused = mlo_here("register", "near", "--path", "near.joblib", code=2)
    assert "loading it runs any code in it" in refused.stderr
    assert "--trust" in refused.stderr
    made = mlo_here("register", "near", "--path", "near.joblib", "--trust", "--json").json
    assert (made["version"]["trusted"], made["version"]["run"]) == (True, None)
    assert "somebody vouched" in mlo_here("models", "show", "near@v1").stdout
    again = ("register", "near", "--path", "near.joblib", "--trust")
    assert "from outside any run, is this very model already" in mlo_here(*again).stdout
    assert "near v2" in mlo_here(*again, "--force").stdout
    (iris / "rows.csv").write_text("id,x0\n007,0.9\n")
    mlo_here("predict", "near@v1", "rows.csv", "out.csv")
    mlo_here("predict", "near@v1", "rows.csv", "out.csv", "--force")
    assert (iris / "out.csv").read_text().splitlines()[1].startswith("007,0.9,1,0.0,1.0,near v1,")
    for reference in ("near@v1", "near@v2"):
        mlo_here("promote", reference, "staging")
    mlo_here("rollback", "near", "staging", "--reason", "it barks")
    assert "it barks" in mlo_here("models", "show", "near").stdout


def test_a_colleague_gets_all_of_it(iris: Path, mlo_here: Mlo, tmp_path: Path) -> None:
    mlo_here("register", "iris")
    mlo_here("promote", "iris", "staging")
    assert "no remote 'origin'" in mlo_here("push", code=2).stderr
    mlo_here("remote", "add", "origin", "../store")
    assert "origin" in mlo_here("remote", "list").stdout
    assert mlo_here("push", "--json").json["moved"]
    assert "has everything" in mlo_here("push").stdout
    git(iris, "add", "--all")
    git(iris, "commit", "--quiet", "--message", "Remote")
    clone = tmp_path / "colleague"
    git(tmp_path, "clone", "--quiet", str(iris), str(clone))
    mlo_here("pull", cwd=clone)
    assert (clone / "data/iris.csv").read_bytes() == (iris / "data/iris.csv").read_bytes()
    assert (clone / "model/model.skops").read_bytes() == (iris / "model/model.skops").read_bytes()
    assert mlo_here("models", "show", "iris@staging", "--json", cwd=clone).json["number"] == 1
    assert "nothing is stale" in mlo_here("run", cwd=clone).stdout
    mlo_here("rollback", "iris", "staging", code=2, cwd=clone)
    mlo_here("promote", "iris", "production", cwd=clone)
    mlo_here("push", cwd=clone)
    assert "moved models/iris" in mlo_here("fetch").stdout
    assert "production v1" in mlo_here("models", "list").stdout
    assert "removed origin" in mlo_here("remote", "remove", "origin").stdout
