"""A project with a model and a prediction log of any length, written without a server."""

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import MLO, environment

if TYPE_CHECKING:
    import pandas as pd

    from mlops_cli.data.predictions.segment import Head, Source

_BLOCK = 4096
_SEGMENT_BLOCKS = 500
_TRAINED_ON = 100_000
COLUMNS = 10


def write(folder: Path, rows: int) -> None:
    """Make a project in `folder` whose model `churn` has answered so many rows.

    The model keeps a profile of what it was trained on. Eight of its columns are numbers, one is
    text and one is true or false.
    """
    from mlops_cli.core.repository import open_repository
    from mlops_cli.data.predictions.segment import Source
    from mlops_cli.registry import events, models, profile, signature

    folder.mkdir(parents=True)
    for command in (["git", "init", "--quiet"], [MLO, "init"]):
        subprocess.run(command, cwd=folder, env=environment({}), check=True, capture_output=True)
    repo = open_repository(folder)
    trained = _table(_TRAINED_ON, seed=0)
    columns = signature.from_frame(trained)
    kept = profile.of_data(trained, columns, target=None)
    assert kept is not None
    detail = {
        "artifact": repo.objects.put(b"a model"),
        "kind": "file",
        "path": "model.skops",
        "size": 7,
        "format": "skops",
        "trusted": False,
        "run": None,
        "inputs": [],
        "data": None,
        "profile": repo.objects.put(profile.encode(kept)),
        "target": None,
        "commit": None,
        "environment": None,
        "task": "regression",
        "signature": columns.to_dict(),
        "metrics": {},
    }
    with repo.lock("register"):
        events.append(repo, "churn", "register", 1, detail)
    version = models.model(repo, "churn").newest
    source = Source("churn", 1, version.id, tuple(trained.columns))
    per_segment = _BLOCK * _SEGMENT_BLOCKS
    for number, first in enumerate(range(0, rows, per_segment)):
        _segment(repo.layout.predictions, source, number, min(per_segment, rows - first))


def _table(rows: int, seed: int) -> "pd.DataFrame":
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    found = pd.DataFrame(rng.normal(size=(rows, COLUMNS - 2)), columns=[*"abcdefgh"])
    return found.assign(
        colour=rng.choice(["red", "blue", "green"], rows), truth=rng.random(rows) < 0.3
    )


def _segment(folder: Path, source: "Source", number: int, rows: int) -> None:
    """Write one file of the log, as the server would have."""
    from mlops_cli.data.predictions import segment

    name = f"{number:016x}"
    head = segment.Head(name, source, source.columns, started_us=number + 1, seed=number + 1)
    path = folder / source.model / f"{name}{segment.SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(segment.head_frame(head))
        for first in range(0, rows, _BLOCK):
            file.write(_frame(head, number, first, min(_BLOCK, rows - first)))


def _frame(head: "Head", number: int, first: int, rows: int) -> bytes:
    import numpy as np

    from mlops_cli.data.predictions import block, segment

    table = _table(rows, seed=1 + first + number * _BLOCK * _SEGMENT_BLOCKS)
    numbers = np.arange(first, first + rows)
    times = 1_780_000_000_000_000 + numbers * 1000
    columns = block.matrix(table[[*"abcdefgh"]].to_numpy())
    columns += [block.cells(table[name].tolist()) for name in ("colour", "truth")]
    payload = block.encode(numbers, times, columns, [0.5] * rows, None, None, None)
    return segment.rows_frame(
        payload,
        seed=head.seed,
        rows=rows,
        numbers=(first, first + rows - 1),
        times=(int(times[0]), int(times[-1])),
    )
