"""A model of several targets answers files and servers, with a column for each."""

from pathlib import Path

import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression

from mlops_cli.errors import RequestError
from mlops_cli.registry import formats, models, predict, signature
from mlops_cli.registry.batch import answers
from mlops_cli.registry.models import Version
from mlops_cli.registry.register import Said, register
from mlops_cli.serving.live import warmed
from mlops_cli.serving.load import of_version
from mlops_cli.serving.protocols.v2 import columns
from tests.registry.conftest import Workshop

FRAME = pd.DataFrame({"age": [20, 30, 40, 50], "income": [1.5, 2.5, 1.0, 3.5]})
NUMBERS = [[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]]
WORDS = [["a", "x"], ["a", "y"], ["b", "x"], ["b", "y"]]


def registered(workshop: Workshop, estimator: object, truth: object) -> Version:
    fitted = estimator.fit(FRAME, truth)  # type: ignore[attr-defined]
    path = workshop.repo.root / "several"
    formats.save(fitted, path, signature.for_model(fitted, FRAME))
    return register(workshop.repo, "several", path=path, said=Said(compile=True)).version


@pytest.mark.parametrize(
    ("estimator", "truth"),
    [
        (LinearRegression(), NUMBERS),
        (RandomForestRegressor(2, random_state=0), NUMBERS),
        (RandomForestClassifier(2, random_state=0), WORDS),
    ],
    ids=["linear", "forest", "words"],
)
def test_a_file_gets_a_column_for_each_target(
    workshop: Workshop, tmp_path: Path, estimator: object, truth: object
) -> None:
    version = registered(workshop, estimator, truth)
    source, target = tmp_path / "rows.csv", tmp_path / "out.csv"
    FRAME.to_csv(source, index=False)
    predict.predict(workshop.repo, version, source, target)
    found = pd.read_csv(target)
    expected = models.load(workshop.repo, version).predict(FRAME)
    assert list(found.columns)[2:] == ["prediction_0", "prediction_1", "model_version", "batch_id"]
    assert found[["prediction_0", "prediction_1"]].to_numpy().tolist() == expected.tolist()
    part = answers.coded((expected, None))
    again = answers._decoded(part)
    assert again is not None
    assert again[0].tolist() == expected.tolist()
    live = warmed(of_version(workshop.repo, version, reference="several", max_rows=10))
    (described, _) = columns.outputs(live)
    assert described.shape == (-1, 2)
    assert described.datatype == ("BYTES" if truth is WORDS else "FP64")


def test_an_input_with_such_a_column_is_refused(workshop: Workshop, tmp_path: Path) -> None:
    version = registered(workshop, LinearRegression(), NUMBERS)
    source = tmp_path / "rows.csv"
    FRAME.assign(prediction_1=1).to_csv(source, index=False)
    with pytest.raises(RequestError, match="has a column 'prediction_1', which the output needs"):
        predict.predict(workshop.repo, version, source, tmp_path / "out.csv")
