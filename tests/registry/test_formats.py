import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from mlops_cli.errors import IntegrityError, RequestError, StateError
from mlops_cli.registry import formats, signature

TRAIN = """
import sys
from pathlib import Path
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from mlops_cli.registry import formats
x, y = load_iris(return_X_y=True, as_frame=True)
formats.save(RandomForestClassifier(5, random_state=1).fit(x, y), Path(sys.argv[1]))
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline, make_union
words = ["the", "a", "of", "and", "by"]
union = make_union(
    TfidfVectorizer(stop_words=words),
    CountVectorizer(vocabulary={"cat", "dog", "hen", "_stop_words_id"}),
    CountVectorizer(vocabulary={"_stop_words_id": 0, "cat": 1}),
)
model = make_pipeline(union, DummyClassifier())
model.fit(["the cat by a dog", "a hen", "cats of dogs"], [0, 1, 1])
model.words = frozenset(words), {(word, frozenset({word, "x", "y"})) for word in words}
formats.save(model, Path(sys.argv[1] + "-text"))
"""


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("pwned"),))

    def predict(self, frame):
        return []


class Doubler:
    """A model of any other kind: it has predict()."""

    def predict(self, frame):
        return frame.iloc[:, 0] * 2


def double(values):
    return values * 2


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True, as_frame=True)


def test_a_classifier_answers_after_loading_as_before(tmp_path, iris):
    x, y = iris
    model = RandomForestClassifier(5, random_state=1).fit(x, y)
    formats.save(model, tmp_path / "m", signature.for_model(model, x), target="target")
    loaded = formats.load(tmp_path / "m", trust=False)
    assert loaded.task == "classification"
    assert loaded.classes == (0, 1, 2)
    assert loaded.description.target == "target"
    assert loaded.signature == signature.from_frame(x)
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    np.testing.assert_array_equal(loaded.predict_proba(x), model.predict_proba(x))


def test_a_mixed_pipeline_and_a_regressor_keep_their_answers(tmp_path):
    frame = pd.DataFrame({"city": ["a", "b", "a", "c"] * 5, "age": np.arange(20.0)})
    pipe = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), ["city"]), (StandardScaler(), ["age"])
        ),
        LogisticRegression(),
    ).fit(frame, ["no", "yes"] * 10)
    formats.save(pipe, tmp_path / "p", signature.for_model(pipe, frame))
    loaded = formats.load(tmp_path / "p", trust=False)
    assert loaded.classes == ("no", "yes")
    assert list(loaded.predict(frame)) == list(pipe.predict(frame))

    x, y = load_diabetes(return_X_y=True, as_frame=True)
    boosted = HistGradientBoostingRegressor(max_iter=5).fit(x, y)
    formats.save(boosted, tmp_path / "h", signature.for_model(boosted, x))
    loaded = formats.load(tmp_path / "h", trust=False)
    assert loaded.task == "regression"
    assert loaded.classes is None
    assert loaded.predict_proba(x) is None
    np.testing.assert_array_equal(loaded.predict(x), boosted.predict(x))


def test_columns_are_picked_by_name_whatever_their_order(tmp_path, iris):
    x, y = iris
    model = LogisticRegression(max_iter=500).fit(x, y)
    formats.save(model, tmp_path / "m", signature.for_model(model, x))
    loaded = formats.load(tmp_path / "m", trust=False)
    shuffled = x[x.columns[::-1]].assign(extra=1)
    np.testing.assert_array_equal(loaded.predict(shuffled), model.predict(x))
    with pytest.raises(RequestError, match="no column 'sepal length"):
        loaded.predict(x.drop(columns="sepal length (cm)"))


def test_a_model_fitted_on_an_array_is_given_an_array(tmp_path, iris):
    x, y = iris
    model = LogisticRegression(max_iter=500).fit(x.to_numpy(), y)
    formats.save(model, tmp_path / "m", signature.for_model(model, x))
    loaded = formats.load(tmp_path / "m", trust=False)
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x.to_numpy()))


def test_training_twice_gives_the_same_bytes(tmp_path):
    for seed, name in enumerate("ab"):
        own = {**os.environ, "PYTHONHASHSEED": str(seed)}  # by which sets are ordered
        subprocess.run([sys.executable, "-c", TRAIN, tmp_path / name], env=own, check=True)
    for one, other in (("a", "b"), ("a-text", "b-text")):
        first, second = (tmp_path / name / "model.skops" for name in (one, other))
        assert first.read_bytes() == second.read_bytes()
    words = skops.io.load(tmp_path / "a-text/model.skops", trusted=["builtins.frozenset"]).words
    assert words[0] == {"the", "a", "of", "and", "by"}
    assert ("of", frozenset({"of", "x", "y"})) in words[1]


def test_a_pickle_runs_nothing_unless_trusted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind in ("joblib", "pickle"):
        formats.save(Evil(), tmp_path / kind, model_format=kind)
        with pytest.raises(RequestError, match=f"is a {kind} file") as caught:
            formats.load(tmp_path / kind, trust=False)
        assert "--trust" in caught.value.hint
        assert formats.untrusted_types(tmp_path / kind) == (kind,)
    assert not (tmp_path / "pwned").exists()


def test_unknown_types_are_listed_and_refused_until_trusted(tmp_path):
    formats.save(Doubler(), tmp_path / "m")
    name = f"{Doubler.__module__}.Doubler"
    assert formats.untrusted_types(tmp_path / "m") == (name,)
    with pytest.raises(RequestError, match="Doubler"):
        formats.load(tmp_path / "m", trust=False)
    loaded = formats.load(tmp_path / "m", trust=True)
    assert list(loaded.predict(pd.DataFrame({"a": [1, 2]}))) == [2, 4]
    assert loaded.task == "other"


def test_a_function_inside_a_pipeline_is_not_trusted_by_itself(tmp_path, iris):
    x, y = iris
    pipe = make_pipeline(FunctionTransformer(double), LogisticRegression(max_iter=900)).fit(x, y)
    formats.save(pipe, tmp_path / "m")
    with pytest.raises(RequestError, match="double"):
        formats.load(tmp_path / "m", trust=False)


def test_code_of_the_project_is_found_when_trusted(tmp_path):
    (tmp_path / "custom_estimators_q.py").write_text(
        "class Ones:\n    def predict(self, frame):\n        return [1] * len(frame)\n"
    )
    script = (
        "import sys; sys.path.insert(0, '.')\nfrom pathlib import Path\n"
        "from custom_estimators_q import Ones\nfrom mlops_cli.registry import formats\n"
        "formats.save(Ones(), Path('m'))\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    with pytest.raises(StateError, match="custom_estimators_q"):
        formats.load(tmp_path / "m", trust=True)
    loaded = formats.load(tmp_path / "m", trust=True, code=tmp_path)
    assert list(loaded.predict(pd.DataFrame({"a": [1, 2]}))) == [1, 1]
    assert str(tmp_path) not in sys.path


def test_a_bare_file_is_a_model_too(tmp_path, iris):
    x, y = iris
    formats.save(LogisticRegression(max_iter=500).fit(x, y), tmp_path / "m")
    (tmp_path / "m/model.skops").rename(tmp_path / "mine.skops")
    loaded = formats.load(tmp_path / "mine.skops", trust=False)
    assert loaded.signature is None
    assert loaded.predict(x).shape == (150,)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut", b"not a zip at all"])
def test_a_damaged_skops_file_is_one_clear_line(tmp_path, data):
    (tmp_path / "bad.skops").write_bytes(data)
    with pytest.raises(RequestError, match="not a whole skops file"):
        formats.load(tmp_path / "bad.skops", trust=False)


def test_what_is_not_a_model_is_said(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match=r"'notes\.txt' is not a model file"):
        formats.describe(tmp_path / "notes.txt")
    with pytest.raises(RequestError, match="is not a model: it has no"):
        formats.describe(tmp_path / "empty")
    with pytest.raises(RequestError, match="there is no model"):
        formats.describe(tmp_path / "nowhere")
    with pytest.raises(RequestError, match=r"builtins.dict cannot be a model"):
        formats.save({}, tmp_path / "m")


def test_a_description_cannot_point_outside_its_folder(tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    (tmp_path / "secret.skops").write_bytes(b"x")
    (folder / formats.DESCRIPTION).write_text(
        '{"v":1,"format":"skops","file":"../secret.skops","signature":null,"task":"other",'
        '"classes":null,"target":null,"type":null,"libraries":{}}'
    )
    with pytest.raises(IntegrityError, match="leaves the project"):
        formats.load(folder, trust=True)
    (folder / formats.DESCRIPTION).write_text('{"v":1}')
    with pytest.raises(IntegrityError, match="damaged"):
        formats.describe(folder)
