"""JSON schemas of what requests and answers hold."""

from typing import Any

from mlops_cli.registry.signature import Column
from mlops_cli.registry.values import INT64, limit
from mlops_cli.serving.live import Live
from mlops_cli.serving.protocols.v2.tensors import DATATYPES

Schema = dict[str, Any]

ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "string", "description": "What is wrong, for people"},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["row", "field", "problem"],
                "properties": {
                    "row": {"type": ["integer", "null"], "minimum": 0},
                    "field": {"type": "string"},
                    "problem": {"type": "string"},
                },
            },
        },
        "problem_count": {"type": "integer", "minimum": 1},
    },
}
_IDS = {"type": "string", "examples": ["d0994802491ac3fb-0"]}
_LABEL: Schema = {
    "type": "object",
    "required": ["id", "label"],
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9a-f]{16}-(0|[1-9][0-9]{0,17})$"},
        "label": {"type": ["string", "number", "boolean"]},
        "time": {"type": "string", "format": "date-time"},
    },
    "additionalProperties": False,
}
FEEDBACK: Schema = {
    "oneOf": [
        _LABEL,
        {
            "type": "object",
            "required": ["feedback"],
            "properties": {"feedback": {"type": "array", "items": _LABEL, "minItems": 1}},
            "additionalProperties": False,
        },
    ]
}
_COUNTS = ("new", "replaced", "same", "unknown", "unlogged", "strange", "unusable")
RECORDED: Schema = {
    "type": "object",
    "required": [*_COUNTS, "examples"],
    "properties": {
        **{name: {"type": "integer"} for name in _COUNTS},
        "examples": {"type": "array", "items": {"type": "string"}},
    },
}
_PARAMETERS = {"type": "object", "properties": {"binary_data_size": {"type": "integer"}}}


def value(column: Column) -> Schema:
    """Return the schema of a value of one column.

    >>> value(Column("soil", "category", categories=("clay", "loam"), nullable=True))
    {'enum': ['clay', 'loam', None]}
    """
    if column.kind == "category" and column.categories is not None:
        return {"enum": [*column.categories, *([None] if column.nullable else [])]}
    if column.kind == "number":
        schema: Schema = {"type": "number", "minimum": -limit(column), "maximum": limit(column)}
    else:
        schema = dict(_KINDS[column.kind])
    if column.nullable:
        schema["type"] = [schema["type"], "null"]
    if column.minimum is not None and column.maximum is not None:
        schema["description"] = f"From {column.minimum} to {column.maximum} in the training data"
    return schema


_KINDS: dict[str, Schema] = {
    "integer": {"type": "integer", "minimum": -INT64, "maximum": INT64 - 1},
    "boolean": {"type": "boolean"},
    "category": {"type": "string"},
    "text": {"type": "string"},
    "datetime": {"type": "string", "format": "date-time"},
}


def row(live: Live) -> Schema:
    """Return the schema of a row by names."""
    columns = live.signature.columns
    return {
        "type": "object",
        "required": [column.name for column in columns],
        "properties": {column.name: value(column) for column in columns},
        "additionalProperties": False,
    }


def request(live: Live) -> Schema:
    """Return the schema of mlo's own request, in its three forms."""
    return {
        "oneOf": [
            _object(rows=_list(row(live), live)),
            _object(columns=_by_column(live)),
            _object(columns={"const": list(live.signature.names)}, data=_values(live)),
        ]
    }


def answer(live: Live) -> Schema:
    """Return the schema of mlo's own answer."""
    prediction: Schema = {"id": _IDS, "prediction": _prediction(live)}
    if live.classes is not None:
        share = {"type": "number", "minimum": 0, "maximum": 1.000001}
        names = live.class_names
        prediction["probabilities"] = _object(**dict.fromkeys(names, share))
    return _object(
        model={"const": live.model},
        version={"type": "integer", "minimum": 1},
        predictions={"type": "array", "items": _object(**prediction)},
    )


def invocation(live: Live) -> Schema:
    """Return the schema of a request as MLflow makes them."""
    split = _object(columns={"const": list(live.signature.names)}, data=_values(live))
    split["properties"]["index"] = {"type": "array"}
    rows = _list(row(live), live)
    return {
        "oneOf": [
            _object(dataframe_split=split),
            _object(dataframe_records=rows),
            _object(instances=rows),
            _object(inputs=_by_column(live)),
        ]
    }


def invoked(live: Live) -> Schema:
    """Return the schema of an answer that MLflow's clients read."""
    return _object(
        predictions={"type": "array", "items": _prediction(live)},
        model={"const": live.model},
        version={"type": "integer", "minimum": 1},
        ids={"type": "array", "items": _IDS},
    )


def tensors(name: str) -> Schema:
    """Return the schema of a list of V2 tensors; `name` says whether they go in or out."""
    tensor = {
        "type": "object",
        "required": ["name", "shape", "datatype"],
        "properties": {
            "name": {"type": "string"},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
            "datatype": {"enum": list(DATATYPES)},
            "data": {"type": "array"},
            "parameters": _PARAMETERS,
        },
    }
    return {
        "type": "object",
        "required": [name],
        "properties": {"id": {"type": "string"}, name: {"type": "array", "items": tensor}},
    }


def _prediction(live: Live) -> Schema:
    if live.classes is None:
        return {}
    return {"enum": list(live.classes)}


def _by_column(live: Live) -> Schema:
    return _object(**{one.name: _list(value(one), live) for one in live.signature.columns})


def _values(live: Live) -> Schema:
    columns = live.signature.columns
    values = {
        "type": "array",
        "prefixItems": [value(column) for column in columns],
        "minItems": len(columns),
        "maxItems": len(columns),
    }
    return _list(values, live)


def _list(items: Schema, live: Live) -> Schema:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": live.validator.max_rows}


def _object(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }
