"""What the protocol tells of the server and of a model."""

from collections.abc import Sequence
from typing import Any

from mlops_cli import __version__
from mlops_cli.serving.live import Live
from mlops_cli.serving.protocols.v2 import columns
from mlops_cli.serving.protocols.v2.columns import Description

NAME = "mlo"
VERSION = __version__
EXTENSIONS = ("binary_tensor_data",)
PLATFORM = "mlo"


def server() -> dict[str, Any]:
    """Return what `/v2` answers."""
    return {"name": NAME, "version": VERSION, "extensions": list(EXTENSIONS)}


def model(lives: Sequence[Live]) -> dict[str, Any]:
    """Return what `/v2/models/NAME` answers, by the versions that answer, the main one first."""
    live = lives[0]
    return {
        "name": live.model,
        "versions": list(dict.fromkeys(str(one.version) for one in lives)),
        "platform": PLATFORM,
        "inputs": [_record(one) for one in columns.inputs(live.signature)],
        "outputs": [_record(one) for one in columns.outputs(live)],
    }


def _record(one: Description) -> dict[str, Any]:
    return {"name": one.name, "datatype": one.datatype, "shape": list(one.shape)}
