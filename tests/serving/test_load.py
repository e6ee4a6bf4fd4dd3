"""Versions loaded for serving, in processes of their own where the promise is about them."""

import os
import subprocess
import sys
from pathlib import Path

import pandas
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from mlops_cli.core.repository import Repository, create
from mlops_cli.errors import MloError, RequestError
from mlops_cli.registry import formats, models, signature
from mlops_cli.registry.models import Version
from mlops_cli.registry.register import Said, register
from mlops_cli.serving.load import check, of_version
from tests.serving.conftest import LABELS, ROW, TRAINING, classifier

HEAVY = ("sklearn", "scipy", "pandas", "joblib", "skops", "onnx", "skl2onnx")
_LOAD = """
import os, sys
from pathlib import Path
from mlops_cli.core.repository import open_repository
from mlops_cli.registry import models
from mlops_cli.serving.load import of_version

repo = open_repository(Path(sys.argv[1]))
live = of_version(repo, models.resolve(repo, "plant"), reference="plant", max_rows=10)
"""
_LOAD_ORIGINAL = _LOAD.replace('"plant"', '"boosted"')
_MODULES = """
live.answer([[7.5], [4], ["loam"]])
import mlops_cli.serving.server
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
_FORKS = """
columns = [[7.5, 1.0], [4, 1], ["loam", "clay"]]
expected = live.answer(columns)
ready, go = os.pipe()
children = []
for child in range(4):
    pid = os.fork()
    if pid == 0:
        wrong = sum(live.answer(columns) != expected for _ in range(3000))
        os._exit(1 if wrong else 0)
    children.append(pid)
for _ in range(3000):
    assert live.answer(columns) == expected
print(*[os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children])
"""


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Make a repository whose model `plant` has a compiled form."""
    root = tmp_path_factory.mktemp("plants")
    subprocess.run(["git", "init", "--quiet", root], check=True)
    repo = create(root)
    model = classifier()
    formats.save(model, root / "model", signature.for_model(model, TRAINING))
    TRAINING.assign(label=LABELS).to_csv(root / "plants.csv", index=False)
    register(repo, "plant", path=root / "model", data=root / "plants.csv")
    return repo


def newest(repo: Repository) -> Version:
    return models.resolve(repo, "plant")


def run(script: str, repo: Repository) -> str:
    command = [sys.executable, "-c", script, str(repo.root)]
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment, timeout=120
    ).stdout


def test_a_compiled_model_answers_as_the_original(repo: Repository) -> None:
    compiled, original = (
        of_version(repo, newest(repo), reference="plant", runtime=runtime, max_rows=10)
        for runtime in (check("auto"), check("native"))
    )

    rows = [[value, value] for value in ROW.values()]
    ours, theirs = compiled.answer(rows), original.answer(rows)

    assert ours.predictions == theirs.predictions == ["yes", "yes"]
    assert compiled.classes == original.classes == ("no", "yes")
    assert ours.shares is not None
    assert theirs.shares is not None
    assert ours.shares[0] == pytest.approx(theirs.shares[0], abs=1e-9)


def test_a_compiled_model_needs_no_scikit_learn(repo: Repository) -> None:
    found = run(_LOAD + _MODULES, repo).split()

    assert "onnxruntime" in found
    assert set(HEAVY).isdisjoint(found)


def test_processes_forked_after_loading_answer_at_the_same_time(repo: Repository) -> None:
    assert run(_LOAD + _FORKS, repo).split() == ["0"] * 4


def test_so_do_those_forked_with_an_original_that_uses_openmp(repo: Repository) -> None:
    """A pool of OpenMP's threads does not survive a fork: the child would wait for ever."""
    model = HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=1)
    table = TRAINING[["size", "count"]]
    formats.save(model.fit(table, LABELS), repo.root / "b", signature.for_model(model, table))
    register(repo, "boosted", path=repo.root / "b", said=Said(compile=False))
    forks = _FORKS.replace("3000", "20").replace(', ["loam", "clay"]]', "]")

    assert run(_LOAD_ORIGINAL + forks, repo).split() == ["0"] * 4


def test_a_version_says_on_how_many_rows_both_agreed(repo: Repository) -> None:
    held = newest(repo).runtime

    assert held is not None
    assert held["kind"] == "onnx"
    assert held["rows"] >= 10_000
    assert held["worst"] <= held["tolerance"] == 1e-9


def test_a_version_registered_without_compiling_says_so(repo: Repository, tmp_path: Path) -> None:
    made = register(
        repo, "plain", path=repo.root / "model", said=Said(compile=False), force=True
    ).version

    assert made.runtime == {"kind": "native", "why": "compiling was not asked for"}
    assert made.compiled is None
    live = of_version(repo, made, reference="plain", max_rows=10)
    assert live.answer([[value] for value in ROW.values()]).predictions == ["yes"]


def test_the_original_answers_where_the_compiled_form_is_missing(
    repo: Repository, tmp_path: Path
) -> None:
    from dataclasses import replace

    version = newest(repo)
    assert version.runtime is not None
    gone = replace(version, runtime={**version.runtime, "artifact": "0" * 64})

    live = of_version(repo, gone, reference="plant", max_rows=10)

    assert live.answer([[value] for value in ROW.values()]).predictions == ["yes"]


def test_a_file_that_is_no_compiled_model_is_refused(repo: Repository) -> None:
    from dataclasses import replace

    version = newest(repo)
    other = repo.objects.put(b"something else")
    assert version.runtime is not None
    wrong = replace(version, runtime={**version.runtime, "artifact": other})

    with pytest.raises(MloError, match="compiled form of plant v1 cannot be loaded"):
        of_version(repo, wrong, reference="plant", max_rows=10)


def test_there_are_two_runtimes() -> None:
    with pytest.raises(RequestError, match="no runtime 'gpu'"):
        check("gpu")


def test_a_quick_original_needs_less_than_a_tenth_of_its_predict() -> None:
    """A forest of arrays is asked tree by tree, not through a pool of threads."""
    import time

    from mlops_cli.registry.native.answering import answering
    from tests.registry.compiled.conftest import predictor

    numbers = TRAINING[["size"]]
    model = RandomForestClassifier(100, random_state=0).fit(numbers.to_numpy(), LABELS)
    answer = answering(predictor(model, pandas.DataFrame(numbers)))

    def least(call: object) -> float:
        took = []
        for _ in range(5):
            started = time.process_time()
            call()  # type: ignore[operator]
            took.append(time.process_time() - started)
        return min(took)

    row = numbers.to_numpy()[:1]
    assert least(lambda: answer([[1.0]])) < least(lambda: model.predict_proba(row)) / 3
