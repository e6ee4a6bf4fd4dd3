"""One byte form for a record, so that equal records have equal ids.

The form is JSON (RFC 8259) with sorted keys, no white space and UTF-8 text. Numbers are
Python's shortest representation that reads back to the same value. Not-a-number and the
infinities have no JSON form: callers write the strings "nan", "inf" and "-inf".
"""

import json
from typing import Any

from mlops_cli.errors import IntegrityError


def encode(value: Any) -> bytes:
    """Return the canonical bytes of `value`, made of dict, list, str, int, float, bool, None.

    Raises:
        ValueError: a float is not finite.
        TypeError: a value has another type.

    >>> encode({"b": 1, "a": [True, None, 0.1]})
    b'{"a":[true,null,0.1],"b":1}'
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8", "surrogateescape")


def decode(data: bytes) -> Any:
    """Return the value that `encode` gave these bytes for.

    Raises:
        IntegrityError: the bytes are not JSON.
    """
    try:
        return json.loads(data.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"a stored record is not valid JSON: {error}") from error
