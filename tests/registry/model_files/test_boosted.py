"""XGBoost's and LightGBM's own files answer as the models did, and run no code."""

import json
import random
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost

from mlops_cli.errors import RequestError, StateError
from mlops_cli.registry import formats, signature

RNG = np.random.default_rng(1)
ROWS = pd.DataFrame(
    {
        "body mass": RNG.normal(size=200),
        "age": RNG.integers(1, 90, 200),
        "city": RNG.choice(["Bern", "Zürich", "Genève"], 200),
    }
)
FITTED = ROWS.astype({"city": "category"})
PLAIN = FITTED.assign(city=FITTED["city"].cat.rename_categories(["Bern", "Geneva", "Zurich"]))
"""What XGBoost's file tells alone: names in ASCII."""
LABEL = pd.Series(np.where(ROWS["age"] + 20 * (ROWS["city"] == "Bern") > 50, "yes", "no"))
NUMBER = ROWS["age"] * 0.5 + ROWS["body mass"]


def saved(model, folder: Path, rows: pd.DataFrame = FITTED):
    formats.save(model, folder, signature.for_model(model, rows))
    return formats.load(folder, trust=False)


def test_a_classifier_of_xgboost_answers_as_before(tmp_path: Path) -> None:
    codes = (LABEL == "yes").astype(int)
    model = xgboost.XGBClassifier(n_estimators=4, enable_categorical=True).fit(FITTED, codes)
    loaded = saved(model, tmp_path / "m")
    assert (loaded.description.format, loaded.task, loaded.classes) == (
        "xgboost",
        "classification",
        (0, 1),
    )
    assert not formats.untrusted_types(tmp_path / "m")
    np.testing.assert_array_equal(loaded.predict(ROWS), model.predict(FITTED))
    np.testing.assert_allclose(loaded.predict_proba(ROWS), model.predict_proba(FITTED), atol=1e-6)
    one = ROWS.iloc[[7]][["city", "age", "body mass"]]  # no category but one, in another order
    np.testing.assert_array_equal(loaded.predict(one), model.predict(FITTED.iloc[[7]]))


def test_categories_that_are_not_ascii_are_not_mistaken_for_others(tmp_path: Path) -> None:
    names = sorted(["本", "è", "本é", "äöz", "b", "aüéüb", "èäö"])
    city = pd.Categorical(RNG.choice(names, 300), categories=names)
    rows = pd.DataFrame({"mass": RNG.normal(size=300), "city": city})
    truth = (rows["city"].cat.codes % 3 + rows["mass"] > 1).astype(int)
    model = xgboost.XGBClassifier(n_estimators=6, enable_categorical=True).fit(rows, truth)
    by_number = np.column_stack([rows["mass"], city.codes])
    meant = model.get_booster().inplace_predict(by_number, validate_features=False)
    loaded = saved(model, tmp_path / "m", rows)
    asked = rows.astype({"city": object})
    alone = [loaded.predict_proba(asked.iloc[[place]])[0, 1] for place in range(40)]
    np.testing.assert_array_equal(alone, meant[:40])


def test_categories_that_cannot_be_told_are_refused(tmp_path: Path) -> None:
    city = pd.Categorical(["Zürich", "Bern"] * 50, categories=["Zürich", "Genève", "Bern"])
    rows = pd.DataFrame({"city": city})
    model = xgboost.XGBClassifier(n_estimators=2, enable_categorical=True)
    model.fit(rows, [0, 1] * 50)
    with pytest.raises(RequestError, match="does not say which categories of column 1"):
        saved(model, tmp_path / "m", rows)


def test_a_category_that_was_never_seen_is_refused(tmp_path: Path) -> None:
    codes = (LABEL == "yes").astype(int)
    model = xgboost.XGBClassifier(n_estimators=4, enable_categorical=True).fit(FITTED, codes)
    with pytest.raises(RequestError, match="'city' has the category 'Chur', which it does not"):
        saved(model, tmp_path / "m").predict(ROWS.assign(city="Chur"))


def test_after_early_stopping_the_same_trees_answer(tmp_path: Path) -> None:
    rows, codes = ROWS[["age", "body mass"]], (LABEL == "yes").astype(int)
    model = xgboost.XGBClassifier(n_estimators=60, early_stopping_rounds=2, learning_rate=1.0)
    model.fit(rows[:120], codes[:120], eval_set=[(rows[120:], codes[120:])], verbose=False)
    assert model.best_iteration < 50
    loaded = saved(model, tmp_path / "m", rows)
    np.testing.assert_allclose(loaded.predict_proba(rows), model.predict_proba(rows), atol=1e-6)


def test_a_linear_booster_answers_as_before(tmp_path: Path) -> None:
    rows = ROWS[["age", "body mass"]]
    model = xgboost.XGBRegressor(booster="gblinear", n_estimators=5).fit(rows, NUMBER)
    loaded = saved(model, tmp_path / "m", rows)
    np.testing.assert_allclose(loaded.predict(rows), model.predict(rows), rtol=1e-5)


def test_a_booster_without_names_takes_columns_by_position(tmp_path: Path) -> None:
    numbers = ROWS[["body mass", "age"]].to_numpy()
    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(numbers, NUMBER), 4)
    loaded = saved(booster, tmp_path / "m", ROWS[["body mass", "age"]])
    assert loaded.task == "regression"
    assert loaded.classes is None
    expected = booster.predict(xgboost.DMatrix(numbers))
    np.testing.assert_array_equal(loaded.predict(ROWS), expected)


