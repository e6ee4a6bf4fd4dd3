"""An ONNX file says itself what it takes, and runs without the library that made it."""

from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mlops_cli.errors import RequestError
from mlops_cli.registry import formats

RNG = np.random.default_rng(1)
ROWS = pd.DataFrame(
    {
        "age": RNG.integers(1, 90, 200).astype(np.float32),
        "city": RNG.choice(["Bern", "Zürich", "Genève"], 200),
    }
)
LABEL = np.where(ROWS["age"] + 20 * (ROWS["city"] == "Bern") > 50, "yes", "no")


def test_an_input_a_column_gives_names_and_kinds(tmp_path: Path) -> None:
    prepared = make_column_transformer((OneHotEncoder(), ["city"]), (StandardScaler(), ["age"]))
    model = make_pipeline(prepared, LogisticRegression()).fit(ROWS, LABEL)
    path = tmp_path / "m.onnx"
    path.write_bytes(to_onnx(model, ROWS[:1]).SerializeToString())
    loaded = formats.load(path, trust=False)
    assert loaded.signature is not None
    assert [(one.name, one.kind) for one in loaded.signature.columns] == [
        ("age", "number"),
        ("city", "text"),
    ]
    assert (loaded.task, loaded.classes) == ("classification", ("no", "yes"))
    assert loaded.predict(ROWS).tolist() == model.predict(ROWS).tolist()
    np.testing.assert_allclose(loaded.predict_proba(ROWS), model.predict_proba(ROWS), atol=1e-5)


@pytest.mark.parametrize("zipmap", [True, False])
def test_one_input_of_many_columns_takes_them_by_position(tmp_path: Path, zipmap: bool) -> None:
    numbers = RNG.normal(size=(100, 3)).astype(np.float32)
    model = LogisticRegression().fit(numbers, numbers[:, 0] > 0)
    made = to_onnx(model, numbers[:1], options={"zipmap": zipmap})
    formats.save(made, tmp_path / "m")
    loaded = formats.load(tmp_path / "m", trust=False)
    assert loaded.description.format == "onnx"
    assert loaded.signature is not None
    assert loaded.signature.names == ("x0", "x1", "x2")
    frame = pd.DataFrame(numbers, columns=list(loaded.signature.names))
    np.testing.assert_array_equal(loaded.predict(frame), model.predict(numbers))
    np.testing.assert_allclose(loaded.predict_proba(frame), model.predict_proba(numbers), atol=1e-5)


def graph(tensor: onnx.TensorProto, shape: list[object]) -> onnx.ModelProto:
    takes = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    gives = helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)
    node = helper.make_node("Mul", ["x", "w"], ["y"])
    made = helper.make_graph([node], "g", [takes], [gives], [tensor])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def test_any_graph_of_rows_answers(tmp_path: Path) -> None:
    weight = helper.make_tensor("w", TensorProto.FLOAT, [1], [3.0])
    onnx.save(graph(weight, [None, 1]), tmp_path / "m.onnx")
    loaded = formats.load(tmp_path / "m.onnx", trust=False)
    assert loaded.task == "other"
    assert loaded.predict(pd.DataFrame({"x": [1.0, 2.0]})).tolist() == [3.0, 6.0]


def test_weights_in_another_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\0" * 4)
    weight = helper.make_tensor("w", TensorProto.FLOAT, [1], b"\0\0\0\0", raw=True)
    onnx.external_data_helper.set_external_data(weight, "secret", 0, 4)
    weight.ClearField("raw_data")
    (tmp_path / "m.onnx").write_bytes(graph(weight, [None, 1]).SerializeToString())
    with pytest.raises(RequestError, match="weights in another file"):
        formats.load(tmp_path / "m.onnx", trust=False)


def test_what_cannot_be_rows_or_is_cut_is_one_clear_line(tmp_path: Path) -> None:
    weight = helper.make_tensor("w", TensorProto.FLOAT, [1], [3.0])
    onnx.save(graph(weight, [None, 3, 224, 224]), tmp_path / "m.onnx")
    with pytest.raises(RequestError, match="4 dimensions"):
        formats.load(tmp_path / "m.onnx", trust=False)
    (tmp_path / "m.onnx").write_bytes(b"\x08\x0a nothing")
    with pytest.raises(RequestError, match="not an ONNX model that can run here"):
        formats.load(tmp_path / "m.onnx", trust=False)
