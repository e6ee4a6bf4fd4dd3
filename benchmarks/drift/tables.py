"""Tables of mixed columns, as Parquet and as CSV: a reference, and one of which a column moved."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SIDES = ("reference", "current")


def write(folder: Path, rows: int, columns: int) -> None:
    """Write `reference` and `current` into a folder, with both endings."""
    import pyarrow.csv
    import pyarrow.parquet

    folder.mkdir(parents=True)
    for seed, side in enumerate(SIDES):
        table = mixed(rows, columns, seed)
        pyarrow.parquet.write_table(table, folder / f"{side}.parquet")
        pyarrow.csv.write_csv(table, folder / f"{side}.csv")


def mixed(rows: int, columns: int, seed: int) -> "pa.Table":
    """Return a table; of each ten columns six are numbers, three text or true, one has gaps."""
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    shift = 0.3 * seed
    return pa.table({f"c{i}": _column(rng, rows, i % 10, shift * (i == 0)) for i in range(columns)})


def _column(rng: "np.random.Generator", rows: int, kind: int, shift: float) -> "pa.Array":
    import numpy as np
    import pyarrow as pa

    if kind < 4:
        return pa.array(rng.normal(shift, 1, rows))
    if kind == 4:
        return pa.array(rng.integers(0, 1000, rows))
    if kind == 5:
        return pa.array(np.round(rng.gamma(2, 50, rows), 2))
    if kind == 6:
        return pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.1)
    if kind == 9:
        return pa.array(rng.random(rows) < 0.3)
    names = [f"kind {number}" for number in range(5 if kind == 7 else 200)]
    places = np.minimum(rng.geometric(0.3 if kind == 7 else 0.05, rows), len(names)) - 1
    codes = pa.array(places.astype(np.int32))
    return pa.DictionaryArray.from_arrays(codes, pa.array(names)).dictionary_decode()
