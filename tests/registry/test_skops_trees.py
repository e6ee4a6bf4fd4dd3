import io
import json
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from mlops_cli.registry import skops_bytes, skops_trees

X, Y = load_iris(return_X_y=True)
DX, DY = load_diabetes(return_X_y=True)


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier().fit(X, Y),
        DecisionTreeRegressor(max_depth=3, ccp_alpha=0.1).fit(DX, DY),
        DecisionTreeClassifier(max_leaf_nodes=6).fit(X, Y),
        RandomForestClassifier(3).fit(X, Y),
        RandomForestRegressor(3).fit(DX, np.stack([DY, DY], axis=1)),
        ExtraTreesClassifier(3).fit(X, np.stack([Y, Y % 2], axis=1)),
        GradientBoostingClassifier(n_estimators=2).fit(X, Y),
        HistGradientBoostingRegressor(max_iter=3).fit(DX, DY),
        AdaBoostClassifier(n_estimators=3).fit(X, Y),
        BaggingRegressor(n_estimators=2, max_features=0.5).fit(DX, DY),
        IsolationForest(n_estimators=3).fit(X),
        make_pipeline(PolynomialFeatures(), RandomForestClassifier(2)).fit(X, Y),
        make_pipeline(SimpleImputer(), SimpleImputer()).fit(X),
    ],
    ids=lambda model: type(model).__name__,
)
def test_trees_and_dtypes_of_scikit_learn_are_sound(model):
    data = skops_bytes.dump(model)
    doubted = skops.io.get_untrusted_types(data=data)
    assert doubted
    assert skops_trees.sound_types(data) == set(doubted)


def changed(data, *, arrays=None, schema=None):
    """Return the skops file with its node arrays or its schema changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "schema.json" and schema:
                tree = json.loads(part)
                schema(tree)
                part = json.dumps(tree).encode()
            elif name.endswith(".npy") and arrays:
                array = np.load(io.BytesIO(part))
                if array.dtype.names:
                    arrays(array)
                    buffer = io.BytesIO()
                    np.save(buffer, array)
                    part = buffer.getvalue()
            new.writestr(name, part)
    return out.getvalue()


def put(field, value, index=0):
    def change(array):
        array[field][index] = value

    return change


TREE = skops_bytes.dump(DecisionTreeClassifier().fit(X, Y))
FOREST = skops_bytes.dump(RandomForestClassifier(2, random_state=0).fit(X, Y))
BOOSTED = skops_bytes.dump(HistGradientBoostingRegressor(max_iter=2).fit(DX, DY))


@pytest.mark.parametrize("data", [TREE, FOREST])
@pytest.mark.parametrize(
    "change",
    [
        put("left_child", 10**6),
        put("left_child", 0),
        put("right_child", -2),
        put("right_child", 0),
        put("feature", 4),
        put("feature", -3),
    ],
)
def test_a_tree_that_leaves_its_arrays_is_not_sound(data, change):
    assert skops_trees.sound_types(data) == {skops_trees.TREE}
    assert not skops_trees.sound_types(changed(data, arrays=change))


@pytest.mark.parametrize(
    "change",
    [
        put("left", 10**6),
        put("right", 0),
        put("feature_idx", 10),
        put("is_categorical", 1),
    ],
)
def test_a_boosted_tree_that_leaves_its_arrays_is_not_sound(change):
    assert skops_trees.sound_types(BOOSTED) == {skops_trees.PREDICTOR}
    assert not skops_trees.sound_types(changed(BOOSTED, arrays=change))


def attributes(schema):
    return schema["content"]["content"]


def say(attribute, text):
    def change(schema):
        attributes(schema)[attribute] = {
            "__class__": "str",
            "__module__": "builtins",
            "__loader__": "JsonNode",
            "content": text,
        }

    return change


def drop_last_key_type(schema):
    schema["content"]["key_types"]["content"].pop()


def say_more_nodes(schema):
    state = attributes(schema)["tree_"]["content"]["content"]
    state["node_count"] = {**state["node_count"], "content": "100000", "__id__": 99999}


def say_less_depth(schema):
    state = attributes(schema)["tree_"]["content"]["content"]
    state["max_depth"] = {**state["max_depth"], "content": "0", "__id__": 99999}


def say_more_outputs(schema):
    args = attributes(schema)["tree_"]["__reduce__"]["args"]["content"]
    args[2] = {**args[2], "content": "1000", "__id__": 99999}


def reuse_a_name(schema):
    attributes(schema)["tree_"]["content"]["__id__"] = attributes(schema)["classes_"]["__id__"]


def hide_a_method(schema):
    attributes(schema)["_validate_X_predict"] = {
        "__class__": "ufunc",
        "__module__": "numpy",
        "__loader__": "FunctionNode",
        "content": "absolute",
    }
    schema["content"]["key_types"]["content"].append(schema["content"]["key_types"]["content"][0])


def old_protocol(schema):
    schema["protocol"] = 1


@pytest.mark.parametrize(
    "change",
    [
        say("n_features_in_", "1"),
        say("n_features_in_", "true"),
        drop_last_key_type,
        say_more_nodes,
        say_less_depth,
        say_more_outputs,
        reuse_a_name,
        hide_a_method,
        old_protocol,
    ],
)
def test_a_tree_whose_surroundings_were_touched_is_not_sound(change):
    assert not skops_trees.sound_types(changed(TREE, schema=change))


def test_a_forest_that_lets_narrower_rows_in_is_not_sound():
    assert not skops_trees.sound_types(changed(FOREST, schema=say("n_features_in_", "1")))


def test_a_type_in_place_of_a_tree_is_not_sound():
    def change(schema):
        attributes(schema)["tree_"]["__loader__"] = "TypeNode"

    assert not skops_trees.sound_types(changed(TREE, schema=change))


@pytest.mark.parametrize("instead", [{"__loader__": "ObjectNode"}, {"content": {}}])
def test_a_dtype_that_is_not_kept_as_an_empty_array_is_not_sound(instead):
    data = skops_bytes.dump(SimpleImputer().fit(X))

    def change(schema):
        attributes(schema)["_fit_dtype"].update(instead)

    assert skops_trees.sound_types(data) == {"numpy.dtype"}
    assert not skops_trees.sound_types(changed(data, schema=change))


@pytest.mark.parametrize("data", [b"", b"PK", changed(TREE, schema=lambda schema: schema.clear())])
def test_what_cannot_be_read_is_not_sound(data):
    with pytest.raises(zipfile.BadZipFile) if len(data) < 10 else nothing():
        assert not skops_trees.sound_types(data)


def nothing():
    from contextlib import nullcontext

    return nullcontext()