def test_a_classifier_of_lightgbm_keeps_labels_categories_and_names_with_blanks(
    tmp_path: Path,
) -> None:
    model = lightgbm.LGBMClassifier(n_estimators=4, verbose=-1).fit(FITTED, LABEL)
    loaded = saved(model, tmp_path / "m")
    assert loaded.classes == ("no", "yes")
    assert loaded.signature is not None
    assert loaded.signature.names == ("body mass", "age", "city")
    np.testing.assert_array_equal(loaded.predict(ROWS), model.predict(FITTED))
    np.testing.assert_allclose(loaded.predict_proba(ROWS), model.predict_proba(FITTED))
    one = loaded.predict_proba(ROWS.iloc[[7]])
    np.testing.assert_allclose(one, model.predict_proba(FITTED.iloc[[7]]))


@pytest.mark.parametrize("name", ["model.json", "model.ubj", "model.txt"])
def test_files_alone_are_known_by_how_they_begin(tmp_path: Path, name: str) -> None:
    rows = ROWS[["age"]]
    path = tmp_path / name
    if name.endswith("txt"):
        lightgbm.LGBMRegressor(n_estimators=2, verbose=-1).fit(rows, NUMBER).booster_.save_model(
            path
        )
    else:
        xgboost.XGBRegressor(n_estimators=2).fit(rows, NUMBER).save_model(path)
    assert formats.load(path, trust=False).task == "regression"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RequestError, match="is not a whole file of"):
        formats.load(path, trust=False)
    path.write_text("something else")
    with pytest.raises(RequestError, match="does not begin like one"):
        formats.load(path, trust=False)


def broken(path: Path, change) -> None:
    """Change the first tree that has nodes, of a file in JSON."""
    model = json.loads(path.read_bytes())
    change(model["learner"]["gradient_booster"]["model"]["trees"][0])
    path.write_text(json.dumps(model))


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("left_children", 10**6, "a node that it lacks"),
        ("left_children", 0, "leads back to itself"),
        ("right_children", 1, "a node in two places"),
        ("split_indices", 7, "a column that there is not"),
        ("parents", 10**8, "a child of another node"),
        ("split_conditions", "x", "no number"),
    ],
)
def test_a_tree_of_xgboost_that_leads_out_of_its_arrays_is_refused(
    tmp_path: Path, field: str, value: object, what: str
) -> None:
    path = tmp_path / "m.json"
    xgboost.XGBRegressor(n_estimators=1, max_depth=2).fit(ROWS[["age"]], NUMBER).save_model(path)

    def change(tree) -> None:
        tree[field][1 if field == "parents" else 0] = value

    broken(path, change)
    with pytest.raises(RequestError, match=what):
        formats.load(path, trust=False)


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("left_child", "99", "a node that it lacks"),
        ("left_child", "-99", "a leaf that it lacks"),
        ("left_child", "0", "leads back to itself"),
        ("split_feature", "4", "a column that there is not"),
        ("threshold", "0x", "no numbers in threshold"),
        ("leaf_value", "", "lacks values of leaves"),
        ("num_leaves", "3", "another number of"),
    ],
)
def test_a_tree_of_lightgbm_that_leads_out_of_its_arrays_is_refused(
    tmp_path: Path, field: str, value: str, what: str
) -> None:
    path = tmp_path / "m.txt"
    model = lightgbm.LGBMRegressor(n_estimators=1, num_leaves=5, verbose=-1)
    model.fit(ROWS[["age"]], NUMBER).booster_.save_model(path)
    lines = path.read_text().split("\n")
    at = next(at for at, line in enumerate(lines) if line.startswith(f"{field}="))
    before, rest = lines[at].partition("=")[2].partition(" ")[::2]
    lines[at] = f"{field}={value} {rest}".strip() if value else f"{field}="
    text = "\n".join(lines)
    sizes = next(line for line in lines if line.startswith("tree_sizes="))
    size = int(sizes.partition("=")[2]) + len(text) - len(path.read_text())
    path.write_text(text.replace(sizes, f"tree_sizes={size:0{len(sizes) - 11}}"))
    assert before
    with pytest.raises(RequestError, match=what):
        formats.load(path, trust=False)


@pytest.mark.parametrize("name", ["model.json", "model.ubj", "model.txt"])
def test_no_file_that_was_changed_ends_the_process(tmp_path: Path, name: str) -> None:
    path, draw = tmp_path / name, random.Random(1)
    if name.endswith("txt"):
        model = lightgbm.LGBMClassifier(n_estimators=2, num_leaves=5, verbose=-1)
        model.fit(FITTED, LABEL).booster_.save_model(path)
    else:
        model = xgboost.XGBClassifier(n_estimators=2, max_depth=2, enable_categorical=True)
        model.fit(PLAIN, LABEL == "yes").save_model(path)
    whole, rows = path.read_bytes(), ROWS if name.endswith("txt") else PLAIN
    assert set(formats.load(path, trust=False).predict(rows).tolist()) == {0, 1}
    refused = 0
    for _ in range(40):
        data, at = bytearray(whole), draw.randrange(len(whole))
        data[at] = draw.choice(b"0123456789-,. ") if name != "model.ubj" else draw.randrange(256)
        if draw.random() < 0.2:
            del data[at : at + draw.randrange(1, 20)]
        path.write_bytes(data)
        try:
            formats.load(path, trust=False).predict(rows)
        except RequestError:
            refused += 1
    assert refused > 5


@pytest.mark.parametrize(("library", "name"), [("xgboost", "m.ubj"), ("lightgbm", "m.txt")])
def test_a_library_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, name: str
) -> None:
    import sys

    begins = b"{L........learner" if library == "xgboost" else b"tree\nversion=v4\n"
    (tmp_path / name).write_bytes(begins)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(StateError, match=library) as caught:
        formats.load(tmp_path / name, trust=False)
    assert caught.value.hint == f"pip install 'mlo[{library}]'"
